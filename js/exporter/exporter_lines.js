'use strict';
// Owns what is said about each exporter of ours: what it is, how its first spans came, and what became of its first batch.
// Refuses to say anything of later batches: those have `stats()`, `onError` and the lines of a failed export.

const { decided } = require('../otel/decisions.js');
const { contained, ignore } = require('../guards/user_code.js');

const numbers = new WeakMap();
let count = 0;

class ExporterLines {
  #exporter = null; // how lines call it
  #what;
  #hasBegun = false;
  #hasEnded = false;

  /** @param what its class, the protocol, the endpoint as it may be shown, the transport and why, where there was a choice */
  constructor({ className, protocol, endpoint, transport, reason = null }) {
    // Keys travel in queries.
    const shown = endpoint.startsWith('file:') ? endpoint : endpoint.replace(/[?#].*$/s, '');
    const why = reason === null ? '' : ` (${reason})`;
    this.#what = `${className}, ${protocol} to ${shown}, transport ${transport}${why}`;
  }

  /** Follows the constructor of `exporter`. */
  made(exporter) {
    count += 1;
    numbers.set(exporter, count);
    this.#exporter = `exporter ${count}`;
    decided(`${this.#exporter}: ${this.#what}`);
  }

  /** Spans are taken: natively as they end, or by `export()`. */
  began(isCaptured) {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    decided(`${this.#exporter}: first spans, ${isCaptured ? 'captured' : 'through export()'}`);
  }

  /** An export has its result. */
  ended({ delivered, rejected, filtered = 0, error }, reason) {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const lost = `lost: ${reason}${error === undefined || error.code === reason ? '' : ` (${error.code})`}`;
    const taken = delivered > 0 || rejected + filtered === 0 ? 'delivered' : rejected > 0 ? 'rejected' : 'filtered';
    const fate = reason !== undefined ? lost : taken;
    decided(`${this.#exporter}: first batch ${fate}`);
  }
}

/** `exporter 2` for one of ours, else the name of its class. */
function nameOf(exporter) {
  const number = contained(ignore, () => numbers.get(exporter));
  if (number !== undefined) return `exporter ${number}`;
  const name = contained(ignore, () => exporter.constructor.name);
  return typeof name === 'string' && name !== '' ? name.slice(0, 100) : 'an object';
}

module.exports = { ExporterLines, nameOf };
