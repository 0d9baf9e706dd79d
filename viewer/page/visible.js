// Owns which rows of a trace are in the list: what is collapsed, which equal siblings share a line, and where a position stands.
// It refuses to know pixels, except for the height that a browser can scroll.

/** @import { Skeleton } from './skeleton.js' */
import { FLAG } from './skeleton.js';

/** So many equal siblings become one line. */
export const GROUPED = 20;
/** Browsers draw nothing below some 16 or 33 million pixels. */
export const TALLEST = 8_000_000;
/** Siblings that differ in one of these are not equal. */
const MARKS = ~(FLAG.error | FLAG.links | FLAG.events) & 0xffff;

export class VisibleList {
  /** @param {Skeleton} skeleton */
  constructor(skeleton) {
    this.skeleton = skeleton;
    this.isGrouping = true;
    this.collapsed = new Uint8Array(skeleton.total);
    /** First positions of groups that were opened. @type {Set<number>} */
    this.opened = new Set();
    /** At the first position of a group, how many rows it has. */
    this.groups = new Uint32Array(skeleton.total);
    this.grouped = 0;
    /** What is in the list: a position, or `~position` for the line of a group. */
    this.entries = new Int32Array(0);
    this.length = 0;
    this.build();
  }

  /** Anew from the rows that have arrived, and from what is collapsed. */
  build() {
    const { skeleton, groups, collapsed } = this;
    this.findGroups();
    if (this.entries.length < skeleton.length * 1.1)
      this.entries = new Int32Array(Math.ceil(skeleton.length * 1.1) + 1);
    const { entries } = this;
    let count = 0;
    for (let at = 0; at < skeleton.length; ) {
      const group = this.isGrouping ? groups[at] : 0;
      if (group > 0) {
        entries[count++] = ~at;
        if (this.opened.has(at)) for (let nth = 0; nth < group; nth++) entries[count++] = at + nth;
        at += group;
      } else {
        entries[count++] = at;
        at = collapsed[at] ? skeleton.endOf(at) : at + 1;
      }
    }
    this.length = count;
  }

  /** Runs of rows without children, next to each other, that look alike. */
  findGroups() {
    const { depth, size, name, resource, flags, length } = this.skeleton;
    if (this.grouped === length) return;
    this.grouped = length;
    this.groups.fill(0);
    for (let at = 0; at < length; ) {
      let end = at + 1;
      if (size[at] === 1 && !(flags[at] & (FLAG.missingParent | FLAG.circle | FLAG.block))) {
        while (
          end < length &&
          size[end] === 1 &&
          depth[end] === depth[at] &&
          name[end] === name[at] &&
          resource[end] === resource[at] &&
          ((flags[end] ^ flags[at]) & MARKS) === 0
        )
          end += 1;
        if (end - at >= GROUPED) this.groups[at] = end - at;
      }
      at = end;
    }
  }

  /** @param {number} index  @returns {{ position: number, group: number, isOpen: boolean, depth: number, hasChildren: boolean }} */
  at(index) {
    const entry = this.entries[index];
    const { skeleton } = this;
    if (entry < 0) {
      const position = ~entry;
      const isOpen = this.opened.has(position);
      return { position, group: this.groups[position], isOpen, depth: skeleton.depth[position], hasChildren: true };
    }
    const hasChildren = skeleton.size[entry] > 1;
    const isOpen = hasChildren && this.collapsed[entry] === 0;
    const depth = skeleton.depth[entry] + (this.groupOf(entry) >= 0 ? 1 : 0);
    return { position: entry, group: 0, isOpen, depth, hasChildren };
  }

  /** The first position of the group that a row is in; -1 if it is in none. @param {number} position */
  groupOf(position) {
    if (!this.isGrouping || this.skeleton.size[position] !== 1) return -1;
    const { groups, skeleton } = this;
    const depth = skeleton.depth[position];
    for (const first of this.opened) {
      if (first <= position && position < first + groups[first] && skeleton.depth[first] === depth) return first;
    }
    return -1;
  }

  /** Where a row stands in the list; if it is hidden, where the line stands that hides it. @param {number} position */
  indexOf(position) {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const entry = this.entries[middle];
      // The line of a group stands before its first row.
      if ((entry < 0 ? ~entry - 0.5 : entry) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Opens or closes the line at `index`; false if there is nothing to do. @param {number} index  @param {boolean} isOpen */
  set(index, isOpen) {
    const line = this.at(index);
    if (!line.hasChildren || line.isOpen === isOpen) return false;
    if (line.group === 0) this.collapsed[line.position] = isOpen ? 0 : 1;
    else if (isOpen) this.opened.add(line.position);
    else this.opened.delete(line.position);
    this.build();
    return true;
  }

  /** Opens everything above a row, so that it is in the list. @param {number} position */
  reveal(position) {
    const { skeleton, collapsed, groups } = this;
    let isChanged = false;
    for (let at = skeleton.parentOf(position); at >= 0; at = skeleton.parentOf(at)) {
      if (collapsed[at]) isChanged = true;
      collapsed[at] = 0;
    }
    if (this.isGrouping && skeleton.size[position] === 1) {
      let first = position;
      while (first > 0 && groups[first] === 0 && skeleton.depth[first - 1] === skeleton.depth[first]) first -= 1;
      if (groups[first] > position - first && !this.opened.has(first)) {
        this.opened.add(first);
        isChanged = true;
      }
    }
    if (isChanged) this.build();
    return this.indexOf(position);
  }

  /** Everything with children, closed or open. @param {boolean} isOpen */
  setAll(isOpen) {
    const { size, length } = this.skeleton;
    for (let at = 0; at < length; at++) this.collapsed[at] = !isOpen && size[at] > 1 ? 1 : 0;
    this.opened.clear();
    this.build();
  }

  /** @param {boolean} isGrouping */
  setGrouping(isGrouping) {
    this.isGrouping = isGrouping;
    this.build();
  }

  /** Figures of the group whose first row is `position`. @param {number} position */
  groupFigures(position) {
    const count = this.groups[position];
    let total = 0;
    let longest = 0;
    let errors = 0;
    let end = 0;
    for (let at = position; at < position + count; at++) {
      const duration = this.skeleton.durationOf(at);
      total += duration;
      longest = Math.max(longest, duration);
      end = Math.max(end, this.skeleton.startOf(at) + duration);
      if (this.skeleton.has(at, FLAG.error)) errors += 1;
    }
    return { count, total, longest, errors, end };
  }
}

/**
 * How a list of `height` pixels is scrolled by an element of at most TALLEST: both ends meet, what is between is in proportion.
 * @param {number} height of all rows
 * @param {number} viewport height of what is in sight
 */
export function scrollMapping(height, viewport) {
  const spacer = Math.min(height, TALLEST);
  const most = Math.max(0, height - viewport);
  const scale = height > TALLEST ? most / (TALLEST - viewport) : 1;
  return {
    spacer,
    most,
    /** 1 where a pixel scrolled is a pixel of the list. */
    scale,
    toTop: (/** @type {number} */ scrolled) => Math.min(most, Math.max(0, scrolled * scale)),
    toScroll: (/** @type {number} */ top) => Math.min(most, Math.max(0, top)) / scale,
  };
}
