// Owns the stage of the browser tests: `offloop view` over a store, a page in Chromium, and what is kept of a test that fails.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from '../../../scripts/test/chromium.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const KEPT = path.join(root, '.cache', 'browser');
const WAIT_MILLIS = 20_000;
/** @type {ReturnType<typeof launch> | undefined} */
let browser;

after(async () => (await browser)?.close());

/** A directory with one file of these lines; it goes with the test. @returns {string} the directory */
export function storeOf(t, lines, name = 'traces-1.jsonl') {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-page-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  if (lines.length > 0) writeFileSync(path.join(directory, name), `${lines.join('\n')}\n`);
  return directory;
}

/** `offloop view`, until the end of the test. */
export async function view(t, directory, words = []) {
  const args = [path.join(root, 'bin', 'offloop.js'), 'view', '--utc', ...words, directory];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('close', resolve);
      child.kill('SIGINT');
    });
  t.after(stop);
  let output = '';
  const address = await new Promise((resolve, reject) => {
    const take = (chunk) => {
      output += chunk;
      const found = /http:\S+/.exec(output);
      if (found) resolve(found[0]);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('close', (code) => reject(new Error(`offloop view ended with ${code}: ${output}`)));
  });
  return { address, stop };
}

/**
 * The body of a test that gets `open`: a page of its own at an address. If the test fails, a picture of each page, its
 * console and its requests stay under .cache/browser/.
 */
export function onPages(work) {
  return async (t) => {
    const opened = [];
    const open = async (address, options = {}) => {
      browser ??= launch();
      const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_MILLIS);
      const log = { page, console: [], requests: [], errors: [] };
      opened.push(log);
      page.on('console', (message) => log.console.push(`${message.type()}: ${message.text()}`));
      page.on('pageerror', (error) => log.errors.push(error.stack ?? String(error)));
      page.on('request', (request) => log.requests.push(request.url()));
      await page.goto(address);
      return log;
    };
    try {
      await work(t, open);
      for (const { errors } of opened)
        if (errors.length > 0) throw new Error(`the page has failed: ${errors.join('\n')}`);
    } catch (error) {
      await Promise.all(opened.map((log, nth) => keep(`${slug(t.name)}-${nth + 1}`, log)));
      throw error;
    } finally {
      await Promise.all(opened.map(({ page }) => page.context().close()));
    }
  };
}

const slug = (name) => name.replace(/[^\w]+/g, '-').slice(0, 80);

async function keep(name, { page, console, requests, errors }) {
  mkdirSync(KEPT, { recursive: true });
  await page.screenshot({ path: path.join(KEPT, `${name}.png`) }).catch(() => {});
  const parts = [page.url(), '', 'console', ...console, '', 'errors', ...errors, '', 'requests', ...requests];
  writeFileSync(path.join(KEPT, `${name}.log`), `${parts.join('\n')}\n`);
}

/** The words of the first rows in sight, one text for each. */
export function rowsInSight(page, selector = '.row') {
  return page.locator(`.grid:not([hidden]) ${selector}`).evaluateAll((rows) =>
    rows
      .filter((row) => !row.hidden)
      .sort((a, b) => Number(a.dataset.index) - Number(b.dataset.index))
      .map((row) => row.innerText.replace(/\s+/g, ' ').trim()),
  );
}

/** Waits until `look` gives a value that `is` accepts; the last value is in the error. */
export async function until(look, is, what = 'the condition') {
  const end = Date.now() + WAIT_MILLIS;
  let last;
  do {
    last = await look();
    if (is(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 30));
  } while (Date.now() < end);
  throw new Error(`${what} did not come; the last was ${JSON.stringify(last)}`);
}
