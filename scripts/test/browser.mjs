// `node scripts/test/browser.mjs [--required] [name ...]`: the page of `offloop view` in a real Chromium.
// Without a browser it says in one line how to get one, and ends well; with --required, as in CI, it ends badly.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureViewer, root, runWithSetup } from '../build/project.mjs';
import { axeSource, findChromium, HOW_TO_INSTALL } from './chromium.mjs';
import { runNodeTests } from './node_tests.mjs';
import { summarize, timed } from './steps.mjs';

const FOLDER = path.join('viewer', 'browser');
const FILE_LIMIT_MILLIS = 120_000;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { required: { type: 'boolean' } } });

if (findChromium() === undefined) {
  console.log(`skipped: there is no Chromium; ${HOW_TO_INSTALL}`);
  process.exitCode = values.required ? 1 : 0;
} else {
  await runWithSetup(async () => {
    await ensureViewer();
    await timed('playwright-core and axe-core', async () => ({ ok: axeSource().length > 0, note: '' }));
    await timed('browser tests', () => {
      const names = readdirSync(path.join(root, '__test__', FOLDER)).filter((name) => name.endsWith('.test.mjs'));
      const wanted = names.filter(
        (name) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
      );
      return runNodeTests(
        process.execPath,
        wanted.map((name) => path.join(FOLDER, name)),
        { limitMillis: FILE_LIMIT_MILLIS },
      );
    });
    summarize();
  });
}
