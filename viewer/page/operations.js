// Owns the figures of operations: count, errors, percentiles and self time, by operation or by anything else.

import { ask, Failure, Latest } from './api.js';
import { app, colourOf } from './app.js';
import { fill, h, setText } from './dom.js';
import { countText, durationText, exactText } from './figures.js';
import { attributeTerm, term, withTerm } from './filter.js';
import { FilterBar } from './filter_bar.js';
import { routeTo } from './route.js';
import { Table } from './table.js';

/**
 * @import { News } from './api.js'
 * @import { Route } from './route.js'
 * @typedef {{ service?: string, name: string, count: number, errors: number, p50: number, p95: number, p99: number, longest: number, self: number }} Item
 */

const GROUPS = ['operation', 'service', 'kind', 'file'];
const NEWS_MILLIS = 2_000;

export class OperationsView {
  #latest = new Latest();
  #state = { filter: '', by: 'operation', sort: 'self', order: /** @type {'asc' | 'desc'} */ ('desc') };
  /** @type {Item[]} */
  #items = [];
  #seen = '';
  #timer = 0;
  #mostSelf = 1;

  constructor() {
    this.bar = new FilterBar({
      onChange: (filter, isEntered) => {
        const address = this.#address({ filter });
        if (isEntered) return app.go(address);
        app.replace(address);
        this.#state.filter = filter;
        this.#load();
      },
    });
    this.by = h('input', { list: 'groups', 'aria-label': 'Group by', size: '22', spellcheck: 'false' });
    this.by.addEventListener('change', () => app.go(this.#address({ by: this.by.value.trim() || 'operation' })));
    const known = h(
      'datalist',
      { id: 'groups' },
      [...GROUPS, 'http.route'].map((value) => h('option', { value })),
    );
    this.bar.element.insertBefore(h('label', { class: 'by' }, 'by ', this.by, known), this.bar.result);
    /** @type {Table<Item>} */
    this.table = new Table({
      label: 'Operations',
      columns: columns(() => this.#mostSelf),
      onSort: (sort) => {
        const isOther = sort !== this.#state.sort;
        const order = isOther ? (sort === 'name' ? 'asc' : 'desc') : this.#state.order === 'desc' ? 'asc' : 'desc';
        app.replace(this.#address({ sort, order }));
        Object.assign(this.#state, { sort, order });
        this.#draw();
      },
      onOpen: (item) => app.go(routeTo('traces', { filter: this.#termsOf(item), sort: 'duration' })),
    });
    this.words = h('p', { class: 'words', hidden: true });
    this.element = h('section', { class: 'view operations' }, this.bar.element, this.table.element, this.words);
    this.actions = { ...this.table.actions, filter: () => this.bar.input.select() };
  }

  title() {
    return 'Operations';
  }

  /** @param {Route} route */
  show({ query }) {
    this.#state = {
      filter: query.get('filter') ?? '',
      by: query.get('by') ?? 'operation',
      sort: query.get('sort') ?? 'self',
      order: query.get('order') === 'asc' ? 'asc' : 'desc',
    };
    this.bar.setValue(this.#state.filter);
    this.by.value = this.#state.by;
    this.#load();
  }

  retry() {
    this.#load();
  }

  /** @param {News} news */
  onNews({ generation }) {
    if (this.#seen === String(generation) || this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      if (this.element.isConnected) this.#load();
    }, NEWS_MILLIS);
  }

  /** @param {Record<string, string>} changes */
  #address(changes) {
    const { filter, by, sort, order } = { ...this.#state, filter: this.bar.value, ...changes };
    return routeTo('operations', {
      filter,
      by: by === 'operation' ? '' : by,
      sort: sort === 'self' ? '' : sort,
      order: order === 'desc' ? '' : order,
    });
  }

  async #load() {
    const { filter, by } = this.#state;
    try {
      const answer = await this.#latest.ask((signal) => ask('latency', { filter, by, limit: 500 }, signal));
      if (answer === undefined) return;
      this.bar.setProblem();
      this.#seen = String(answer.generation);
      this.#items = answer.items;
      const more = answer.more > 0 ? ` · ${countText(answer.more)} more are not shown` : '';
      setText(this.bar.result, `${countText(answer.items.length)} shown${more}`);
      this.#draw();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status !== 0 && error.status !== 401) this.bar.setProblem(error);
    }
  }

  /** In the order that is chosen; the selected one stays selected. */
  #draw() {
    const { sort, order } = this.#state;
    const selected = this.table.selected;
    this.#mostSelf = Math.max(1, ...this.#items.map(({ self }) => self));
    const sign = order === 'asc' ? 1 : -1;
    const key = /** @type {keyof Item} */ (sort);
    const items = this.#items.toSorted((a, b) => {
      const [left, right] = key === 'name' ? [labelOf(a), labelOf(b)] : [Number(a[key]), Number(b[key])];
      return left < right ? -sign : left > right ? sign : 0;
    });
    this.table.setSort(sort, order);
    this.table.grid.selected = selected ? items.findIndex((item) => labelOf(item) === labelOf(selected)) : -1;
    this.table.setItems(items);
    this.table.element.hidden = items.length === 0;
    this.words.hidden = items.length > 0;
    fill(this.words, this.#state.filter === '' ? 'No spans yet.' : 'Nothing matches this filter.');
  }

  /** The filter for the spans of a row. @param {Item} item */
  #termsOf({ service, name }) {
    const { filter, by } = this.#state;
    if (by === 'operation')
      return withTerm(withTerm(filter, term('service', '=', service ?? '')), term('name', '=', name));
    if (by === 'file') return withTerm(filter, term('file', '~', name));
    return withTerm(
      filter,
      GROUPS.includes(by) ? term(by, '=', name) : attributeTerm(by, Number.isNaN(Number(name)) ? name : Number(name)),
    );
  }
}

/** @param {Item} item */
const labelOf = ({ service, name }) => `${service ?? ''}\u0000${name}`;

/** @param {() => number} mostSelf  @returns {import('./table.js').Column<Item>[]} */
function columns(mostSelf) {
  const duration = (/** @type {'p50' | 'p95' | 'p99' | 'longest'} */ name, /** @type {string} */ label) => ({
    name,
    label,
    isNumber: true,
    sort: name,
    draw: (/** @type {HTMLElement} */ cell, /** @type {Item} */ item) => {
      setText(cell, durationText(item[name]));
      cell.title = exactText(item[name]);
    },
  });
  return [
    {
      name: 'name',
      label: 'Operation',
      sort: 'name',
      make: () => [h('i', { class: 'swatch' }), h('span', { class: 'service' }), h('span', { class: 'operation' })],
      draw: (cell, { service, name }) => {
        const [swatch, first, second] = /** @type {HTMLElement[]} */ ([...cell.children]);
        swatch.hidden = service === undefined;
        if (service !== undefined) swatch.style.background = colourOf(service);
        setText(first, service ?? '');
        setText(second, name === '' ? '(none)' : name);
        cell.title = `${service ?? ''} ${name}`.trim();
      },
    },
    {
      name: 'count',
      label: 'Count',
      isNumber: true,
      sort: 'count',
      draw: (cell, { count }) => setText(cell, countText(count)),
    },
    {
      name: 'errors',
      label: 'Errors',
      isNumber: true,
      sort: 'errors',
      draw: (cell, { errors, count }) => {
        setText(cell, errors === 0 ? '' : countText(errors));
        cell.title = errors === 0 ? '' : `${((errors / count) * 100).toPrecision(3)} % of ${countText(count)}`;
      },
    },
    duration('p50', 'p50'),
    duration('p95', 'p95'),
    duration('p99', 'p99'),
    duration('longest', 'Longest'),
    {
      name: 'self',
      label: 'Self time',
      isNumber: true,
      sort: 'self',
      hint: 'Time without a child under way, added up',
      make: () => [h('b'), h('span')],
      draw: (cell, { self }) => {
        const [bar, text] = /** @type {HTMLElement[]} */ ([...cell.children]);
        bar.style.width = `${(self / mostSelf()) * 100}%`;
        setText(text, durationText(self));
        cell.title = exactText(self);
      },
    },
  ];
}
