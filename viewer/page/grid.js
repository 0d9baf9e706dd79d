// Owns a list of any length in a few elements: rows that are used again while one scrolls, a selected row, and the roles
// that a screen reader needs. It refuses to know what a row shows.

import { h, oncePerFrame, setAttribute } from './dom.js';
import { scrollMapping } from './visible.js';

/**
 * @typedef {{
 *   role: 'grid' | 'treegrid', label: string, rowHeight: number,
 *   create: () => HTMLElement,
 *   draw: (row: HTMLElement, index: number) => void,
 *   onSelect?: (index: number, isByUser: boolean) => void,
 *   onOpen?: (index: number) => void,
 *   onEnd?: () => void,
 *   head?: HTMLElement, headHeight?: number,
 * }} GridOptions
 */

/** Rows beyond what is in sight, so that a small step draws nothing anew. */
const SPARE_ROWS = 2;
/** So near to the end, more is asked for. */
const NEAR_END_ROWS = 20;
let grids = 0;

export class Grid {
  count = 0;
  selected = -1;
  /** Pixels of the list above what is in sight. */
  top = 0;
  /** @type {HTMLElement[]} */
  #pool = [];
  #viewport = 0;
  #lastScroll = 0;
  #id = `grid${++grids}`;

  /** @param {GridOptions} options */
  constructor(options) {
    this.options = options;
    this.spacer = h('div', { class: 'spacer', role: 'presentation' });
    this.layer = h('div', { class: 'layer', role: 'rowgroup' });
    this.element = h(
      'div',
      {
        class: 'grid',
        role: options.role,
        'aria-label': options.label,
        tabindex: '0',
      },
      options.head && h('div', { class: 'head', role: 'rowgroup' }, options.head),
      this.layer,
      this.spacer,
    );
    this.layer.style.top = `${this.headHeight}px`;
    this.mapping = scrollMapping(0, 0);
    this.refresh = oncePerFrame(() => this.draw());
    this.element.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    this.element.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
    this.layer.addEventListener('click', (event) => this.#onClick(event));
    this.layer.addEventListener('dblclick', (event) => this.#open(event));
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  get headHeight() {
    return this.options.headHeight ?? 0;
  }

  /** @param {number} count */
  setCount(count) {
    this.count = count;
    if (this.selected >= count) this.selected = -1;
    setAttribute(this.element, 'aria-rowcount', count + (this.options.head ? 1 : 0));
    this.resize();
  }

  resize() {
    this.#viewport = Math.max(0, this.element.clientHeight - this.headHeight);
    this.mapping = scrollMapping(this.count * this.options.rowHeight, this.#viewport);
    this.spacer.style.height = `${this.mapping.spacer}px`;
    const wanted = Math.min(this.count, Math.ceil(this.#viewport / this.options.rowHeight) + SPARE_ROWS);
    while (this.#pool.length < wanted) {
      const row = this.options.create();
      row.setAttribute('role', 'row');
      this.#pool.push(row);
      this.layer.append(row);
    }
    while (this.#pool.length > wanted) this.#pool.pop()?.remove();
    this.top = Math.min(this.top, this.mapping.most);
    this.draw();
  }

  /** Draws what is in sight; a row that shows another index than before is handed to `draw`. */
  draw() {
    const { rowHeight, draw, head } = this.options;
    const first = Math.floor(this.top / rowHeight);
    const pool = this.#pool.length;
    for (let nth = 0; nth < pool; nth++) {
      const index = first + nth;
      const row = this.#pool[index % pool];
      row.hidden = index >= this.count;
      if (row.hidden) continue;
      row.style.transform = `translateY(${Math.round(index * rowHeight - this.top)}px)`;
      row.id = `${this.#id}-${index}`;
      setAttribute(row, 'aria-rowindex', index + (head ? 2 : 1));
      setAttribute(row, 'aria-selected', index === this.selected);
      row.dataset.index = String(index);
      draw(row, index);
    }
    const isShown = this.selected >= first && this.selected < first + pool;
    setAttribute(this.element, 'aria-activedescendant', isShown ? `${this.#id}-${this.selected}` : undefined);
    if (this.options.onEnd && first + pool + NEAR_END_ROWS > this.count) this.options.onEnd();
  }

  /** @param {number} index  @param {boolean} [isByUser] */
  select(index, isByUser = true) {
    if (this.count === 0) return;
    this.selected = Math.max(-1, Math.min(this.count - 1, index));
    if (this.selected >= 0) this.show(this.selected);
    this.draw();
    // The row is told by the element that has the focus; who types goes on typing.
    if (isByUser && !(document.activeElement instanceof HTMLInputElement)) this.element.focus({ preventScroll: true });
    this.options.onSelect?.(this.selected, isByUser);
  }

  /** Scrolls as little as it takes. @param {number} index */
  show(index) {
    const { rowHeight } = this.options;
    const at = index * rowHeight;
    if (at < this.top) this.scrollTo(at);
    else if (at + rowHeight > this.top + this.#viewport) this.scrollTo(at + rowHeight - this.#viewport);
  }

  /** @param {number} top pixels of the list */
  scrollTo(top) {
    this.top = Math.min(this.mapping.most, Math.max(0, top));
    this.element.scrollTop = this.mapping.toScroll(this.top);
    this.#lastScroll = this.element.scrollTop;
    this.draw();
  }

  /** Rows that are in sight. */
  get page() {
    return Math.max(1, Math.floor(this.#viewport / this.options.rowHeight) - 1);
  }

  #onScroll() {
    const scrolled = this.element.scrollTop;
    // What scrollTo has set comes back as an event, rounded.
    if (Math.abs(scrolled - this.#lastScroll) < 1) return;
    this.#lastScroll = scrolled;
    this.top = this.mapping.toTop(scrolled);
    this.refresh();
  }

  /** Where a pixel of the bar is many of the list, the wheel still moves by pixels of the list. @param {WheelEvent} event */
  #onWheel(event) {
    if (this.mapping.scale === 1 || event.ctrlKey || event.deltaY === 0) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? this.options.rowHeight : 1;
    this.scrollTo(this.top + event.deltaY * pixels);
  }

  /** @param {Event} event */
  #indexOf(event) {
    const row = event.target instanceof Element ? event.target.closest('[role=row]') : null;
    return row instanceof HTMLElement ? Number(row.dataset.index) : -1;
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const index = this.#indexOf(event);
    if (index < 0 || event.defaultPrevented || (event.target instanceof Element && event.target.closest('a, button')))
      return;
    this.select(index);
  }

  /** @param {MouseEvent} event */
  #open(event) {
    const index = this.#indexOf(event);
    if (index >= 0) this.options.onOpen?.(index);
  }
}
