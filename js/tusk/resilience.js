'use strict';
// Owns the retry loop and the circuit breaker of the remote API for code on the JavaScript thread.
// Refuses to know what is being tried.

const { StandIns } = require('../guards/stand_ins.js');

const standIns = new StandIns('circuit breaker');
let own;

/** An error that no further attempt can mend. */
class NonRetryableError extends Error {}

/** Opens after so many consecutive failures; after its time everybody may try until one fails. */
class CircuitBreaker {
  static {
    own = (breaker) => (#config in breaker ? breaker : standIns.originalOf(breaker));
  }

  #config;
  #state = 'closed';
  #failures = 0;
  #openedAtMillis = 0;

  /** @param {{ failureThreshold: number, resetTimeoutMs: number }} config */
  constructor(config) {
    this.#config = config;
    standIns.sign(this);
  }

  allowRequest() {
    const self = own(this);
    if (self.#state === 'open') {
      if (Date.now() - self.#openedAtMillis < self.#config.resetTimeoutMs) return false;
      self.#state = 'half_open';
    }
    return true;
  }

  recordSuccess() {
    const self = own(this);
    self.#state = 'closed';
    self.#failures = 0;
  }

  recordFailure() {
    const self = own(this);
    self.#failures += 1;
    if (self.#state !== 'half_open' && self.#failures < self.#config.failureThreshold) return;
    self.#state = 'open';
    self.#failures = 0;
    self.#openedAtMillis = Date.now();
  }

  getState() {
    return own(this).#state;
  }
}

/**
 * Calls `attempt` until it succeeds, `maxAttempts` times at most, waiting `initialDelayMs`, twice that, and so on up to
 * `maxDelayMs` in between. Rejects with the last error.
 */
async function withRetries(attempt, { maxAttempts, initialDelayMs, maxDelayMs }) {
  let error = new Error('retry loop did not execute');
  for (let made = 0, delayMillis = initialDelayMs; made < maxAttempts; ) {
    try {
      return await attempt();
    } catch (thrown) {
      error = thrown;
    }
    made += 1;
    if (error instanceof NonRetryableError || made >= maxAttempts) break;
    await new Promise((resolve) => setTimeout(resolve, delayMillis));
    delayMillis = Math.min(delayMillis * 2, maxDelayMs);
  }
  throw error;
}

module.exports = { CircuitBreaker, NonRetryableError, withRetries };
