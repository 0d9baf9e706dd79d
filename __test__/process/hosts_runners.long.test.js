'use strict';
// Test runners as hosts: each test file of theirs gets timers, globals and modules of its own, forgets to shut down, and is
// followed by the next one in the same process. Spans arrive, no call stays open, and no file leaves anything behind.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { isInstalled, runSuites } = require('../helpers/runners/project.js');
const { spanNames } = require('../helpers/runners/suite.cjs');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const FILES = isLong ? 200 : 6; // of which one process runs one after the other
const SOME = isLong ? 20 : 1;
const RESETS = 4;
const MANY_RESETS = isLong ? 200 : 20;
const skip = !isInstalled && 'not installed: npm ci in __test__/runners';

const node = (files) => ({ node: { files, environment: 'node' } });
const jsdom = (files) => ({ jsdom: { files, environment: 'jsdom' } });

/** Runner, files by kind, resets of modules in each file, kinds whose files share a process. */
const suites = {
  'jest, node': ['jest', node(FILES), RESETS, ['node']],
  'jest, a simulated browser': ['jest', jsdom(isLong ? 50 : 4), RESETS, ['jsdom']],
  ...(isLong && { 'jest, many resets': ['jest', node(5), MANY_RESETS, ['node']] }),
  'vitest, threads and contexts in a thread': [
    'vitest',
    { vmThreads: { files: FILES, environment: 'jsdom' }, threads: { files: SOME, environment: 'jsdom' } },
    RESETS,
    ['vmThreads'],
  ],
  // Not beside vmThreads: vitest then keeps the contexts of those, whatever is loaded there.
  'vitest, processes and contexts in a process': [
    'vitest',
    { vmForks: { files: isLong ? FILES : 1, environment: 'node' }, forks: { files: SOME, environment: 'node' } },
    RESETS,
    isLong ? ['vmForks'] : [],
  ],
  'node:test': ['node', node(SOME), MANY_RESETS, []],
};

/** A file may leave a little, the first one more: the runner keeps what it has loaded, and results. */
function assertFlat(kind, recorded) {
  assert.equal(new Set(recorded.map(({ pid }) => pid)).size, 1, `${kind} ran in several processes`);
  const heaps = recorded.map(({ heapUsed }) => heapUsed);
  const grew = Math.min(...heaps.slice(-2)) - Math.min(...heaps.slice(1, 3));
  assert.ok(grew < 3e6 + 150e3 * heaps.length, `${kind}: ${heaps.map((heap) => (heap / 1e6).toFixed(1)).join(' ')} MB`);
  assert.deepEqual(recorded.at(-1).listeners, recorded[0].listeners, `${kind}: listeners to exit, beforeExit, SIGTERM`);
  return grew;
}

describe('suites of an application', { skip, concurrency: 2 }, () => {
  for (const [name, [runner, kinds, resets, shared]] of Object.entries(suites)) {
    test(name, async (t) => {
      const { code, output, names, spans, recorded } = await runSuites(t, runner, kinds, resets);
      assert.equal(code, 0, output);
      assert.deepEqual(spans.sort(), names.flatMap((file) => spanNames(file, resets)).sort());
      for (const [kind, { files }] of Object.entries(kinds)) assert.equal(recorded[kind].length, files, output);
      for (const kind of shared)
        t.diagnostic(`${kind}: ${files(recorded[kind])} grew by ${assertFlat(kind, recorded[kind])} bytes`);
    });
  }
});
const files = ({ length }) => `${length} files`;
