'use strict';
// Owns credentials that a proxy asks for in the tests, and the search for any trace of them in what a user gets to see.

const assert = require('node:assert/strict');
const { inspect } = require('node:util');

const USER = 'us3r@n4me';
const PASSWORD = 'p4ss:w0rd/%ü';
const PAIR = `${USER}:${PASSWORD}`;
const USERINFO = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}`;
const WRONG = 'us3r%40n4me:wr0ng-s3cret';
const base64 = (text) => Buffer.from(text).toString('base64').replace(/=+$/, '');

const TRACES = [USER, 'us3r', 'n4me', PASSWORD, 'p4ss', 'w0rd', 'wr0ng', 's3cret', encodeURIComponent(PASSWORD)].concat(
  [PAIR, decodeURIComponent(WRONG), USER, PASSWORD, `${USER}:`].map(base64),
);

/** Everything that a value says, however deep: its own words, and what a console or a logger makes of it. */
function textOf(value) {
  const options = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null, breakLength: Infinity };
  return `${value?.stack ?? ''}\n${inspect(value, options)}`;
}

/** No value may have a trace of the credentials. */
function assertNoSecrets(...values) {
  for (const value of values) {
    const text = textOf(value);
    for (const trace of TRACES) assert.ok(!text.includes(trace), `${trace} is in: ${text.slice(0, 2000)}`);
  }
}

module.exports = { assertNoSecrets, PAIR, PASSWORD, TRACES, USER, USERINFO, WRONG };
