// Owns the small bar charts above a list: counts, errors in them, and a range that is chosen by dragging.

import { fill, h, svg } from './dom.js';

/** @typedef {{ count: number, errors: number, label: string, mark?: boolean }} Bar */

const HEIGHT = 100;
/** Less than this is a click and not a range. */
const SMALLEST_DRAG = 4;

export class Chart {
  /** @type {Bar[]} */
  #bars = [];

  /** @param {{ title: string, what: string, onRange: (first: number, last: number) => void }} options */
  constructor({ title, what, onRange }) {
    this.what = what;
    this.counts = svg('path', { class: 'counts' });
    this.errors = svg('path', { class: 'errors' });
    this.marks = svg('path', { class: 'marks' });
    this.chosen = svg('rect', { class: 'chosen', y: 0, height: HEIGHT, width: 0 });
    this.drawing = svg(
      'svg',
      { preserveAspectRatio: 'none', role: 'img' },
      this.counts,
      this.errors,
      this.marks,
      this.chosen,
    );
    this.reading = h('span', { class: 'reading' });
    this.from = h('span');
    this.to = h('span');
    this.element = h(
      'figure',
      { class: 'chart' },
      h('figcaption', {}, h('span', { text: title }), this.reading),
      h('div', { class: 'bars' }, this.drawing),
      h('div', { class: 'ends' }, this.from, this.to),
    );
    this.#listen(onRange);
  }

  /** @param {Bar[]} bars  @param {string} from  @param {string} to  @param {string} summary */
  draw(bars, from, to, summary) {
    this.#bars = bars;
    this.summary = summary;
    const most = Math.max(1, ...bars.map(({ count }) => count));
    const bar = (/** @type {number} */ nth, /** @type {number} */ count) => {
      if (count === 0) return '';
      // What is there can be seen, also one among thousands.
      const height = Math.max(3, (count / most) * (HEIGHT - 6));
      return `M${nth + 0.08} ${HEIGHT}v${-height}h.84v${height}z`;
    };
    this.drawing.setAttribute('viewBox', `0 0 ${Math.max(1, bars.length)} ${HEIGHT}`);
    this.drawing.setAttribute('aria-label', `${this.what}: ${summary}`);
    this.counts.setAttribute('d', bars.map(({ count }, nth) => bar(nth, count)).join(''));
    this.errors.setAttribute('d', bars.map(({ errors }, nth) => bar(nth, errors)).join(''));
    const mark = (/** @type {number} */ nth) => `M${nth + 0.08} 0h.84v5h-.84z`;
    this.marks.setAttribute('d', bars.map((one, nth) => (one.mark ? mark(nth) : '')).join(''));
    fill(this.from, from);
    fill(this.to, to);
    fill(this.reading, summary);
  }

  /** @param {(first: number, last: number) => void} onRange */
  #listen(onRange) {
    let start = -1;
    const at = (/** @type {PointerEvent} */ event) => {
      const { left, width } = this.drawing.getBoundingClientRect();
      const share = Math.min(0.9999, Math.max(0, (event.clientX - left) / width));
      return { pixels: event.clientX - left, nth: Math.floor(share * this.#bars.length) };
    };
    this.drawing.addEventListener('pointerdown', (event) => {
      if (this.#bars.length === 0) return;
      start = at(event).pixels;
      this.drawing.setPointerCapture(event.pointerId);
    });
    this.drawing.addEventListener('pointermove', (event) => {
      if (this.#bars.length === 0) return;
      const { pixels, nth } = at(event);
      fill(this.reading, this.#bars[nth].label);
      if (start < 0) return;
      const unit = this.#bars.length / this.drawing.getBoundingClientRect().width;
      this.chosen.setAttribute('x', String(Math.min(start, pixels) * unit));
      this.chosen.setAttribute('width', String(Math.abs(pixels - start) * unit));
    });
    this.drawing.addEventListener('pointerup', (event) => {
      const { pixels, nth } = at(event);
      const began = start;
      start = -1;
      this.chosen.setAttribute('width', '0');
      if (began < 0 || Math.abs(pixels - began) < SMALLEST_DRAG) return;
      const unit = this.#bars.length / this.drawing.getBoundingClientRect().width;
      const other = Math.max(0, Math.min(this.#bars.length - 1, Math.floor(began * unit)));
      onRange(Math.min(nth, other), Math.max(nth, other));
    });
    this.drawing.addEventListener('pointerleave', () => fill(this.reading, this.summary ?? ''));
  }
}
