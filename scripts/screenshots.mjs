// `node scripts/screenshots.mjs [--check]`: makes the pictures of docs/viewer from the made-up shop of the tests. The store, the zone,
// the window and the way through the page are fixed, so two runs on a machine give the same bytes; --check makes them twice,
// compares, and writes nothing. Other fonts give other pictures.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { shopLines } from '../__test__/helpers/viewer/shop.mjs';
import { withPalette } from './build/palette_png.mjs';
import { root } from './build/project.mjs';
import { findChromium, HOW_TO_INSTALL, launch } from './test/chromium.mjs';

const OUT = path.join(root, 'docs', 'viewer');
const WINDOW = { width: 1280, height: 800 };
const MOST_BYTES = 150_000;
const WAIT_MILLIS = 120_000;
/** Edges of what is drawn anew in parts depend on when it was drawn. */
const WHOLE_RASTER = ['--disable-partial-raster', '--disable-skia-runtime-opts', '--disable-threaded-animation'];

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });

/** How to get to each picture from the list of traces. */
const WAYS = {
  traces: async (page) => {
    await page.locator('.facets li').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
  },
  waterfall: async (page) => {
    await page.locator('.filter').fill('trace.spans>45 root=true');
    await page.getByText('1 trace · 1 span match').waitFor();
    await page.locator('.traces .row').first().dblclick();
    await page.locator('.labels button').waitFor();
    await page.locator('.trace .row', { hasText: 'POST /charges' }).locator('.tree').click();
    await page.locator('.details').getByText('card declined').first().waitFor();
  },
  blocks: async (page) => {
    await page.getByRole('link', { name: 'Blocks', exact: true }).click();
    await page.locator('.details').getByText('Open in the same process').waitFor();
  },
};

function serve(store) {
  const child = spawn(process.execPath, [path.join(root, 'bin', 'offloop.js'), 'view', '--once', '--utc', store], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const found = /http:\S+/.exec(text);
      if (found) resolve({ address: found[0], stop: () => child.kill('SIGINT') });
    });
    child.once('close', (code) => reject(new Error(`offloop view ended with ${code}`)));
  });
}

/** Every picture by name. */
async function pictures(browser, address) {
  const made = new Map();
  for (const colorScheme of ['light', 'dark']) {
    for (const [name, go] of Object.entries(WAYS)) {
      const context = await browser.newContext({
        viewport: WINDOW,
        colorScheme,
        reducedMotion: 'reduce',
        timezoneId: 'UTC',
        locale: 'en-GB',
      });
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_MILLIS);
      await page.goto(address);
      await page.locator('.traces .row').first().waitFor();
      await page.locator('#state').getByText('read once').waitFor();
      await go(page);
      await page.mouse.move(0, 0);
      // Nothing that blinks, and every frame that was asked for has been drawn.
      await page.evaluate(async () => {
        await document.fonts.ready;
        const frames = async () => {
          for (let nth = 0; nth < 3; nth++) await new Promise((resolve) => requestAnimationFrame(resolve));
        };
        await frames();
        // All of it is drawn anew in one go.
        document.body.style.opacity = '0.99';
        await frames();
        document.body.style.opacity = '';
        await frames();
      });
      made.set(
        `${name}-${colorScheme}.png`,
        withPalette(await page.screenshot({ caret: 'hide', animations: 'disabled' })),
      );
      await context.close();
    }
  }
  return made;
}

if (findChromium() === undefined) {
  console.error(`There is no Chromium; ${HOW_TO_INSTALL}`);
  process.exit(1);
}
const store = mkdtempSync(path.join(tmpdir(), 'offloop-shop-'));
writeFileSync(path.join(store, 'traces-1.jsonl'), `${shopLines().join('\n')}\n`);
const [{ address, stop }, browser] = await Promise.all([serve(store), launch({ args: WHOLE_RASTER })]);
try {
  const made = await pictures(browser, address);
  const again = values.check ? await pictures(browser, address) : made;
  const isSame = [...made].every(([name, bytes]) => bytes.equals(again.get(name)));
  // A pixel of an edge differs now and then on a busy machine: two of three have to be equal.
  const third = isSame ? made : await pictures(browser, address);
  for (const [name, bytes] of made) {
    const isEqual =
      bytes.equals(again.get(name)) || [bytes, again.get(name)].some((one) => one.equals(third.get(name)));
    const isSmall = bytes.length <= MOST_BYTES;
    console.log(
      `${isEqual && isSmall ? '✔' : '✖'} ${name} ${bytes.length} bytes${isEqual ? '' : ', another one the second time'}${isSmall ? '' : ', too large'}`,
    );
    if (!isEqual || !isSmall) process.exitCode = 1;
  }
  if (!values.check) {
    mkdirSync(OUT, { recursive: true });
    for (const [name, bytes] of made) writeFileSync(path.join(OUT, name), bytes);
  }
} finally {
  await browser.close();
  stop();
  rmSync(store, { recursive: true, force: true });
}
