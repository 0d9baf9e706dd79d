// Owns what blocked the event loop: the lines of code, how often and how long, the stacks, and what was open meanwhile.

import { ask, Failure, Latest } from './api.js';
import { app } from './app.js';
import { fill, h, setText } from './dom.js';
import { counted, countText, durationText, exactText } from './figures.js';
import { excerpt } from './details.js';
import { traceRoute } from './route.js';
import { Table } from './table.js';

/**
 * @import { News } from './api.js'
 * @typedef {{ function: string, place: string, cause: string, count: number, total: number, longest: number, cpu: number, gc: number,
 *   last: string, stack: string, rows: { row: number, trace: string, span: string, start: string, duration: number }[],
 *   routes: { operation: string, spans: number, blocked: number }[] }} Line
 */

const NEWS_MILLIS = 1_000;

export class BlocksView {
  #latest = new Latest();
  #seen = -1;
  #timer = 0;

  constructor() {
    /** @type {Table<Line>} */
    this.table = new Table({
      label: 'Lines of code that blocked the event loop',
      columns: columns(),
      onSelect: (line) => this.#showLine(line),
    });
    this.words = h('p', { class: 'words', hidden: true });
    this.details = h('div', {
      class: 'details line',
      tabindex: '0',
      role: 'region',
      'aria-label': 'The selected line of code',
      hidden: true,
    });
    this.element = h('section', { class: 'view blocks' }, this.table.element, this.words, this.details);
    this.actions = this.table.actions;
  }

  title() {
    return 'Blocks';
  }

  show() {
    this.#load();
  }

  retry() {
    this.#load();
  }

  /** @param {News} news */
  onNews({ generation }) {
    if (generation === this.#seen || this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      if (this.element.isConnected) this.#load();
    }, NEWS_MILLIS);
  }

  async #load() {
    try {
      const answer = await this.#latest.ask((signal) => ask('blocks', {}, signal));
      if (answer === undefined) return;
      this.#seen = answer.generation;
      const { lines } = answer;
      const selected = this.table.selected;
      const isSame = (/** @type {Line} */ line) =>
        selected !== undefined &&
        line.place === selected.place &&
        line.function === selected.function &&
        line.cause === selected.cause;
      const before = lines.findIndex(isSame);
      this.table.setItems(lines);
      this.table.element.hidden = lines.length === 0;
      this.words.hidden = lines.length > 0;
      fill(
        this.words,
        'Nothing has blocked the event loop, as far as these files say. EventLoopMonitor writes it down.',
      );
      if (lines.length > 0 && before < 0) this.table.grid.select(0, false);
      else if (before >= 0) this.table.grid.selected = before;
      this.table.grid.draw();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status !== 0 && error.status !== 401) app.say(error.message);
    }
  }

  /** @param {Line | undefined} line */
  #showLine(line) {
    this.details.hidden = line === undefined;
    if (line === undefined) return;
    const code = h('div', { class: 'code' });
    if (app.about.hasSource && line.rows.length > 0) excerpt(line.rows[0].row, code);
    fill(
      this.details,
      h('h2', {}, line.function || '(no function)', h('small', { text: line.place })),
      h(
        'p',
        { class: 'quiet' },
        `${counted(line.count, 'block')}, ${durationText(line.total)} in all, the last one ${app.moment(line.last).exact}.`,
      ),
      code,
      line.stack !== '' && h('h3', {}, 'Stack of the longest'),
      line.stack !== '' && h('pre', { tabindex: '0', text: line.stack }),
      h('h3', {}, 'Open in the same process meanwhile'),
      line.routes.length === 0
        ? h('p', { class: 'quiet' }, 'No other span.')
        : h(
            'table',
            {},
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                h('th', {}, 'Operation'),
                h('th', { class: 'number' }, 'Spans'),
                h('th', { class: 'number' }, 'Blocked'),
              ),
            ),
            h(
              'tbody',
              {},
              line.routes.map(({ operation, spans, blocked }) =>
                h(
                  'tr',
                  {},
                  h('td', { text: operation }),
                  h('td', { class: 'number', text: countText(spans) }),
                  h('td', { class: 'number', title: exactText(blocked), text: durationText(blocked) }),
                ),
              ),
            ),
          ),
      h(
        'h3',
        {},
        line.rows.length < line.count
          ? `Blocks, the longest ${line.rows.length} of ${countText(line.count)}`
          : 'Blocks',
      ),
      h(
        'ul',
        { class: 'links' },
        line.rows.map(({ trace, span, start, duration }) => {
          const { date, time, exact } = app.moment(start);
          return h(
            'li',
            {},
            h('a', { href: traceRoute(trace, { span }), title: exact }, `${date} ${time}`),
            h('span', { class: 'number', title: exactText(duration), text: durationText(duration) }),
          );
        }),
      ),
    );
  }
}

/** @returns {import('./table.js').Column<Line>[]} */
function columns() {
  const duration = (
    /** @type {'total' | 'longest' | 'cpu' | 'gc'} */ name,
    /** @type {string} */ label,
    /** @type {string} */ hint,
  ) => ({
    name,
    label,
    hint,
    isNumber: true,
    draw: (/** @type {HTMLElement} */ cell, /** @type {Line} */ line) => {
      setText(cell, durationText(line[name]));
      cell.title = exactText(line[name]);
    },
  });
  return [
    {
      name: 'function',
      label: 'Blocked in',
      draw: (cell, line) => {
        setText(cell, line.function || '(no function)');
        cell.title = line.function;
      },
    },
    {
      name: 'place',
      label: 'At',
      draw: (cell, { place }) => {
        setText(cell, place);
        cell.title = place;
      },
    },
    { name: 'cause', label: 'Cause', draw: (cell, { cause }) => setText(cell, cause) },
    { name: 'count', label: 'Count', isNumber: true, draw: (cell, { count }) => setText(cell, countText(count)) },
    duration('total', 'Total', 'All of them added up'),
    duration('longest', 'Longest', 'The longest one'),
    duration('cpu', 'CPU', 'Time in which the thread computed'),
    duration('gc', 'GC', 'Collection of garbage'),
    {
      name: 'last',
      label: 'Last',
      draw: (cell, { last }) => {
        const { date, time, exact } = app.moment(last);
        setText(cell, `${date.slice(5)} ${time.slice(0, -4)}`);
        cell.title = exact;
      },
    },
  ];
}
