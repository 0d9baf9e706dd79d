'use strict';
// How the pages and the declaration files write down a row of the option table.

const { OPTIONS } = require('../../js/config/options/table.js');

function defaultText({ fallback, standard }) {
  if (standard !== undefined) return String(standard);
  if (typeof fallback === 'string') return `'${fallback}'`;
  return typeof fallback === 'boolean' ? `\`${fallback}\`` : String(fallback);
}

/** Quoted words are code on a page. */
const onPage = (text) => text.replace(/(?<!`)'[^']+'/g, '`$&`');

/** The cells of a row of docs/options.md. */
function cellsOf(name, row) {
  return [`\`${name}\``, row.kind.type, onPage(row.kind.range), row.unit, onPage(defaultText(row))];
}

/** The rows of docs/options.md for a class or a call. */
function rowsOf(group) {
  return Object.entries(OPTIONS[group]).map(([name, row]) => cellsOf(name, row));
}

module.exports = { defaultText, onPage, rowsOf };
