// The page of `offloop view` in a Chromium: how long it takes to show a trace, to scroll and to collapse it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fetched } from '../../scripts/build/fetched.mjs';
import { onPath } from './viewer_files.mjs';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const PLAYWRIGHT = 'playwright-core@1.65.1';
const FRAMES = 120;
const LIMIT_MILLIS = 60_000;

/** The Chromium that is there; undefined if there is none. */
function chromium() {
  const named = process.env.OFFLOOP_CHROMIUM;
  return named ?? onPath('chromium-headless-shell') ?? onPath('chromium');
}

/** Why the page cannot be shown; null if it can. */
export function pageMissing() {
  if (!existsSync(path.join(ROOT, 'js', 'viewer', 'view.js'))) return 'offloop has no command view';
  return chromium() ? null : 'no Chromium: apt-get install --no-install-recommends chromium-headless-shell';
}

/** Starts `offloop view` over `directory`; in a checkout it takes the release build. */
export async function startView(directory) {
  const words = [path.join(ROOT, 'bin', 'offloop.js'), 'view', '--once', directory];
  const child = spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const address = await new Promise((settle, reject) => {
    child.on('error', reject);
    child.on('close', (code) => reject(new Error(`offloop view ended with ${code}: ${text}`)));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+\/#token=\S+/.exec(text);
      if (found) settle(found[0]);
    });
  });
  return { address, stop: () => child.kill() };
}

/** Opens the trace with `rows` rows and measures what somebody waits for. */
export async function measurePage(address, trace, rows) {
  const require = createRequire(path.join(fetched('playwright-core-1.65.1', [PLAYWRIGHT]), 'package.json'));
  const browser = await require('playwright-core').chromium.launch({ executablePath: chromium() });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(LIMIT_MILLIS);
    await page.goto(address);
    await page.waitForSelector('[role=row]');
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Performance.enable');
    const shown = await page.evaluate(showTrace, { trace, rows });
    const frames = await scrolled(page, devtools);
    const { usedSize, backingStorageSize = 0 } = await devtools.send('Runtime.getHeapUsage');
    return {
      firstRowsSeconds: shown.first / 1000,
      allRowsSeconds: shown.all / 1000,
      frameP95Millis: frames[Math.ceil(frames.length * 0.95) - 1],
      frameLongestMillis: frames.at(-1),
      memoryMB: (usedSize + backingStorageSize) / 1e6,
    };
  } finally {
    await browser.close();
  }
}

/** In the page: from the click on the trace to its first rows, and to the last of all. */
async function showTrace({ trace, rows }) {
  const started = performance.now();
  const frame = () => new Promise((settle) => requestAnimationFrame(settle));
  const grid = () => document.querySelector('[role=treegrid]');
  window.location.hash = `#/trace/${trace}`;
  while (!grid()?.querySelector('[role=row]')) await frame();
  const first = performance.now() - started;
  while (Number(grid().getAttribute('aria-rowcount')) < rows) await frame();
  return { first, all: performance.now() - started };
}

/** Script time of each frame while the trace is scrolled to its end, in ascending order. */
async function scrolled(page, devtools) {
  const script = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ScriptDuration').value * 1000;
  };
  const step = (part) => {
    const grid = document.querySelector('[role=treegrid]');
    const scrolls = (element) => element && element.scrollHeight > element.clientHeight + 1;
    const box = [grid, grid.parentElement, ...grid.querySelectorAll('*')].find(scrolls) ?? document.scrollingElement;
    box.scrollTop = box.scrollHeight * part;
    return new Promise((settle) => requestAnimationFrame(() => requestAnimationFrame(settle)));
  };
  const idle = () => new Promise((settle) => requestAnimationFrame(() => requestAnimationFrame(settle)));
  const times = [];
  for (let frame = 0; frame < FRAMES; frame++) {
    const before = await script();
    await page.evaluate(idle);
    const between = await script();
    await page.evaluate(step, frame / FRAMES);
    // What asking itself costs is in both.
    times.push(Math.max(0, (await script()) - between - (between - before)));
  }
  return times.sort((one, other) => one - other);
}
