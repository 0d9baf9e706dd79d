'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');

const root = path.resolve(__dirname, '..', '..');
const hasGit = spawnSync('git', ['rev-parse', '--git-dir'], { cwd: root }).status === 0;

test('R101 every file under __test__/, bench/ and examples/ is run by a job', {
  skip: !hasGit && 'no git here',
}, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test/check_jobs.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
  const [, count] = /^✔ (\d+) files/.exec(stdout);
  assert.ok(Number(count) > 100, stdout);
});
