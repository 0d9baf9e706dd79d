// Owns the line in which a filter is typed: when it is applied, where it is wrong, and what can be done with its spans.

import { download } from './api.js';
import { app } from './app.js';
import { fill, h } from './dom.js';

/** @import { Failure } from './api.js' */

/** After the last letter. */
const PAUSE_MILLIS = 250;

export class FilterBar {
  #timer = 0;

  /** @param {{ onChange: (filter: string, isEntered: boolean) => void, hasExport?: boolean }} options */
  constructor({ onChange, hasExport = false }) {
    this.input = h('input', {
      class: 'filter',
      type: 'text',
      'aria-label': 'Filter',
      'aria-describedby': 'filter-problem',
      placeholder: 'status=error duration>100ms http.route=/cart',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
    });
    this.before = h('span');
    this.wrong = h('span', { class: 'wrong' });
    this.underline = h('div', { class: 'underline', 'aria-hidden': 'true' }, this.before, this.wrong);
    this.problem = h('p', { class: 'problem', id: 'filter-problem', role: 'status' });
    this.result = h('span', { class: 'result' });
    const clear = h(
      'button',
      { type: 'button', title: 'Take the filter away', onclick: () => this.#set('', onChange) },
      'Clear',
    );
    this.clear = clear;
    this.element = h(
      'form',
      { class: 'filter-bar', role: 'search' },
      h('div', { class: 'line' }, this.input, this.underline),
      clear,
      this.result,
      hasExport && exportMenu(() => ({ filter: this.input.value.trim() })),
      this.problem,
    );
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#apply(onChange, true);
    });
    this.input.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#apply(onChange, false), PAUSE_MILLIS);
      this.#mark();
    });
    this.input.addEventListener('scroll', () => this.#follow());
  }

  get value() {
    return this.input.value.trim();
  }

  /** @param {string} filter */
  setValue(filter) {
    if (this.input.value.trim() !== filter.trim()) this.input.value = filter;
    this.clear.hidden = this.input.value === '';
  }

  /** @param {string} filter  @param {(filter: string, isEntered: boolean) => void} onChange */
  #set(filter, onChange) {
    this.input.value = filter;
    this.#apply(onChange, true);
    this.input.focus();
  }

  /** @param {(filter: string, isEntered: boolean) => void} onChange  @param {boolean} isEntered */
  #apply(onChange, isEntered) {
    clearTimeout(this.#timer);
    this.clear.hidden = this.input.value === '';
    onChange(this.value, isEntered);
  }

  /** Underlines from the column to the end of the word, and says what is expected. @param {Failure} [failure] */
  #mark(failure) {
    const letters = [...this.input.value];
    const from = failure?.column === undefined ? letters.length : Math.min(letters.length, failure.column - 1);
    const behind = letters.slice(from).findIndex((letter) => /\s/.test(letter));
    fill(this.before, letters.slice(0, from).join(''));
    // Behind the last letter, a blank is underlined.
    const word = letters.slice(from, behind < 0 ? undefined : from + behind).join('');
    fill(this.wrong, failure?.column === undefined ? '' : word === '' ? '\u00a0' : word);
    fill(this.problem, failure === undefined ? '' : failure.message);
    if (failure === undefined) this.input.removeAttribute('aria-invalid');
    else this.input.setAttribute('aria-invalid', 'true');
    this.#follow();
  }

  #follow() {
    this.underline.scrollLeft = this.input.scrollLeft;
  }

  /** @param {Failure} [failure] */
  setProblem(failure) {
    this.#mark(failure);
  }
}

/** Downloads in three formats. @param {() => Record<string, string>} chosen what is exported */
export function exportMenu(chosen) {
  const menu = h('details', { class: 'menu' });
  const item = (/** @type {'otlp' | 'csv' | 'chrome'} */ format, /** @type {string} */ label) =>
    h(
      'button',
      {
        type: 'button',
        onclick: async () => {
          menu.open = false;
          app.say('The export is being made.');
          try {
            await download(format, chosen());
            app.say('The export has been saved by the browser.');
          } catch (error) {
            app.say(error instanceof Error ? error.message : String(error));
          }
        },
      },
      label,
    );
  fill(
    menu,
    h('summary', {}, 'Export'),
    h(
      'div',
      { class: 'items' },
      item('otlp', 'OTLP/JSON lines'),
      item('csv', 'CSV, a row for each span'),
      item('chrome', 'Chrome trace, for Perfetto'),
    ),
  );
  return menu;
}
