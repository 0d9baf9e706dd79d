'use strict';
// Owns loading the native addon and saying in one sentence why it could not be loaded.
// Refuses to fall back: whoever wants a substitute decides that elsewhere.

const SUPPORTED = 'linux x64/arm64 (glibc, musl), macOS x64/arm64, Windows x64';

let binding;

/** @throws {Error} with `code` ERR_OFFLOOP_BINDING */
function loadBinding() {
  if (binding === undefined) {
    try {
      binding = require('../addon/index.js');
    } catch (error) {
      throw explain(error);
    }
  }
  return binding;
}

/** The loader's own message guesses; the truth stands at the end of its chain of causes. */
function explain(error) {
  let last = error;
  while (last.cause instanceof Error) last = last.cause;
  const where = `${process.platform} ${process.arch}, Node ${process.versions.node}`;
  const explained = new Error(
    `offloop: the native addon could not be loaded on ${where}: ${last.message}. Prebuilt for: ${SUPPORTED}.`,
    { cause: error },
  );
  explained.code = 'ERR_OFFLOOP_BINDING';
  return explained;
}

module.exports = { loadBinding };
