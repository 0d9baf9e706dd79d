'use strict';
// A directory of a test that goes with it.

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

/** The path of `name` in a new directory. */
function scratchDirectory(t, name = '.') {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-view-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return path.join(directory, name);
}

module.exports = { scratchDirectory };
