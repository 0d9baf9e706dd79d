// The pictures of docs/viewer.

import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

test('two runs make the same pictures, each of 150,000 bytes at most (V122)', () => {
  const script = fileURLToPath(new URL('../../../scripts/screenshots.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.strictEqual(status, 0, stdout + stderr);
  assert.strictEqual(stdout.match(/^✔ \w+-(light|dark)\.png \d+ bytes$/gm)?.length, 6, stdout);
});
