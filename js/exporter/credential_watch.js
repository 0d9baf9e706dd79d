'use strict';
// Owns noticing that the user's headers are others than those that the endpoint has refused (401, 403): the native
// side then lets go at once what it holds.
// It refuses to judge answers, and to read anything while no credentials are refused. Where credentials are code that nobody
// sees through, they may be others at the next call: nothing is held for them.

const { settledWithin } = require('../native/deadlines.js');
const { now, setTimeout, unref } = require('../guards/timers.js');
const { ignore } = require('../guards/user_code.js');

const CHECK_MILLIS = 1000;

class CredentialWatch {
  #headers;
  #isPushed;
  #isBlind;
  #patienceMillis;
  #lane = null;
  #last = null; // the entries that were read last, for whatever reason
  #isRefused = false;
  #isChecking = false;
  #checkedAt = -Infinity;
  #timer = null;

  /**
   * @param headers as `createHeaderSource` gives them
   * @param isPushed whether the native side has to be given them, and does not ask for each attempt
   * @param patienceMillis how long an answer of the user's function is waited for
   * @param isBlind whether there are credentials that are not among the headers
   */
  constructor(headers, isPushed, patienceMillis, isBlind) {
    this.#headers = headers;
    this.#isBlind = isBlind;
    this.#patienceMillis = patienceMillis;
    this.#isPushed = isPushed;
  }

  /** The native lane is there. */
  attach(lane) {
    this.#lane = lane;
  }

  /** Reads the headers for an attempt. */
  read = () => {
    const entries = this.#headers.read();
    return typeof entries?.then === 'function' ? entries.then((read) => this.#note(read)) : this.#note(entries);
  };

  /** What became of an export. */
  told({ delivered, error }) {
    if (isRefusalOfCredentials(error)) {
      if (this.#isBlind) {
        this.#lane?.credentialsChanged();
        return;
      }
      this.#isRefused = true;
      this.#arm();
    } else if (delivered > 0) {
      this.#isRefused = false;
    }
  }

  /** An export begins: its batch may be held. */
  exported() {
    if (!this.#isRefused) return;
    if (now() - this.#checkedAt >= CHECK_MILLIS) this.#check();
    this.#arm();
  }

  #note(entries) {
    const last = this.#last;
    if (last !== null && isSame(last, entries)) return last;
    if (this.#isPushed) this.#lane?.setHeaders(entries);
    else if (last !== null) this.#lane?.credentialsChanged();
    this.#last = entries;
    return entries;
  }

  /** Makes one check at a time and ignores its errors: the next attempt reads the headers again and reports them. */
  #check() {
    if (this.#isChecking) return;
    this.#isChecking = true;
    this.#checkedAt = now();
    const read = (async () => this.read())();
    settledWithin(read, this.#patienceMillis, ignore).then(() => {
      this.#isChecking = false;
    });
  }

  /** Batches that are held may wait without any export that comes after them. */
  #arm() {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isRefused || this.#lane === null || this.#lane.stats().pending === 0) return;
      this.#check();
      this.#arm();
    }, CHECK_MILLIS);
    unref(this.#timer);
  }
}

/** 401 and 403 over HTTP, UNAUTHENTICATED and PERMISSION_DENIED over gRPC. */
function isRefusalOfCredentials(error) {
  if (error?.kind === 'grpc') return error.code === '16' || error.code === '7';
  return error?.httpStatus === 401 || error?.httpStatus === 403;
}

function isSame(left, right) {
  return (
    left.length === right.length && left.every(([name, value], i) => name === right[i][0] && value === right[i][1])
  );
}

module.exports = { CredentialWatch };
