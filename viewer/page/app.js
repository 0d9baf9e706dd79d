// Owns what all views share: what the program is, where one goes, what is said to whoever looks or listens, and which
// service has which colour: by its name, so that it is the same in every view and after a reload.

/**
 * @import { News } from './api.js'
 * @import { Route } from './route.js'
 * @typedef {{ version: string, isUtc: boolean, hasSource: boolean, isFollowing: boolean, paths: string[] }} About
 * @typedef {{
 *   element: HTMLElement, title: () => string,
 *   show: (route: Route) => void, leave?: () => void,
 *   onNews?: (news: News) => void, retry: () => void,
 *   actions: Record<string, () => void>,
 * }} View
 */

import { moment } from './figures.js';

export const app = {
  /** @type {About} */
  about: { version: '', isUtc: false, hasSource: false, isFollowing: false, paths: [] },
  /** @type {News | undefined} the newest */
  news: undefined,

  /** The address of the list of traces as it was left. */
  list: '#/traces',

  /** To another address, so that "back" leads here. @param {string} fragment */
  go(fragment) {
    if (location.hash === fragment) dispatchEvent(new Event('hashchange'));
    else location.hash = fragment;
  },

  /** The address of what is shown, changed in place. @param {string} fragment */
  replace(fragment) {
    if (location.hash !== fragment) history.replaceState(history.state, '', fragment);
  },

  /** For screen readers, and for a moment in the corner. @param {string} text */
  say(text) {
    const place = document.getElementById('said');
    if (place) place.textContent = text;
  },

  /** @param {string | bigint} nanos */
  moment(nanos) {
    return moment(nanos, app.about.isUtc);
  },
};

const COLOURS_KEPT = 'offloop.colours';
/** As many as app.css has. */
const COLOURS = 14;

/** @type {Map<string, number>} */
const given = new Map(Object.entries(JSON.parse(sessionStorage.getItem(COLOURS_KEPT) ?? '{}')));

/** The value of a custom property. Two services share one only if there are more services than colours. @param {string} service */
export function colourOf(service) {
  return `var(--service-${numberOf(service)})`;
}

/** @param {string} service */
export function numberOf(service) {
  const known = given.get(service);
  if (known !== undefined) return known;
  const taken = new Set(given.values());
  let number = hash(service) % COLOURS;
  for (let tries = 0; tries < COLOURS && taken.has(number); tries++) number = (number + 5) % COLOURS;
  given.set(service, number);
  sessionStorage.setItem(COLOURS_KEPT, JSON.stringify(Object.fromEntries(given)));
  return number;
}

/** FNV-1a. @param {string} text */
function hash(text) {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}
