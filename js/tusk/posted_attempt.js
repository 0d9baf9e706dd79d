'use strict';
// Owns one attempt that a method of the user's makes, as the facts that the native schedule wants to know.
// Refuses to repeat, to judge and to wait without end: that is the same for every attempt.

const { factsOfError } = require('../network_facts.js');
const { NonRetryableError } = require('./resilience.js');

const MAX_TIMER_MILLIS = 2 ** 31 - 1;
const TAKEN = Object.freeze({ outcome: 'reply', status: 200, body: Uint8Array.of(0x08, 0x01) }); // success: true

/** What `send` of a lane is (js/engine.js) where `post(bytes)` resolves when the backend has taken the request. */
function postedBy(post) {
  return (body, timeoutMillis) =>
    new Promise((resolve) => {
      const expire = () => resolve(failed(new Error('Request timed out'), 'timed_out'));
      const timer = setTimeout(expire, Math.min(timeoutMillis, MAX_TIMER_MILLIS));
      posted(post, body).then((facts) => {
        clearTimeout(timer);
        resolve(facts);
      });
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
