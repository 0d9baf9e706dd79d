'use strict';
// What the tests of promise × way in share: one test per way, and what has arrived where the way ends.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const { startReceiver } = require('./receiver.js');
const { acceptance, spansIn } = require('./ways_in.js');

/** A row of the table: `promise(t, way)` for every way. */
function row(name, ways, promise, options = { concurrency: 8 }) {
  describe(name, options, () => {
    for (const [wayName, way] of Object.entries(ways)) test(wayName, (t) => promise(t, way));
  });
}

/** A receiver that takes what comes by `way`, unless the options say otherwise. */
function receive(t, way, options) {
  return startReceiver({ otherwise: acceptance(way), ...options }, t);
}

/** The way, open until the end of the test. */
function made(t, way, config) {
  const target = way.make(config);
  t.after(() => target.shutdown());
  return target;
}

function temporaryDirectory(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-ways-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function linesOf(directory) {
  const texts = fs.readdirSync(directory).map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
  return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
}

/** Spans that have arrived by `way`, in a receiver or in a directory; throws for a line that is not whole. */
function arrived(way, { receiver, directory }) {
  if (way.kind !== 'files') return receiver.completed.reduce((sum, request) => sum + spansIn(way, request), 0);
  const lines = linesOf(directory).map((line) => JSON.parse(line));
  if (!way.isOtlp) return lines.length;
  const scopes = lines.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans));
  return scopes.reduce((sum, { spans }) => sum + spans.length, 0);
}

module.exports = { arrived, linesOf, made, receive, row, temporaryDirectory };
