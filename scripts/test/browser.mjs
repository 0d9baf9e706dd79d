// `node scripts/test/browser.mjs [--required] [name ...]`: the page of `offloop view`, and the
// pictures of the benchmark and the demo, in a real Chromium.
// Without a browser it says in one line how to get one, and ends well; with --required, as in CI, it ends badly.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureViewer, root, runWithSetup } from '../build/project.mjs';
import { axeSource, findChromium, HOW_TO_INSTALL } from './chromium.mjs';
import { runNodeTests } from './node_tests.mjs';
import { summarize, timed } from './steps.mjs';

const FOLDERS = [path.join('viewer', 'browser'), path.join('package', 'browser')];
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
      const files = FOLDERS.flatMap((folder) =>
        readdirSync(path.join(root, '__test__', folder)).map((name) => path.join(folder, name)),
      ).filter((file) => file.endsWith('.test.mjs'));
      const wanted = files.filter(
        (file) => positionals.length === 0 || positionals.some((part) => path.basename(file).includes(part)),
      );
      return runNodeTests(process.execPath, wanted, { limitMillis: FILE_LIMIT_MILLIS });
    });
    summarize();
  });
}
