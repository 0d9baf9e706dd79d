'use strict';
// Owns the retry loop and the circuit breaker of the remote API for code on the JavaScript thread.
// Refuses to know what is being tried.

/** An error that no further attempt can mend. */
class NonRetryableError extends Error {}

/** Opens after so many consecutive failures; after its time everybody may try until one fails. */
class CircuitBreaker {
  #config;
  #state = 'closed';
  #failures = 0;
  #openedAtMillis = 0;

  /** @param {{ failureThreshold: number, resetTimeoutMs: number }} config */
  constructor(config) {
    this.#config = config;
  }

  allowRequest() {
    if (this.#state === 'open') {
      if (Date.now() - this.#openedAtMillis < this.#config.resetTimeoutMs) return false;
      this.#state = 'half_open';
    }
    return true;
  }

  recordSuccess() {
    this.#state = 'closed';
    this.#failures = 0;
  }

  recordFailure() {
    this.#failures += 1;
    if (this.#state !== 'half_open' && this.#failures < this.#config.failureThreshold) return;
    this.#state = 'open';
    this.#failures = 0;
    this.#openedAtMillis = Date.now();
  }

  getState() {
    return this.#state;
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
