'use strict';
// Owns how a report reads on a terminal or in a log. It says what `--json` says, and nothing else.

const MARKS = { ok: '✔', note: '·', warning: '!', problem: '✖' };
const COLOURS = { ok: 32, note: 2, warning: 33, problem: 31 };
const BOLD = 1;
const MOST_COLUMNS = 50; // of what is on the left of a change
const ABSENT = '(absent)';
const GONE = '(gone)';

/** @param {object} report as `Report.finish` gives it  @param {boolean} isColoured */
function toText(report, isColoured) {
  const paint = (code, text) => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);
  const lines = [paint(BOLD, `offloop doctor ${report.offloop}`)];
  for (const { title, facts, findings } of report.sections) {
    lines.push('', paint(BOLD, title));
    const width = Math.max(0, ...facts.map(({ name }) => name.length));
    const column = Math.min(MOST_COLUMNS, Math.max(0, ...facts.map(({ value }) => (value?.before ?? ABSENT).length)));
    for (const { name, value, source } of facts) {
      const shown = typeof value === 'object' && value !== null ? sideBySide(value, column) : value;
      lines.push(`  ${name.padEnd(width)}  ${shown}${source === null ? '' : paint(COLOURS.note, `  (${source})`)}`);
    }
    for (const { level, code, text, remedy } of findings) {
      lines.push(`  ${paint(COLOURS[level], `${MARKS[level]} ${text}`)}${paint(COLOURS.note, ` [${code}]`)}`);
      if (remedy !== null) lines.push(`    → ${remedy}`);
    }
  }
  return `${lines.join('\n')}\n\n${paint(COLOURS[report.healthy ? 'ok' : 'problem'], summaryOf(report))}\n`;
}

function sideBySide({ before, after }, column) {
  const left = (before ?? ABSENT).padEnd(column);
  return before === after ? `${left}  =` : `${left}  →  ${after ?? GONE}`;
}

function summaryOf({ healthy, problems, warnings }) {
  return `${healthy ? 'healthy' : 'not healthy'}: ${counted(problems, 'problem')}, ${counted(warnings, 'warning')}`;
}

const counted = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Whether `stream` shows colours, and nobody has asked for none. */
function isColoured(stream, env) {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

module.exports = { isColoured, toText };
