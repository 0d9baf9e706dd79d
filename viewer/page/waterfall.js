// Owns the rows of a trace: tree on the left, bars on a common axis on the right, with critical path, blocks of the event loop
// and events drawn on them. It refuses to ask the program anything.

import { colourOf } from './app.js';
import { fill, h, setAttribute, setText } from './dom.js';
import { counted, countText, durationText, exactText } from './figures.js';
import { Grid } from './grid.js';
import { FLAG, NO_ROW } from './skeleton.js';
import { ticks, toOffset, toPixels } from './zoom.js';

/**
 * @import { Skeleton } from './skeleton.js'
 * @import { VisibleList } from './visible.js'
 * @import { Range } from './zoom.js'
 * @typedef {{ resource: number, start: number, duration: number, function: string, place: string, row: number, trace: string }} Band
 * @typedef {Record<'tree' | 'twisty' | 'swatch' | 'service' | 'operation' | 'note' | 'time' | 'bar' | 'path' | 'label', HTMLElement>
 *   & { drawn: string }} Parts
 */

const ROW_HEIGHT = 24;
const AXIS_HEIGHT = 26;
const BANDS_HEIGHT = 18;
const INDENT = 14;
/** Deeper than this, a row is not indented further, and its level is a number. */
const DEEPEST_INDENT = 24;
const NARROWEST_BAR = 2;
const LABEL_ROOM = 64;
/** Labels of blocks beside each other; what has no room keeps its hatching. */
const MOST_LABELS = 10;
const LETTER_PIXELS = 6.6;

export class Waterfall {
  /** @type {Skeleton | undefined} */
  skeleton = undefined;
  /** @type {VisibleList | undefined} */
  list = undefined;
  /** @type {Range} */
  range = { from: 0, to: 1 };
  /** @type {Map<number, [number, number][]>} pieces of the critical path by position */
  path = new Map();
  /** @type {Set<number>} */
  found = new Set();
  /** @type {Band[]} */
  bands = [];
  /** @type {Band | undefined} */
  band = undefined;
  /** Offsets of the events of the selected span. @type {number[]} */
  events = [];
  width = 1;
  /** Of what all rows depend on: zoom, path, bands. */
  #version = 0;
  /** @type {WeakMap<HTMLElement, Parts>} */
  #parts = new WeakMap();
  /** What lies behind the bars of a resource. @type {Map<number, string>} */
  #backgrounds = new Map();
  #lines = '';

  /** @param {{ onSelect: (index: number, isByUser: boolean) => void, onToggle: (index: number) => void, onZoom: (range: Range) => void,
   *   onScale: (factor: number, centre: number) => void, onMove: (by: number) => void, onBand: (band: Band) => void, onOpen: (index: number) => void }} options */
  constructor(options) {
    this.options = options;
    this.axis = h('div', { class: 'axis', title: 'Drag to zoom' });
    this.labels = h('div', { class: 'labels' });
    this.chosen = h('div', { class: 'chosen', hidden: true });
    const head = h(
      'div',
      { class: 'waterfall-row', role: 'row', 'aria-rowindex': '1' },
      h('div', { class: 'tree', role: 'columnheader' }, 'Service and operation'),
      h(
        'div',
        { class: 'time', role: 'columnheader', 'aria-label': 'Time since the start of the trace' },
        this.axis,
        this.labels,
        this.chosen,
      ),
    );
    this.grid = new Grid({
      role: 'treegrid',
      label: 'Spans of the trace',
      rowHeight: ROW_HEIGHT,
      head,
      headHeight: AXIS_HEIGHT,
      create: () => this.#create(),
      draw: (row, index) => this.#draw(row, index),
      onSelect: options.onSelect,
      onOpen: options.onOpen,
    });
    this.element = this.grid.element;
    this.element.classList.add('waterfall');
    new ResizeObserver(() => this.redraw()).observe(this.axis);
    this.#listen();
  }

  /** After a change of what all rows depend on. */
  redraw() {
    if (!this.skeleton) return;
    this.#version += 1;
    this.width = Math.max(1, this.axis.clientWidth);
    this.#backgrounds.clear();
    this.#drawAxis();
    this.#drawLabels();
    this.grid.draw();
  }

  /** @param {Skeleton} skeleton  @param {VisibleList} list */
  setTrace(skeleton, list) {
    this.skeleton = skeleton;
    this.list = list;
    this.path = new Map();
    this.found = new Set();
    this.bands = [];
    this.band = undefined;
    this.events = [];
  }

  /** The list has other rows than before. */
  setRows() {
    this.#version += 1;
    this.grid.setCount(this.list?.length ?? 0);
  }

  /** @param {Band[]} bands */
  setBands(bands) {
    this.bands = bands;
    const height = AXIS_HEIGHT + (bands.length > 0 ? BANDS_HEIGHT : 0);
    this.grid.options.headHeight = height;
    this.grid.layer.style.top = `${height}px`;
    this.element.classList.toggle('has-bands', bands.length > 0);
    this.grid.resize();
    this.redraw();
  }

  #create() {
    const [twisty, swatch, service, operation, note] = [
      h('span', { class: 'twisty', 'aria-hidden': 'true' }),
      h('i', { class: 'swatch' }),
      h('span', { class: 'service' }),
      h('span', { class: 'operation' }),
      h('em'),
    ];
    const tree = h('div', { class: 'tree', role: 'gridcell' }, twisty, swatch, service, operation, note);
    const [bar, path, label] = [h('i', { class: 'bar' }), h('i', { class: 'path' }), h('span', { class: 'length' })];
    const time = h('div', { class: 'time', role: 'gridcell' }, bar, path, label);
    const row = h('div', { class: 'waterfall-row row' }, tree, time);
    twisty.addEventListener('click', (event) => {
      event.preventDefault();
      this.options.onToggle(Number(row.dataset.index));
    });
    this.#parts.set(row, { tree, twisty, swatch, service, operation, note, time, bar, path, label, drawn: '' });
    return row;
  }

  /** @param {HTMLElement} row  @param {number} index */
  #draw(row, index) {
    const { list, skeleton } = this;
    const parts = this.#parts.get(row);
    if (!list || !skeleton || !parts) return;
    const isSelected = index === this.grid.selected;
    const key = `${this.#version} ${list.entries[index]} ${index} ${isSelected ? this.events.join() : '-'}`;
    if (parts.drawn === key) return;
    parts.drawn = key;
    const { position, group, isOpen, depth, hasChildren } = list.at(index);
    setAttribute(row, 'aria-level', depth + 1);
    setAttribute(row, 'aria-expanded', hasChildren ? String(isOpen) : undefined);
    const flags = skeleton.flags[position];
    row.className = [
      'waterfall-row row',
      group > 0 && 'group',
      flags & FLAG.error && group === 0 && 'error',
      flags & FLAG.block && 'block',
      flags & FLAG.missingParent && 'missing',
      this.found.has(position) && group === 0 && 'found',
      this.path.has(position) && group === 0 && 'critical',
    ]
      .filter(Boolean)
      .join(' ');
    this.#drawTree(parts, position, group, isOpen, depth, hasChildren);
    this.#drawBar(parts, position, group, isSelected);
  }

  /** @param {Parts} parts  @param {number} position  @param {number} group  @param {boolean} isOpen  @param {number} depth  @param {boolean} hasChildren */
  #drawTree({ tree, twisty, swatch, service, operation, note }, position, group, isOpen, depth, hasChildren) {
    const skeleton = /** @type {Skeleton} */ (this.skeleton);
    tree.style.paddingLeft = `${4 + Math.min(depth, DEEPEST_INDENT) * INDENT}px`;
    setText(twisty, hasChildren ? (isOpen ? '▾' : '▸') : '');
    const isMissing = skeleton.has(position, FLAG.missingParent);
    const name = skeleton.nameOf(position);
    swatch.hidden = isMissing;
    swatch.style.background = colourOf(skeleton.serviceOf(position));
    setText(service, isMissing ? '' : skeleton.serviceOf(position));
    setText(operation, isMissing ? `parent ${name} is not in these files` : name);
    const notes = [];
    if (depth > DEEPEST_INDENT) notes.push(`level ${depth + 1}`);
    if (group > 0) {
      const { total, longest, errors } = /** @type {VisibleList} */ (this.list).groupFigures(position);
      notes.push(`× ${countText(group)}`, `total ${durationText(total)}`, `longest ${durationText(longest)}`);
      if (errors > 0) notes.push(counted(errors, 'error'));
    } else {
      if (hasChildren && !isOpen) notes.push(`+${countText(skeleton.size[position] - 1)}`);
      if (skeleton.has(position, FLAG.error)) notes.push('error');
      notes.push(...skeleton.marksOf(position));
    }
    setText(note, notes.join(' · '));
    tree.title = [`${service.textContent} ${operation.textContent}`.trim(), ...notes].join('\n');
  }

  /** @param {Parts} parts  @param {number} position  @param {number} group  @param {boolean} isSelected */
  #drawBar({ time, bar, path, label }, position, group, isSelected) {
    const skeleton = /** @type {Skeleton} */ (this.skeleton);
    const { range, width } = this;
    const start = skeleton.startOf(position);
    const figures = group > 0 ? /** @type {VisibleList} */ (this.list).groupFigures(position) : undefined;
    const duration = figures ? figures.end - start : skeleton.durationOf(position);
    const left = Math.max(-4, toPixels(start, range, width));
    const right = Math.min(width + 4, toPixels(start + duration, range, width));
    const isOut = right < 0 || left > width;
    const length = Math.max(NARROWEST_BAR, right - left);
    bar.hidden = isOut;
    bar.style.transform = `translateX(${left.toFixed(1)}px)`;
    bar.style.width = `${length.toFixed(1)}px`;
    bar.style.setProperty('--service', colourOf(skeleton.serviceOf(position)));
    const text = figures ? `${durationText(figures.total)}` : durationText(duration);
    setText(label, isOut ? (right < 0 ? `◂ ${text}` : `${text} ▸`) : text);
    const isRightOf = left + length + LABEL_ROOM < width;
    const at = isOut
      ? right < 0
        ? 4
        : width - 4
      : isRightOf
        ? left + length + 5
        : Math.max(LABEL_ROOM, Math.min(left, width)) - 5;
    const isBefore = isOut ? right >= 0 : !isRightOf;
    // A bar over the whole width has its length inside, on a ground of its own.
    label.classList.toggle('inside', !isOut && !isRightOf && left < LABEL_ROOM);
    label.style.transform = `translateX(${at.toFixed(1)}px)${isBefore ? ' translateX(-100%)' : ''}`;
    time.title = [exactText(figures ? figures.total : duration), `starts at ${exactText(start)}`].join('\n');
    time.style.background = this.#background(skeleton.resource[position]);
    const pieces = group > 0 ? undefined : this.path.get(position);
    path.style.background = [...(pieces ? this.#pieces(pieces) : []), ...(isSelected ? this.#eventMarks() : [])].join(
      ',',
    );
  }

  /** The critical path as a line at the lower edge. @param {[number, number][]} pieces */
  #pieces(pieces) {
    /** @type {string[]} */
    const layers = [];
    let [last, open] = [-1, -1];
    const close = () => {
      if (open >= 0)
        layers.push(
          `linear-gradient(var(--path),var(--path)) ${open}px 100%/${Math.max(1, last - open)}px 3px no-repeat`,
        );
    };
    for (const [start, duration] of pieces) {
      const from = Math.max(0, Math.floor(toPixels(start, this.range, this.width)));
      const to = Math.min(this.width, Math.ceil(toPixels(start + duration, this.range, this.width)));
      if (to < 0 || from > this.width || to < from) continue;
      if (from > last + 1 || open < 0) {
        close();
        open = from;
      }
      last = Math.max(to, last);
    }
    close();
    return layers;
  }

  /** The events of the selected span as strokes. */
  #eventMarks() {
    const seen = new Set();
    for (const offset of this.events) {
      const at = Math.round(toPixels(offset, this.range, this.width));
      if (at >= 0 && at <= this.width) seen.add(at);
    }
    return [...seen].slice(0, 200).map((at) => `linear-gradient(var(--text),var(--text)) ${at}px 0/1px 9px no-repeat`);
  }

  /** Lines of the axis, and the blocks of a resource. @param {number} resource */
  #background(resource) {
    const known = this.#backgrounds.get(resource);
    if (known !== undefined) return known;
    const layers = [];
    let last = -1;
    for (const band of this.bands) {
      if (band.resource !== resource) continue;
      const from = Math.max(-2, Math.floor(toPixels(band.start, this.range, this.width)));
      const to = Math.min(this.width + 2, Math.ceil(toPixels(band.start + band.duration, this.range, this.width)));
      if (to < 0 || from > this.width || to <= last) continue;
      last = to;
      const size = `${Math.max(2, to - from)}px 100%`;
      const colour = band === this.band ? 'var(--band-chosen)' : 'var(--band)';
      layers.push(
        `linear-gradient(90deg,var(--band-edge) 1px,transparent 1px calc(100% - 1px),var(--band-edge) 0) ${from}px 0/${size} no-repeat`,
      );
      layers.push(
        `repeating-linear-gradient(135deg,${colour} 0 3px,transparent 3px 7px) ${from}px 0/${size} no-repeat`,
      );
    }
    const background = [...layers, this.#lines].filter((layer) => layer !== '').join(',');
    this.#backgrounds.set(resource, background);
    return background;
  }

  #drawAxis() {
    const marks = ticks(this.range, this.width).map((offset) => ({
      offset,
      at: Math.round(toPixels(offset, this.range, this.width)),
    }));
    this.#lines = marks
      .map(({ at }) => `linear-gradient(var(--line),var(--line)) ${at}px 0/1px 100% no-repeat`)
      .join(',');
    fill(
      this.axis,
      marks.map(({ offset, at }) => {
        const mark = h(
          'span',
          { class: at > this.width - LABEL_ROOM ? 'tick last' : 'tick', title: exactText(offset) },
          tickText(offset, this.range),
        );
        mark.style.transform = `translateX(${at}px)`;
        return mark;
      }),
    );
  }

  /** Function and line of the blocks in sight. */
  #drawLabels() {
    const labels = [];
    let free = Number.NEGATIVE_INFINITY;
    for (const band of this.bands) {
      const at = Math.max(0, toPixels(band.start, this.range, this.width));
      const end = toPixels(band.start + band.duration, this.range, this.width);
      if (end < 0 || at > this.width || labels.length >= MOST_LABELS) continue;
      const text = `${band.function || 'blocked'} ${band.place.split(/[\\/]/).at(-1)}`;
      const left = Math.min(at, this.width - text.length * LETTER_PIXELS);
      if (left < free && band !== this.band) continue;
      free = left + text.length * LETTER_PIXELS + 8;
      const isChosen = band === this.band;
      const label = h(
        'button',
        {
          type: 'button',
          tabindex: '-1',
          class: isChosen ? 'chosen' : '',
          title: `The event loop of ${this.skeleton?.resources[band.resource]?.service} was blocked for ${durationText(band.duration)}\n${band.function} ${band.place}`,
          onclick: () => this.options.onBand(band),
        },
        text,
      );
      label.style.transform = `translateX(${Math.max(0, left).toFixed(0)}px)`;
      labels.push(label);
    }
    fill(this.labels, labels);
  }

  #listen() {
    let start = -1;
    const at = (/** @type {PointerEvent} */ event) => event.clientX - this.axis.getBoundingClientRect().left;
    this.axis.addEventListener('pointerdown', (event) => {
      start = at(event);
      this.axis.setPointerCapture(event.pointerId);
    });
    this.axis.addEventListener('pointermove', (event) => {
      if (start < 0) return;
      this.chosen.hidden = false;
      this.chosen.style.left = `${Math.min(start, at(event))}px`;
      this.chosen.style.width = `${Math.abs(at(event) - start)}px`;
    });
    this.axis.addEventListener('pointerup', (event) => {
      const ends = [start, at(event)].sort((a, b) => a - b).map((pixels) => toOffset(pixels, this.range, this.width));
      const isDrag = Math.abs(at(event) - start) > 4;
      start = -1;
      this.chosen.hidden = true;
      if (isDrag) this.options.onZoom({ from: ends[0], to: ends[1] });
    });
    this.element.addEventListener(
      'wheel',
      (event) => {
        const pixels = event.clientX - this.axis.getBoundingClientRect().left;
        if (pixels < 0) return;
        if (event.ctrlKey || event.metaKey) {
          event.preventDefault();
          this.options.onScale(1.2 ** Math.sign(event.deltaY), toOffset(pixels, this.range, this.width));
        } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          event.preventDefault();
          const by = (event.deltaX || event.deltaY) / this.width;
          this.options.onMove(by * (this.range.to - this.range.from));
        }
      },
      { passive: false },
    );
  }

  /** The index row of a position; undefined for a parent that is not in the files. @param {number} position */
  rowOf(position) {
    const row = this.skeleton?.row[position];
    return row === NO_ROW ? undefined : row;
  }
}

/** Enough digits to tell ticks apart. @param {number} offset  @param {Range} range */
function tickText(offset, { from, to }) {
  const [size, unit] = to < 1e3 ? [1, 'ns'] : to < 1e6 ? [1e3, 'µs'] : to < 1e9 ? [1e6, 'ms'] : [1e9, 's'];
  const decimals = Math.min(9, Math.max(0, Math.ceil(-Math.log10((to - from) / 10 / size))));
  return offset === 0
    ? '0'
    : `${countText(
        (offset / size)
          .toFixed(decimals)
          .replace(/(\.\d*?)0+$/, '$1')
          .replace(/\.$/, ''),
      )} ${unit}`;
}
