// Owns the tree of a trace as it arrives: pieces of bytes in, one typed array per column out. A row takes 28 bytes.

export const FLAG = {
  error: 1,
  block: 2,
  missingParent: 4,
  circle: 8,
  beginsBefore: 16,
  endsAfter: 32,
  otherResource: 64,
  idTwice: 128,
  endsEarly: 256,
  noStart: 512,
  links: 1024,
  events: 2048,
};
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const HEADER_BYTES = 64;
const ROW_BYTES = 28;
const VERSION = 1;
/** The index row of a parent that is not in the files. */
export const NO_ROW = 0xffffffff;

export class Skeleton {
  /** Rows that have arrived. */
  length = 0;
  /** @type {string[]} */
  names = [];
  /** @type {{ service: string }[]} */
  resources = [];

  /** @param {ArrayBuffer} bytes the first piece */
  constructor(bytes) {
    const header = headerOf(bytes);
    if (header.first !== 0) throw new Error('The first piece of this trace is missing.');
    this.total = header.total;
    this.spans = header.spans;
    this.generation = header.generation;
    /** Nanoseconds of a tick, the unit of `start` and `duration`. */
    this.tick = header.tick;
    this.traceStart = header.start;
    /** Nanoseconds from start to end. */
    this.traceDuration = Number(header.end - header.start);
    this.start = new Uint32Array(this.total);
    this.duration = new Uint32Array(this.total);
    this.size = new Uint32Array(this.total);
    this.depth = new Uint32Array(this.total);
    this.row = new Uint32Array(this.total);
    this.name = new Uint32Array(this.total);
    this.resource = new Uint16Array(this.total);
    this.flags = new Uint16Array(this.total);
    this.add(bytes);
  }

  get isComplete() {
    return this.length >= this.total;
  }

  /** Takes the next piece. @param {ArrayBuffer} bytes */
  add(bytes) {
    const { first, rows, total, generation, arrayBytes, jsonBytes } = headerOf(bytes);
    if (generation !== this.generation) throw new Error('This piece is of another state of the trace.');
    const isNext = first === this.length && first + rows <= this.total && total === this.total;
    if (!isNext || arrayBytes !== rows * ROW_BYTES) throw new Error('A piece of this trace does not fit the others.');
    if (HEADER_BYTES + arrayBytes + jsonBytes > bytes.byteLength) throw new Error('A piece of this trace was cut off.');
    let at = HEADER_BYTES;
    for (const column of [this.start, this.duration, this.size, this.depth, this.row, this.name]) {
      column.set(new Uint32Array(bytes, at, rows), first);
      at += rows * 4;
    }
    for (const column of [this.resource, this.flags]) {
      column.set(new Uint16Array(bytes, at, rows), first);
      at += rows * 2;
    }
    const { names, resources } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, at, jsonBytes)));
    this.names.push(...names);
    this.resources.push(...resources);
    this.length += rows;
  }

  /** @param {number} position */
  nameOf(position) {
    return this.names[this.name[position]] ?? '';
  }

  /** @param {number} position */
  serviceOf(position) {
    return this.resources[this.resource[position]]?.service ?? '';
  }

  /** Nanoseconds since the start of the trace. @param {number} position */
  startOf(position) {
    return this.start[position] * this.tick;
  }

  /** Nanoseconds. @param {number} position */
  durationOf(position) {
    return this.duration[position] * this.tick;
  }

  /** @param {number} position  @param {number} flag */
  has(position, flag) {
    return (this.flags[position] & flag) !== 0;
  }

  /** The next position behind the subtree, as far as rows have arrived. @param {number} position */
  endOf(position) {
    return Math.min(position + Math.max(1, this.size[position]), this.length);
  }

  /** The parent's position; -1 for a root. @param {number} position */
  parentOf(position) {
    const depth = this.depth[position];
    if (depth === 0) return -1;
    let at = position - 1;
    while (at >= 0 && this.depth[at] >= depth) at -= 1;
    return at;
  }

  /** The position of an index row; -1 if it is not there. @param {number} row */
  positionOf(row) {
    const at = this.row.indexOf(row);
    return at < this.length ? at : -1;
  }

  /** The next row with a flag, going round; -1 without any. @param {number} from  @param {number} step 1 or -1  @param {number} flag */
  nextWith(from, step, flag) {
    for (let nth = 1; nth <= this.length; nth++) {
      const at = (((from + nth * step) % this.length) + this.length) % this.length;
      if (this.has(at, flag)) return at;
    }
    return -1;
  }

  /** @param {number} flag */
  countWith(flag) {
    let count = 0;
    for (let at = 0; at < this.length; at++) if (this.flags[at] & flag) count += 1;
    return count;
  }

  /** What is odd about a row, in words. @param {number} position */
  marksOf(position) {
    const flags = this.flags[position];
    const marks = [];
    if (flags & FLAG.circle) marks.push('its own ancestor');
    if (flags & FLAG.idTwice) marks.push('id used twice');
    if (flags & FLAG.noStart) marks.push('no start');
    if (flags & FLAG.endsEarly) marks.push('ends before it starts');
    if (flags & (FLAG.beginsBefore | FLAG.endsAfter))
      marks.push(flags & FLAG.otherResource ? 'outside its parent: clocks differ?' : 'outside its parent');
    return marks;
  }

  /** @param {number} position */
  kindOf(position) {
    return KINDS[this.flags[position] >> 12] ?? '';
  }
}

/** @param {ArrayBuffer} bytes */
function headerOf(bytes) {
  if (bytes.byteLength < HEADER_BYTES) throw new Error('A piece of this trace was cut off.');
  const view = new DataView(bytes);
  const u32 = (/** @type {number} */ at) => view.getUint32(at, true);
  // "OLSK", read as a little-endian number.
  if (u32(0) !== 0x4b534c4f || u32(4) !== VERSION)
    throw new Error('The page and the program are of different versions.');
  return {
    rows: u32(8),
    first: u32(12),
    total: u32(16),
    spans: u32(20),
    tick: u32(24),
    generation: u32(28),
    start: view.getBigUint64(32, true),
    end: view.getBigUint64(40, true),
    arrayBytes: u32(48),
    jsonBytes: u32(52),
  };
}
