// Owns lists in columns: a head whose words sort, and cells that are filled again and again by the grid.

import { h, setAttribute } from './dom.js';
import { Grid } from './grid.js';

/**
 * @template Item
 * @typedef {{ name: string, label: string, isNumber?: boolean, sort?: string, hint?: string,
 *   make?: () => HTMLElement[], draw: (cell: HTMLElement, item: Item) => void }} Column
 */

const ROW_HEIGHT = 30;
const HEAD_HEIGHT = 28;

/** @template Item */
export class Table {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<string, HTMLElement>} */
  #heads = new Map();

  /**
   * @param {{ label: string, columns: Column<Item>[], onSort?: (sort: string) => void, onSelect?: (item: Item | undefined) => void,
   *   onOpen?: (item: Item) => void, onEnd?: () => void }} options
   */
  constructor({ label, columns, onSort, onSelect, onOpen, onEnd }) {
    const head = h('div', { class: 'columns', role: 'row', 'aria-rowindex': '1' });
    for (const { name, label: text, isNumber, sort, hint } of columns) {
      const content = sort ? h('button', { type: 'button', title: hint, onclick: () => onSort?.(sort) }, text) : text;
      const cell = h(
        'span',
        { class: `${name}${isNumber ? ' number' : ''}`, role: 'columnheader', title: hint },
        content,
      );
      if (sort) this.#heads.set(sort, cell);
      head.append(cell);
    }
    this.grid = new Grid({
      role: 'grid',
      label,
      rowHeight: ROW_HEIGHT,
      head,
      headHeight: HEAD_HEIGHT,
      create: () =>
        h(
          'div',
          { class: 'columns row' },
          columns.map(({ name, isNumber, make }) =>
            h('span', { class: `${name}${isNumber ? ' number' : ''}`, role: 'gridcell' }, make?.() ?? []),
          ),
        ),
      draw: (row, index) => {
        const item = this.items[index];
        for (const [nth, { draw }] of columns.entries()) draw(/** @type {HTMLElement} */ (row.children[nth]), item);
      },
      onSelect: (index) => onSelect?.(this.items[index]),
      onOpen: (index) => onOpen?.(this.items[index]),
      onEnd,
    });
    this.element = this.grid.element;
    this.onOpen = onOpen;
  }

  /** @param {string} sort  @param {'asc' | 'desc'} order */
  setSort(sort, order) {
    for (const [name, cell] of this.#heads)
      setAttribute(cell, 'aria-sort', name === sort ? (order === 'asc' ? 'ascending' : 'descending') : undefined);
  }

  /** @param {Item[]} items */
  setItems(items) {
    this.items = items;
    this.grid.setCount(items.length);
  }

  get selected() {
    return this.items[this.grid.selected];
  }

  /** What the keys do. */
  get actions() {
    const { grid } = this;
    const by = (/** @type {number} */ step) => () => grid.select(Math.max(0, grid.selected + step));
    return {
      down: by(1),
      up: by(-1),
      pageDown: () => by(grid.page)(),
      pageUp: () => by(-grid.page)(),
      home: () => grid.select(0),
      end: () => grid.select(grid.count - 1),
      open: () => {
        if (this.selected !== undefined) this.onOpen?.(this.selected);
      },
    };
  }
}
