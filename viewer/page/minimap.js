// Owns the small picture of a whole trace, and the brush on it that chooses what is in sight.

import { colourOf } from './app.js';
import { h, oncePerFrame } from './dom.js';
import { FLAG } from './skeleton.js';
import { moved, toOffset, toPixels } from './zoom.js';

/**
 * @import { Skeleton } from './skeleton.js'
 * @import { Range } from './zoom.js'
 */

const HEIGHT = 52;
/** Up to here each row has its own line, above it they are added up. */
const MOST_LINES = 2_000;
/** So near to the edge of the brush, the edge is taken. */
const EDGE = 6;

export class Minimap {
  /** @type {Skeleton | undefined} */
  skeleton = undefined;
  /** @type {Range} */
  range = { from: 0, to: 1 };

  /** @param {(range: Range) => void} onRange */
  constructor(onRange) {
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    this.brush = h('div', { class: 'brush' });
    this.element = h(
      'div',
      { class: 'minimap', title: 'Drag to zoom, double-click for the whole trace' },
      this.canvas,
      this.brush,
    );
    this.redraw = oncePerFrame(() => this.#draw());
    new ResizeObserver(this.redraw).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', this.redraw);
    this.#listen(onRange);
  }

  get total() {
    return Math.max(1, this.skeleton?.traceDuration ?? 1);
  }

  /** @param {Range} range */
  setRange(range) {
    this.range = range;
    const whole = { from: 0, to: this.total };
    const width = this.element.clientWidth;
    const left = Math.max(0, toPixels(range.from, whole, width));
    const right = Math.min(width, toPixels(range.to, whole, width));
    this.brush.style.transform = `translateX(${left}px)`;
    this.brush.style.width = `${Math.max(2, right - left)}px`;
    this.brush.classList.toggle('whole', range.from <= 0 && range.to >= this.total);
  }

  #draw() {
    const { skeleton } = this;
    const width = this.element.clientWidth;
    const context = this.canvas.getContext('2d');
    if (!skeleton || !context || width === 0) return;
    const scale = devicePixelRatio;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(HEIGHT * scale);
    if (skeleton.length <= MOST_LINES) this.#drawLines(context, skeleton, this.canvas.width, this.canvas.height);
    else this.#drawDensity(context, skeleton, this.canvas.width, this.canvas.height);
    this.setRange(this.range);
  }

  /** A colour of the style sheet as the canvas understands it. @param {string} colour */
  #resolved(colour) {
    this.brush.style.color = colour;
    return getComputedStyle(this.brush).color;
  }

  /** @param {CanvasRenderingContext2D} context  @param {Skeleton} skeleton  @param {number} width  @param {number} height */
  #drawLines(context, skeleton, width, height) {
    const colours = skeleton.resources.map(({ service }) => this.#resolved(colourOf(service)));
    const error = this.#resolved('var(--error)');
    const step = Math.min(height / Math.max(1, skeleton.length), 6 * devicePixelRatio);
    for (let at = 0; at < skeleton.length; at++) {
      if (skeleton.has(at, FLAG.missingParent)) continue;
      context.fillStyle = skeleton.has(at, FLAG.error) ? error : colours[skeleton.resource[at]];
      const left = (skeleton.startOf(at) / this.total) * width;
      const length = Math.max(devicePixelRatio, (skeleton.durationOf(at) / this.total) * width);
      context.fillRect(left, at * step, length, Math.max(1, step - (step > 3 ? devicePixelRatio : 0)));
    }
  }

  /** How many rows are open at a place, by differences: one step for each row, however long it is. @param {CanvasRenderingContext2D} context  @param {Skeleton} skeleton  @param {number} width  @param {number} height */
  #drawDensity(context, skeleton, width, height) {
    const { start, duration, flags, length, tick } = skeleton;
    const stride = width + 1;
    const open = new Int32Array(stride * height);
    const errors = new Uint8Array(width * height);
    const factor = (tick / this.total) * width;
    for (let at = 0; at < length; at++) {
      const line = Math.floor((at * height) / length);
      const from = Math.min(width - 1, Math.floor(start[at] * factor));
      const to = Math.min(width, Math.max(from + 1, Math.ceil((start[at] + duration[at]) * factor)));
      open[line * stride + from] += 1;
      open[line * stride + to] -= 1;
      if (flags[at] & FLAG.error) errors[line * width + from] = 1;
    }
    const [text, error] = ['var(--accent)', 'var(--error)'].map((colour) => rgb(context, this.#resolved(colour)));
    const image = context.createImageData(width, height);
    const most = Math.log1p(length / height);
    for (let line = 0; line < height; line++) {
      let count = 0;
      for (let column = 0; column < width; column++) {
        count += open[line * stride + column];
        const at = line * width + column;
        const [red, green, blue] = errors[at] ? error : text;
        image.data[at * 4] = red;
        image.data[at * 4 + 1] = green;
        image.data[at * 4 + 2] = blue;
        image.data[at * 4 + 3] = errors[at] ? 255 : count === 0 ? 0 : 50 + (Math.log1p(count) / most) * 190;
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** @param {(range: Range) => void} onRange */
  #listen(onRange) {
    /** @type {((at: number) => void) | undefined} */
    let drag;
    const at = (/** @type {PointerEvent} */ event) => {
      const { left, width } = this.element.getBoundingClientRect();
      return toOffset(Math.min(width, Math.max(0, event.clientX - left)), { from: 0, to: this.total }, width);
    };
    this.element.addEventListener('pointerdown', (event) => {
      const began = at(event);
      const { from, to } = this.range;
      const edge = (EDGE / this.element.clientWidth) * this.total;
      const isWhole = this.brush.classList.contains('whole');
      if (!isWhole && Math.abs(began - from) < edge) drag = (now) => onRange(ordered(now, to));
      else if (!isWhole && Math.abs(began - to) < edge) drag = (now) => onRange(ordered(from, now));
      else if (!isWhole && began > from && began < to)
        drag = (now) => onRange(moved({ from, to }, now - began, this.total));
      else drag = (now) => Math.abs(now - began) > edge && onRange(ordered(began, now));
      this.element.setPointerCapture(event.pointerId);
    });
    this.element.addEventListener('pointermove', (event) => drag?.(at(event)));
    this.element.addEventListener('pointerup', () => {
      drag = undefined;
    });
    this.element.addEventListener('dblclick', () => onRange({ from: 0, to: this.total }));
  }
}

/** @param {number} one  @param {number} other  @returns {Range} */
const ordered = (one, other) => ({ from: Math.min(one, other), to: Math.max(one, other) });

/** The bytes of a colour of the style sheet. @param {CanvasRenderingContext2D} context  @param {string} colour */
function rgb(context, colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const { data } = context.getImageData(0, 0, 1, 1);
  context.clearRect(0, 0, 1, 1);
  return data;
}
