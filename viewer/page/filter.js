// Owns the text of a filter as far as the page writes it: terms that a click adds. What it means is the program's business.

/** Letters that end a word of a filter, or begin something else. */
const NEEDS_QUOTES = /[\s,"\\]|^$|^-/;

/** @param {string} value */
export function quoted(value) {
  return NEEDS_QUOTES.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

/** @param {string} field  @param {string} operator  @param {string} value */
export const term = (field, operator, value) => `${field}${operator}${quoted(value)}`;

/**
 * A text that is a number in the attribute, too, is quoted: without quotes it would be compared as a number.
 * @param {string} key
 * @param {unknown} value
 */
export function attributeTerm(key, value) {
  const text = String(value);
  if (typeof value === 'string' && text.trim() !== '' && Number.isFinite(Number(text))) return `${key}="${text}"`;
  return term(key, '=', text);
}

/** The filter with one more term, once. @param {string} filter  @param {string} added */
export function withTerm(filter, added) {
  const text = filter.trim();
  if (termsOf(text).includes(added)) return text;
  return text === '' ? added : `${text} ${added}`;
}

/** The filter with a range of durations, in the place of the one that it had. @param {string} filter  @param {number} from  @param {number} to */
export function withDurations(filter, from, to) {
  const others = termsOf(filter).filter((one) => !/^duration(>=|<)/.test(one));
  return [...others, `duration>=${Math.floor(from)}ns`, `duration<${Math.ceil(to)}ns`].join(' ');
}

/** The filter with a range of times, in the place of the one that it had. @param {string} filter  @param {bigint} from  @param {bigint} to */
export function withTimes(filter, from, to) {
  const others = termsOf(filter).filter((one) => !/^start(>=|<)/.test(one));
  return [...others, `start>=${isoText(from)}`, `start<${isoText(to)}`].join(' ');
}

/** @param {bigint} nanos */
function isoText(nanos) {
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** The terms of a filter: blanks outside quotes divide them. @param {string} filter  @returns {string[]} */
export function termsOf(filter) {
  return filter.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [];
}
