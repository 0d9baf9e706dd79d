// Owns how numbers are written: three significant digits and a unit, exact figures for tooltips, times in a zone.

/** @type {[number, string, number][]} size of the unit, its name, and the value from which the next unit is used */
const TIMES = [
  [1, 'ns', 999.5],
  [1e3, 'µs', 999.5],
  [1e6, 'ms', 999.5],
  [1e9, 's', 119.5],
  [60e9, 'm', 119.5],
  [3600e9, 'h', Number.POSITIVE_INFINITY],
];
/** @type {[number, string, number][]} */
const SIZES = [
  [1, 'B', 999.5],
  [1e3, 'kB', 999.5],
  [1e6, 'MB', 999.5],
  [1e9, 'GB', Number.POSITIVE_INFINITY],
];
const NANOS_PER_SECOND = 1_000_000_000n;

/** A number of nanoseconds, as `12.3 ms`. @param {number} nanos */
export const durationText = (nanos) => withUnit(nanos, TIMES);

/** A number of bytes, as `12.3 MB`. @param {number} bytes */
export const bytesText = (bytes) => withUnit(bytes, SIZES);

/** @param {number} number  @param {[number, string, number][]} units */
function withUnit(number, units) {
  const unit = units.find(([size, , most]) => number / size < most);
  if (!unit) return String(number);
  const [size, name] = unit;
  const value = number / size;
  const decimals = size === 1 || value >= 99.95 ? 0 : value < 9.995 ? 2 : 1;
  return `${value.toFixed(decimals)} ${name}`;
}

/** A number with a comma between thousands. @param {number | string | bigint} count */
export const countText = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** How much has been read. @param {{ bytes: number, totalBytes: number }} reading */
export const percent = ({ bytes, totalBytes }) => `${totalBytes > 0 ? Math.floor((bytes / totalBytes) * 100) : 0} %`;

/** `3 spans`, `1 span`. @param {number} count  @param {string} word */
export const counted = (count, word) => `${countText(count)} ${word}${count === 1 ? '' : 's'}`;

/** A duration to the nanosecond, as `12,345,678 ns`. @param {number | bigint} nanos */
export const exactText = (nanos) => `${countText(nanos)} ns`;

/**
 * A moment, given as nanoseconds since 1970 in decimal digits, in the zone of this browser or in UTC.
 * `exact` has all nine digits and the offset. A double cannot hold these numbers, so they stay whole numbers here.
 * @param {string | bigint} nanosText
 * @param {boolean} isUtc
 */
export function moment(nanosText, isUtc) {
  const nanos = BigInt(nanosText);
  const seconds = nanos / NANOS_PER_SECOND;
  const rest = nanos % NANOS_PER_SECOND;
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return { date: '', time: `${nanos} ns`, exact: `${nanos} ns since 1970` };
  const minutes = isUtc ? 0 : -at.getTimezoneOffset();
  const local = new Date(at.getTime() + minutes * 60_000).toISOString();
  const date = local.slice(0, local.indexOf('T'));
  const clock = local.slice(local.indexOf('T') + 1, -5);
  const fraction = String(rest).padStart(9, '0');
  return {
    date,
    time: `${clock}.${fraction.slice(0, 3)}`,
    exact: `${date}T${clock}.${fraction}${isUtc ? 'Z' : offsetText(minutes)}`,
  };
}

/** `+01:00`. @param {number} minutes east of Greenwich */
export function offsetText(minutes) {
  const two = (/** @type {number} */ value) => String(Math.floor(Math.abs(value))).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
