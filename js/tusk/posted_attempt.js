'use strict';
// Owns one attempt that a method of the user's makes, as the facts that the native schedule wants to know.
// Refuses to repeat, to judge and to time: that is native, as for every attempt.

const { factsOfError } = require('../node_http/network_facts.js');
const { NonRetryableError } = require('./resilience.js');

const TAKEN = Object.freeze({ outcome: 'reply', status: 200, body: Uint8Array.of(0x08, 0x01) }); // success: true

/**
 * What `send` of a lane is (js/native/engine.js) where `post(bytes)` resolves when the backend has taken the request. The time of
 * the attempt is measured natively; `signal.end` ends the wait for a method that never answers.
 */
function postedBy(post) {
  return (body, _timeoutMillis, _contentEncoding, signal) =>
    new Promise((resolve) => {
      signal.end = () => resolve(null);
      posted(post, body)
        .catch(failed) // what was thrown could not even be looked at
        .then(resolve);
    });
}

async function posted(post, body) {
  try {
    await post(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    return TAKEN;
  } catch (error) {
    return failed(error, kindOf(error));
  }
}

function kindOf(error) {
  if (error instanceof NonRetryableError) return 'unsendable';
  return error instanceof Error && error.name === 'AbortError' ? 'timed_out' : undefined;
}

function failed(error, kind) {
  return { outcome: 'failed', error: factsOfError(error, kind) };
}

module.exports = { postedBy };
