'use strict';
// Owns telling native threads which recorded spans are open on this thread, in a table of fixed size that they read
// while the loop is blocked (src/monitor/open_spans.rs has its layout).
// Refuses to cost anything without a monitor, and to hold spans: it writes their ids.

const { now } = require('../guards/timers.js');

const ENTRY_BYTES = 64;
const START_OFFSET = 8;
const IDS_OFFSET = 16;
const ID_DIGITS = 48;
const SAMPLED = 1;

class OpenSpans {
  /** Whether processors should call `started` and `ended`. */
  isOpen = false;
  /** Gets the resource of a span when it is another one than before. */
  onResource = null;
  /** Called when an exporter of ours begins a batch: now and then, and never because of a timer. */
  onBatch = null;

  #versions = null;
  #starts = null;
  #bytes = null;
  #entryOf = new Map(); // span id -> entry
  #ids = []; // entry -> span id
  #free = [];
  #oldest = 0; // the entry that is given up when there is no free one
  #version = 2;
  #resource = null;

  /** @param makeTable the table's memory, asked for once; throws where memory cannot be shared, and there is no table then */
  open(makeTable) {
    if (this.#versions === null) this.#make(makeTable);
    for (let entry = 0; entry < this.#ids.length; entry++) {
      this.#clear(entry); // of spans that an earlier monitor saw
    }
    this.#entryOf.clear();
    this.#ids.fill('');
    this.#free = Array.from(this.#ids.keys()).reverse();
    this.#oldest = 0;
    this.#resource = null;
    this.isOpen = true;
  }

  #make(makeTable) {
    let table;
    try {
      table = makeTable();
    } catch {
      table = new ArrayBuffer(0);
    }
    this.#starts = new Float64Array(table);
    this.#bytes = Buffer.from(table);
    this.#ids = new Array(table.byteLength / ENTRY_BYTES).fill('');
    this.#versions = new Int32Array(table); // last: who is cut off before makes the rest again
  }

  close() {
    this.isOpen = false;
    this.onResource = null;
    this.onBatch = null;
    this.#entryOf.clear();
  }

  /** An exporter begins a batch of `spans`, or one that is yet to be filled. Never throws: who calls is exporting. */
  batchBegan(spans) {
    if (!this.isOpen) return;
    try {
      const span = spans?.[0];
      if (span != null) this.#see(span);
      this.onBatch?.();
    } catch {
      // A getter of the application's; who reads the span next has it too, and tells.
    }
  }

  #see({ resource }) {
    if (resource === this.#resource || resource == null) return;
    this.#resource = resource;
    this.onResource?.(resource);
  }

  /** Never throws: it is called in the application's `startSpan`. */
  started(span) {
    try {
      this.#enter(span);
    } catch {
      // As above: a block has this span neither as its parent nor as a link.
    }
  }

  #enter(span) {
    this.#see(span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    if ((traceFlags & SAMPLED) === 0 || traceId.length + spanId.length !== ID_DIGITS || this.#ids.length === 0) return;
    if (this.#entryOf.has(spanId)) return; // several processors of ours
    const entry = this.#free.pop() ?? this.#giveUpOldest();
    const at = entry * ENTRY_BYTES;
    const version = this.#version;
    this.#version = (version + 2) % 2 ** 30 || 2;
    // An exchange, and no store: plain stores may overtake a store in front of them (src/monitor/open_spans.rs).
    Atomics.exchange(this.#versions, at >> 2, version + 1);
    this.#starts[(at + START_OFFSET) >> 3] = now();
    this.#bytes.latin1Write(traceId + spanId, at + IDS_OFFSET, ID_DIGITS);
    Atomics.exchange(this.#versions, at >> 2, version);
    this.#ids[entry] = spanId;
    this.#entryOf.set(spanId, entry);
  }

  /** Never throws. */
  ended(span) {
    try {
      this.#leave(span.spanContext().spanId);
    } catch {
      // As above.
    }
  }

  #leave(spanId) {
    const entry = this.#entryOf.get(spanId);
    if (entry === undefined) return;
    this.#clear(entry);
    this.#entryOf.delete(spanId);
    this.#free.push(entry);
  }

  #clear(entry) {
    Atomics.exchange(this.#versions, (entry * ENTRY_BYTES) >> 2, 0);
  }

  /** Spans that nobody ends must not fill the table for ever. */
  #giveUpOldest() {
    const entry = this.#oldest;
    this.#oldest = (entry + 1) % this.#ids.length;
    this.#entryOf.delete(this.#ids[entry]);
    return entry;
  }
}

/** Of this environment. */
const openSpans = new OpenSpans();

module.exports = { OpenSpans, openSpans };
