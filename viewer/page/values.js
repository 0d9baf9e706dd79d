// Owns values as OTLP/JSON writes them, in the flavours of several writers: into pairs of key and text, exact to the last
// digit; and JSON in a text, drawn as a tree when somebody asks.

import { fill, h } from './dom.js';
import { countText } from './figures.js';

/** @typedef {{ key: string, value: string | number | boolean }} Pair */

/** Longer values are folded. */
export const FOLDED_BYTES = 4096;
const SHOWN_OF_FOLDED = 400;
const DEEPEST = 8;
/** Members of a level of a tree that are drawn at once. */
const MOST_MEMBERS = 200;

/**
 * JSON, with whole numbers that a double cannot hold as texts of their digits, where the browser tells them.
 * @param {string} text  @returns {any}
 */
export function parseExact(text) {
  // TypeScript does not know the third argument yet.
  const reviver = /** @type {(key: string, value: unknown) => unknown} */ (
    /** @type {unknown} */ (
      (
        /** @type {string} */ _,
        /** @type {unknown} */ value,
        /** @type {{ source?: string } | undefined} */ context,
      ) =>
        typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
          ? context?.source
          : value
    )
  );
  return JSON.parse(text, reviver);
}

/** A member in either way of writing: `stringValue` or `string_value`. @param {any} object  @param {string} name */
export function member(object, name) {
  return object?.[name] ?? object?.[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

/** Attributes as pairs; maps are flat, with a point between the names. @param {unknown} attributes  @returns {Pair[]} */
export function pairsOf(attributes) {
  if (!Array.isArray(attributes)) return [];
  return attributes.flatMap((one) => flat(String(one?.key ?? ''), one?.value, 0));
}

/** @param {string} key  @param {any} value  @param {number} depth  @returns {Pair[]} */
function flat(key, value, depth) {
  const list = member(member(value, 'kvlistValue'), 'values');
  if (Array.isArray(list) && list.length > 0 && depth < DEEPEST)
    return list.flatMap((one) => flat(`${key}.${one?.key ?? ''}`, one?.value, depth + 1));
  return [{ key, value: plain(value) }];
}

/** @param {any} value  @returns {string | number | boolean} */
function plain(value) {
  const text = member(value, 'stringValue') ?? member(value, 'bytesValue');
  if (text !== undefined) return String(text);
  const bool = member(value, 'boolValue');
  if (bool !== undefined) return bool === true;
  const number = member(value, 'intValue') ?? member(value, 'doubleValue');
  if (number !== undefined) {
    const read = Number(number);
    return Number.isFinite(read) && String(read) === String(number) ? read : String(number);
  }
  return value === undefined || value === null ? '' : JSON.stringify(simple(value, 0));
}

/** Arrays and maps of OTLP as those of JSON. @param {any} value  @param {number} depth  @returns {unknown} */
function simple(value, depth) {
  if (depth > DEEPEST) return '…';
  const array = member(value, 'arrayValue');
  if (array !== undefined) return (array?.values ?? []).map((/** @type {unknown} */ one) => simple(one, depth + 1));
  const map = member(value, 'kvlistValue');
  if (map !== undefined)
    return Object.fromEntries(
      (map?.values ?? []).map((/** @type {any} */ one) => [one?.key, simple(one?.value, depth + 1)]),
    );
  return value === undefined || value === null || Object.keys(value).length === 0 ? null : plain(value);
}

/** A value as it is shown: folded if it is long, and as a tree on demand if it is JSON. @param {string} text */
export function valueElement(text) {
  const place = h('span', { class: 'text' });
  const isJson = /^\s*[[{]/.test(text) && parsed(text) !== undefined;
  const isLong = text.length > FOLDED_BYTES;
  const asTree = () => fill(place, treeOf(parsed(text)), again('as text'));
  const again = (/** @type {string} */ label) => h('button', { class: 'fold', type: 'button', onclick: asText }, label);
  function asText() {
    fill(
      place,
      isLong ? `${text.slice(0, SHOWN_OF_FOLDED)}… ` : `${text} `,
      isLong &&
        h(
          'button',
          { class: 'fold', type: 'button', onclick: () => fill(place, `${text} `, again('fold')) },
          `all ${countText(text.length)} letters`,
        ),
      isJson && ' ',
      isJson && h('button', { class: 'fold', type: 'button', onclick: asTree }, 'as a tree'),
    );
  }
  asText();
  return place;
}

/** @param {string} text  @returns {unknown} an object or an array; undefined if it is none */
function parsed(text) {
  try {
    const value = parseExact(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A level of a tree; those below are made when they are opened. @param {any} value  @returns {HTMLElement} */
export function treeOf(value) {
  const members = Array.isArray(value) ? value.map((one, nth) => [String(nth), one]) : Object.entries(value);
  const list = h('ul', { class: 'tree' });
  const show = (/** @type {number} */ from) => {
    list.lastElementChild?.classList.contains('more') && list.lastElementChild.remove();
    for (const [key, one] of members.slice(from, from + MOST_MEMBERS)) list.append(memberOf(key, one));
    const left = members.length - from - MOST_MEMBERS;
    if (left > 0)
      list.append(
        h(
          'li',
          { class: 'more' },
          h(
            'button',
            { class: 'fold', type: 'button', onclick: () => show(from + MOST_MEMBERS) },
            `${countText(left)} more`,
          ),
        ),
      );
  };
  show(0);
  return list;
}

/** @param {string} key  @param {any} value */
function memberOf(key, value) {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    return h('li', {}, h('span', { class: 'key', text: key }), ' ', h('span', { text: JSON.stringify(value) }));
  const count = Object.keys(value).length;
  const words = Array.isArray(value) ? `[${countText(count)}]` : `{${countText(count)}}`;
  const details = h(
    'details',
    {},
    h('summary', {}, h('span', { class: 'key', text: key }), ' ', h('span', { class: 'quiet', text: words })),
  );
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(treeOf(value));
  });
  return h('li', {}, details);
}
