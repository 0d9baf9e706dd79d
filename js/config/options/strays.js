'use strict';
// Owns finding rules of `process` where nobody reads them: under a name with a typing error, one level too high, in the options
// of another class. A warning would not do: the spans would leave as they are.
// Refuses to run code of the application to find out: a getter is judged by its name alone.

const { editsBetween } = require('./edits.js');

const HOME = 'process';
const LISTS = ['redact', 'drop', 'attributes'];
const ALONE = new Set([HOME, 'redact', 'drop', 'hashkey', 'marker']); // in small letters: no option of another library is a rule
const PRESETS = new Set(['defaults', 'secrets', 'pii']);
const OF_RULES = ['keys', 'match', 'insert', 'update', 'upsert', 'rename'];
// Near to `process`, and words of their own: of these a name alone says nothing.
const OTHER_WORDS = new Set(['prices', 'princess', 'probes', 'progress', 'prowess']);
const ABOUT_A_PROCESS = /^process_?(env|id|info|name|pid|title|type|version)$/;
const MOST_EDITS = 2;
const MOST_UNITS = 64;
const MOST_LOOKED_AT = 1000;
const UNREAD = Symbol('unread');

/**
 * @param {string[]} names of options that do not exist  @param {object} given what has them
 * @param {{ section?: string, hasRules: boolean, mayHaveOwn?: boolean }} about `section` with its dot; whether the class takes
 *   rules; whether unknown names may be options of somebody else's class, so that a name alone says nothing
 * @returns {string | null} what is wrong with the first that looks like rules
 */
function strayIn(names, given, { section = '', hasRules, mayHaveOwn = false }) {
  for (const name of names) {
    const value = valueIn(given, name);
    const isStray = mayHaveOwn ? isNearWithRules(name, value) : isNamedLikeRules(name, value) || holdsRules(value);
    if (!isStray) continue;
    const shown = section + name.slice(0, MOST_UNITS).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
    const place = hasRules ? placeOf(name) : `rules in ${HOME} of the exporter, OTLPTraceExporter or FileSpanExporter`;
    return `Configuration: ${shown} is invalid, expected ${place} (actual: an unknown option that looks like rules)`;
  }
  return null;
}

/** Where rules with this name would be in force. */
function placeOf(name) {
  const lower = name.toLowerCase();
  if (lower.startsWith('redact')) return `${HOME}.redact`;
  return { drop: `${HOME}.drop`, hashkey: `${HOME}.hashKey`, marker: `${HOME}.marker` }[lower] ?? `rules in ${HOME}`;
}

/** Of `given` itself, or of what it inherits from. */
function valueIn(given, name) {
  for (let owner = given; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property !== undefined) return 'value' in property ? property.value : UNREAD;
  }
  return UNREAD;
}

/** Of somebody else's options; what a getter has is not known, so that its name has to be nearer. */
function isNearWithRules(name, value) {
  if (value === UNREAD) return isNear(name) && editsBetween(name.toLowerCase(), HOME) <= 1;
  return isNear(name) && holdsRules(value);
}

/** Rules, or `process` with rules, as in `{ options: { process } }`. */
function holdsRules(value) {
  if (hasRulesIn(value)) return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const names = Object.keys(value).slice(0, MOST_LOOKED_AT);
  return names.some((name) => isNear(name) && hasRulesIn(valueIn(value, name)));
}

/** What is absent or switched off asks for nothing. */
function isNamedLikeRules(name, value) {
  if (value === undefined || value === null || value === false) return false;
  const lower = name.toLowerCase();
  if (ALONE.has(lower) || lower.startsWith('redact')) return true;
  if (OTHER_WORDS.has(lower) || ABOUT_A_PROCESS.test(lower)) return false;
  return isNear(name) && ['object', 'string', 'symbol'].includes(typeof value);
}

/** Near to `process`. A processor is another thing, which some give to an exporter by mistake. */
function isNear(name) {
  if (name.length > MOST_UNITS) return false;
  const lower = name.toLowerCase();
  if (/^(span)?processors?$/.test(lower)) return false;
  return lower.startsWith(HOME) || (lower.startsWith('p') && editsBetween(lower, HOME) <= MOST_EDITS);
}

/** Whether a value can be nothing but rules, or an object that has them. */
function hasRulesIn(value) {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return isListOfRules(value);
  if (Object.hasOwn(value, 'hashKey') && isObjectOrUnread(valueIn(value, 'hashKey'))) return true;
  return LISTS.some((name) => {
    const list = Object.hasOwn(value, name) ? valueIn(value, name) : undefined;
    return list === UNREAD || (Array.isArray(list) && (name === 'drop' ? isListOfObjects(list) : isListOfRules(list)));
  });
}

const firstOf = (list) => Array.prototype.slice.call(list, 0, MOST_LOOKED_AT);
const isObject = (value) => typeof value === 'object' && value !== null;
/** A key of rules is bytes or names a variable; tables of databases have names there, and caches functions. */
const isObjectOrUnread = (value) => isObject(value) || value === UNREAD;
const isListOfObjects = (list) => firstOf(list).some((each) => isObject(each) && !Array.isArray(each));

function isListOfRules(list) {
  return firstOf(list).some(
    (each) =>
      PRESETS.has(each) ||
      (isObject(each) && OF_RULES.some((name) => Object.hasOwn(each, name) && mayBeOfRule(name, valueIn(each, name)))),
  );
}

/** Rules have no functions, as repositories have in `insert`, and texts for keys, where sets of cryptographic keys have objects. */
function mayBeOfRule(name, value) {
  if (typeof value === 'function') return false;
  return name !== 'keys' || !Array.isArray(value) || firstOf(value).some((key) => !isObject(key));
}

module.exports = { strayIn };
