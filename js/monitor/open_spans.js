'use strict';
// Owns telling native threads which recorded spans are open on this thread, in a table of fixed size that they read
// while the loop is blocked (src/monitor/open_spans.rs has its layout).
// Refuses to cost anything without a monitor, and to hold spans that have ended: it writes their ids and what they are called.

const { now } = require('../guards/timers.js');

const ENTRY_BYTES = 64;
const START_OFFSET = 8;
const IDS_OFFSET = 16;
const ID_DIGITS = 48;
const SAMPLED = 1;
const HAS_ENDED = 1 << 31;

// What is told of a span, in word 1 of its entry.
const IS_REQUEST = 1;
const IS_ROUTE = 2;
const TEXT_SHIFT = 2;
const SERVER = 1;
const CONSUMER = 4;
const MOST_TEXTS = 2048; // the table has no room for more
const MOST_NAMES = 1024; // a name may hold an id; routes are to find room all the same
const LONGEST_TEXT = 512;

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
  #spans = []; // entry -> the span while it is open
  #isOutermost = null; // entry -> whether no span was open that is its parent
  #free = []; // a ring: an entry stays readable until all others have been used
  #firstFree = 0;
  #freeCount = 0;
  #numbers = new Map(); // text -> its number in the table
  #addText = null;
  #oldest = 0; // the entry that is given up when there is no free one
  #version = 2;
  #resource = null;

  /**
   * @param makeTable the table's memory, asked for once; throws where memory cannot be shared, and there is no table then
   * @param addText gives a text that the table is to name its number, 0 if there are too many; always that of one table
   */
  open(makeTable, addText = () => 0) {
    if (this.#versions === null) this.#make(makeTable);
    this.#addText = addText;
    for (let entry = 0; entry < this.#ids.length; entry++) {
      this.#clear(entry); // of spans that an earlier monitor saw
    }
    this.#entryOf.clear();
    this.#ids.fill('');
    this.#spans = new Array(this.#ids.length).fill(null);
    this.#free = Array.from(this.#ids.keys());
    this.#firstFree = 0;
    this.#freeCount = this.#ids.length;
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
    this.#isOutermost = new Uint8Array(this.#ids.length);
    this.#versions = new Int32Array(table); // last: who is cut off before makes the rest again
  }

  close() {
    this.isOpen = false;
    this.onResource = null;
    this.onBatch = null;
    this.#entryOf.clear();
    this.#spans.fill(null);
  }

  /** A block is over: what is told of the open spans is told anew, because a route may be known late. Never throws. */
  refresh() {
    for (const entry of this.#entryOf.values()) this.#tell(entry, this.#spans[entry]);
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
    const parentId = span.parentSpanContext?.spanId ?? span.parentSpanId;
    const isOutermost = parentId === undefined || !this.#entryOf.has(parentId);
    const about = this.#about(span, isOutermost);
    const entry = this.#freeCount > 0 ? this.#takeFree() : this.#giveUpOldest();
    const at = entry * ENTRY_BYTES;
    const version = this.#version;
    this.#version = (version + 2) % 2 ** 30 || 2;
    // An exchange, and no store: plain stores may overtake a store in front of them (src/monitor/open_spans.rs).
    Atomics.exchange(this.#versions, at >> 2, version + 1);
    this.#versions[(at >> 2) + 1] = about;
    this.#starts[(at + START_OFFSET) >> 3] = now();
    this.#bytes.latin1Write(traceId + spanId, at + IDS_OFFSET, ID_DIGITS);
    Atomics.exchange(this.#versions, at >> 2, version);
    this.#ids[entry] = spanId;
    this.#spans[entry] = span;
    this.#isOutermost[entry] = isOutermost ? 1 : 0;
    this.#entryOf.set(spanId, entry);
  }

  /** Never throws. */
  ended(span) {
    try {
      this.#leave(span, span.spanContext().spanId);
    } catch {
      // As above.
    }
  }

  #leave(span, spanId) {
    const entry = this.#entryOf.get(spanId);
    if (entry === undefined) return;
    const word = (entry * ENTRY_BYTES) >> 2;
    if (this.#versions[word + 1] !== 0) this.#tell(entry, span); // instrumentations name a request when it is over
    Atomics.exchange(this.#versions, word, this.#versions[word] | HAS_ENDED);
    this.#entryOf.delete(spanId);
    this.#spans[entry] = null;
    this.#free[(this.#firstFree + this.#freeCount) % this.#free.length] = entry;
    this.#freeCount += 1;
  }

  #tell(entry, span) {
    try {
      // One word: a reader gets the old one or the new one.
      this.#versions[((entry * ENTRY_BYTES) >> 2) + 1] = this.#about(span, this.#isOutermost[entry] === 1);
    } catch {
      // A getter of the application's: what was told before stays.
    }
  }

  /** The route of a span, else the name of one that a request may be called by. */
  #about(span, isOutermost) {
    const { attributes, kind } = span;
    const isRequest = kind === SERVER || kind === CONSUMER;
    const flags = isRequest ? IS_REQUEST : 0;
    const route = attributes?.['http.route'];
    // A middleware of Express says where it is mounted.
    if (route !== undefined && attributes['express.type'] !== 'middleware') {
      const number = this.#number(route, MOST_TEXTS);
      if (number !== 0) return flags | IS_ROUTE | (number << TEXT_SHIFT);
    }
    return isRequest || isOutermost ? flags | (this.#number(span.name, MOST_NAMES) << TEXT_SHIFT) : flags;
  }

  #number(text, most) {
    if (typeof text !== 'string' || text === '') return 0;
    const key = text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text;
    const known = this.#numbers.get(key);
    if (known !== undefined || this.#numbers.size >= most) return known ?? 0;
    const number = this.#addText(key);
    if (number !== 0) this.#numbers.set(key, number);
    return number;
  }

  #takeFree() {
    const entry = this.#free[this.#firstFree];
    this.#firstFree = (this.#firstFree + 1) % this.#free.length;
    this.#freeCount -= 1;
    return entry;
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
