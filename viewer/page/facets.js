// Owns the column of keys and values beside a list: what there is among the spans of the filter, and how often.

import { fill, h } from './dom.js';
import { countText } from './figures.js';

/** @typedef {{ key: string, count: number, more: number, values: { value: string, count: number, term: string }[] }} Facet */

/** Keys that are open at first; the others open by a click. */
const OPEN_AT_FIRST = 4;
/** More keys than these take room that nobody looks at. */
const MOST_KEYS = 24;
const MOST_VALUES = 8;

export class Facets {
  /** Which keys somebody has opened or closed. @type {Map<string, boolean>} */
  #isOpen = new Map();

  /** @param {(term: string) => void} onTerm */
  constructor(onTerm) {
    this.onTerm = onTerm;
    this.list = h('div', { class: 'list' });
    this.element = h('aside', { class: 'facets', 'aria-label': 'Attributes of these spans' }, this.list);
  }

  /** @param {Facet[]} keys */
  draw(keys) {
    fill(
      this.list,
      keys.length === 0 && h('p', { class: 'quiet' }, 'No attributes.'),
      keys.slice(0, MOST_KEYS).map((facet, nth) => this.#key(facet, nth)),
    );
  }

  /** @param {Facet} facet  @param {number} nth */
  #key({ key, count, values, more }, nth) {
    const left = values.length - MOST_VALUES + more;
    const body = h('ul');
    const details = h(
      'details',
      { open: this.#isOpen.get(key) ?? nth < OPEN_AT_FIRST },
      h(
        'summary',
        { title: key },
        h('span', { class: 'key', text: key }),
        h('span', { class: 'count', text: countText(count) }),
      ),
      body,
    );
    const show = () => {
      if (details.open && body.childElementCount === 0)
        fill(
          body,
          values.slice(0, MOST_VALUES).map((value) => this.#value(key, value)),
          left > 0 && h('li', { class: 'quiet' }, `and ${countText(left)} more`),
        );
    };
    details.addEventListener('toggle', () => {
      this.#isOpen.set(key, details.open);
      show();
    });
    show();
    return details;
  }

  /** @param {string} key  @param {{ value: string, count: number, term: string }} value */
  #value(key, { value, count, term }) {
    const name = value === '' ? '(empty)' : value;
    const title = `${key}: ${name}\nadds ${term}`;
    return h(
      'li',
      {},
      h(
        'button',
        { type: 'button', title, onclick: () => this.onTerm(term) },
        h('span', { class: 'value', text: name }),
        h('span', { class: 'count', text: countText(count) }),
      ),
    );
  }
}
