'use strict';
// Owns finding the copy of @grpc/grpc-js that an object of the application's was made by.
// It refuses to bring one along: only the application's own can use its objects.

const MAIN_FILE = /[\\/]@grpc[\\/]grpc-js[\\/]build[\\/]src[\\/]index\.js$/;
const NAME = '@grpc/grpc-js';

/** The exports of that copy, or null: it may be part of a bundle. */
function findGrpc(credentials) {
  for (const grpc of candidates()) {
    const { ChannelCredentials } = Object(grpc);
    if (typeof ChannelCredentials === 'function' && credentials instanceof ChannelCredentials) return grpc;
  }
  return null;
}

/** What is loaded already comes first. */
function* candidates() {
  for (const [file, module] of Object.entries(require.cache)) if (MAIN_FILE.test(file)) yield module?.exports;
  for (const start of [require.main?.path, process.cwd()]) {
    if (start === undefined) continue;
    try {
      yield require(require.resolve(NAME, { paths: [start] }));
    } catch {
      // It is not installed there.
    }
  }
}

module.exports = { findGrpc };
