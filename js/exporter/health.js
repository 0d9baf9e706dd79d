'use strict';
// Owns what is known of the collector between exports: since when it has been away, why, and who is told.
// It refuses to decide that: the breaker does, on the native side, from the answers to its own requests.

const { diag } = require('../otel/diag.js');
const { warnSomebody } = require('../otel/heard.js');
const { clearTimeout, setTimeout, unref } = require('../guards/timers.js');
const { contained } = require('../guards/user_code.js');
const { withoutQuery } = require('../config/url.js');

/** After so long without the collector a line says so, once for each time that it is away. */
const AWAY_MILLIS = 60_000;

class Health {
  #settings;
  #state = 'ok';
  #since = null;
  #failure = null;
  #alarm = null;

  /** @param settings of the exporter: its `endpoint` and `onHealth` */
  constructor(settings) {
    this.#settings = settings;
  }

  /** The breaker has opened or closed. */
  told({ state, code, message }) {
    this.#state = state === 'closed' ? 'ok' : 'away';
    this.#since = Date.now();
    this.#failure = state === 'closed' ? null : { code: code ?? null, message: message ?? '' };
    this.silence();
    if (this.#state === 'away') this.#watch();
    const { onHealth } = this.#settings;
    if (onHealth === undefined) return;
    contained((error) => diag.error('Offloop: onHealth threw', error), onHealth, this.now());
  }

  /** What `health()` returns. */
  now() {
    const { endpoint } = this.#settings;
    const since = this.#since === null ? null : new Date(this.#since);
    const lastFailure = this.#failure === null ? null : { ...this.#failure };
    return { state: this.#state, since, lastFailure, endpoint: withoutQuery(endpoint) };
  }

  /** Nobody is warned any more: the collector is back, or the exporter is shut down. */
  silence() {
    if (this.#alarm !== null) clearTimeout(this.#alarm);
    this.#alarm = null;
  }

  /** The timer holds no exporter that nobody else does. */
  #watch() {
    const weak = new WeakRef(this);
    const wake = () => {
      const health = weak.deref();
      if (health !== undefined) health.#warn();
    };
    this.#alarm = setTimeout(wake, AWAY_MILLIS);
    unref(this.#alarm);
  }

  #warn() {
    this.#alarm = null;
    const { endpoint } = this.#settings;
    const why = this.#failure?.message ? `: ${this.#failure.message}` : '';
    warnSomebody(`${withoutQuery(endpoint)} has been away for ${AWAY_MILLIS / 1000} s${why}`);
  }
}

module.exports = { AWAY_MILLIS, Health };
