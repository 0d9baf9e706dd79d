'use strict';
// Owns noticing that the process has changed what its TLS does since an exporter took it over: code in place of Node's
// functions, other defaults, another NODE_TLS_REJECT_UNAUTHORIZED. The next connection is then for Node to open.
// It refuses to follow what only makes or sees requests: tracing libraries replace `https.request`, and judge nobody.

const tls = require('node:tls');
const { inRootContext } = require('../otel/root_context.js');
const { setTimeout, unref } = require('../guards/timers.js');
const { isOutOfStack } = require('../guards/unwinding.js');

// Every connection of Node's https goes through these, so code in their place decides whom to trust.
const FUNCTIONS = ['checkServerIdentity', 'createSecureContext', 'connect'];
const LOOK_MILLIS = 200; // what is on its way may open connections later: retries, held and queued batches
const DEFAULTS = ['DEFAULT_MIN_VERSION', 'DEFAULT_MAX_VERSION', 'DEFAULT_CIPHERS', 'DEFAULT_ECDH_CURVE'];

// As they were when the library was loaded. What has another name by then is not Node's.
const own = FUNCTIONS.map((name) => (isNamed(tls[name], name) ? tls[name] : null));

function isNamed(value, name) {
  return typeof value === 'function' && Object.getOwnPropertyDescriptor(value, 'name')?.value === name;
}

/** Which of Node's functions has been replaced, or null. */
function reasonInFunctions() {
  const at = FUNCTIONS.findIndex((name, index) => tls[name] !== own[index]);
  return at === -1 ? null : `tls.${FUNCTIONS[at]} that was replaced`;
}

/** `rejectUnauthorized` as Node finds it for a connection that is opened now; an option that is null does not say. */
function readRejectUnauthorized(option) {
  return option ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
}

class TlsWatch {
  #option;
  #defaults = DEFAULTS.map((name) => tls[name]);
  #rejects = true;
  #told = null;
  #isWatching = false;

  /** @param settings as `resolveTls` gives them */
  constructor({ rejectUnauthorized }) {
    this.#option = rejectUnauthorized;
  }

  /** `rejectUnauthorized` for a lane that is made now. */
  begin() {
    this.#told = null;
    this.#rejects = readRejectUnauthorized(this.#option);
    return this.#rejects;
  }

  /**
   * A batch begins, or leaves. If the process has changed its TLS settings, `lane` is told to let Node open the next
   * connections.
   */
  look(lane) {
    this.#lookNow(lane);
    if (this.#isWatching) return;
    inRootContext(() => unref(setTimeout(() => this.#lookAgain(lane), LOOK_MILLIS)));
    this.#isWatching = true;
  }

  /** Again and again, as long as anything is on its way. */
  #lookAgain(lane) {
    this.#isWatching = false;
    if (lane.stats().pending > 0) this.look(lane);
  }

  #lookNow(lane) {
    const reason = this.#reason();
    if (reason === this.#told) return;
    lane.doubtTls(reason ?? undefined);
    this.#told = reason;
  }

  #reason() {
    try {
      const replaced = reasonInFunctions();
      if (replaced !== null) return replaced;
      for (let i = 0; i < DEFAULTS.length; i++) {
        if (tls[DEFAULTS[i]] !== this.#defaults[i]) return `tls.${DEFAULTS[i]} that was changed`;
      }
    } catch (error) {
      if (isOutOfStack(error)) throw error;
      return 'a property of tls that cannot be read';
    }
    const isSame = readRejectUnauthorized(this.#option) === this.#rejects;
    return isSame ? null : 'NODE_TLS_REJECT_UNAUTHORIZED that was changed';
  }
}

module.exports = { reasonInFunctions, TlsWatch };
