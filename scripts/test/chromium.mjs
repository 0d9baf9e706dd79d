// Owns the browser of the tests and the screenshots: the Chromium of this machine, driven by playwright-core at an exact version.
// It refuses to download a browser.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fetched } from '../build/fetched.mjs';

const PACKAGES = ['playwright-core@1.65.1', 'axe-core@4.14.1'];
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser'];
export const HOW_TO_INSTALL = 'apt-get install --no-install-recommends chromium-headless-shell';

/** The file of the browser: OFFLOOP_CHROMIUM, else one on the path; undefined if there is none. */
export function findChromium() {
  const { OFFLOOP_CHROMIUM: named, PATH = '' } = process.env;
  if (named) return named;
  const files = PATH.split(path.delimiter).flatMap((directory) => NAMES.map((name) => path.join(directory, name)));
  return files.find((file) => existsSync(file));
}

function requireFetched() {
  const directory = fetched('browser', PACKAGES);
  return createRequire(path.join(directory, 'package.json'));
}

/** Fonts are drawn alike on every machine that has the same ones. */
const ARGUMENTS = [
  '--font-render-hinting=none',
  '--disable-lcd-text',
  '--force-color-profile=srgb',
  '--hide-scrollbars',
];

/** @param {{ args?: string[] }} [options] */
export function launch({ args = [] } = {}) {
  const { chromium } = requireFetched()('playwright-core');
  // A container has no user namespaces for the sandbox; the pages are our own.
  return chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', ...ARGUMENTS, ...args] });
}

/** The text of axe-core, to be run in a page. */
export function axeSource() {
  return requireFetched()('axe-core').source;
}
