// The script of the browser tests on a machine without a browser.

import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/test/browser.mjs', import.meta.url));

test('without a browser one line says how to get one; what requires it is told by the exit code (V117)', () => {
  const env = { ...process.env, PATH: '', Path: '', OFFLOOP_CHROMIUM: '' };
  for (const [words, code] of [
    [[], 0],
    [['--required'], 1],
  ]) {
    const { status, stdout } = spawnSync(process.execPath, [script, ...words], { encoding: 'utf8', env });
    assert.strictEqual(
      stdout.trim(),
      'skipped: there is no Chromium; apt-get install --no-install-recommends chromium-headless-shell',
    );
    assert.strictEqual(status, code);
  }
});
