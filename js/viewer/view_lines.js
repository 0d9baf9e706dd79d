'use strict';
// Owns the lines of `offloop view` in the terminal: the address, how far reading has come, and what was read.

const UNITS = [
  [1, 'B'],
  [1e3, 'kB'],
  [1e6, 'MB'],
  [1e9, 'GB'],
];
const CLEAR = '\r\x1b[2K';

/** A number of bytes with three digits and a unit, as `12.3 MB`. */
function bytesText(bytes) {
  const [size, unit] = UNITS.find(([size]) => bytes / size < 999.5) ?? UNITS.at(-1);
  const value = bytes / size;
  const decimals = size === 1 || value >= 99.95 ? 0 : value < 9.995 ? 2 : 1;
  return `${value.toFixed(decimals)} ${unit}`;
}

function counted(count, what) {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

/** What was read, from the answer to `files`. */
function summaryOf({ files, spans, traces }, { paths, isOnce }) {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const read = `${counted(files.length, 'file')}, ${bytesText(bytes)}: ${counted(spans, 'span')} in ${counted(traces, 'trace')}`;
  if (spans > 0 || isOnce) return `${read}\n`;
  return `${read}; waits for files in ${paths.join(', ')}, written by FileSpanExporter\n`;
}

/** What is not shown, in one line for standard error; empty if all is. */
function noticeOf({ files, valuesNotIndexed = 0 }) {
  const sum = (numberOf) => files.reduce((total, file) => total + numberOf(file), 0);
  const skipped = sum((file) => Object.values(file.skipped ?? {}).reduce((total, count) => total + count, 0));
  const parts = [
    [sum((file) => (file.failure === undefined ? 0 : 1)), 'file', 'cannot be read, or not to the end'],
    [skipped, 'line', 'skipped'],
    [sum((file) => file.bad ?? 0), 'span', 'cannot be read'],
    [valuesNotIndexed, 'value', 'not indexed'],
  ].filter(([count]) => count > 0);
  if (parts.length === 0) return '';
  return `${parts.map(([count, what, fate]) => `${counted(count, what)} ${fate}`).join(', ')}: the page says more under Files\n`;
}

/** One line that changes on a terminal and goes; elsewhere nothing. */
class Progress {
  #stream;
  #startedAt;
  #isShown = false;

  constructor(stream, now) {
    this.#stream = stream;
    this.#startedAt = now;
  }

  show({ reading: { bytes, totalBytes }, spans }, now) {
    if (!this.#stream.isTTY) return;
    const share =
      totalBytes > 0
        ? ` of ${bytesText(totalBytes)} (${Math.floor((Math.min(bytes, totalBytes) * 100) / totalBytes)} %)`
        : '';
    const perSecond = bytes / 1e3 / Math.max(1, now - this.#startedAt);
    this.#isShown = true;
    this.#stream.write(
      `${CLEAR}reading ${bytesText(bytes)}${share}, ${counted(spans, 'span')}, ${perSecond.toFixed(0)} MB/s`,
    );
  }

  finish() {
    if (this.#isShown) this.#stream.write(CLEAR);
    this.#isShown = false;
  }
}

module.exports = { bytesText, noticeOf, Progress, summaryOf };
