// The `prepare` script: `npm install` in a clone ends with a working addon and the program that reads span files, built once.
// It never makes an installation fail for want of Rust: the packed root package holds no binary (the platform packages
// do), and a contributor may need the JavaScript half only. `npm start` and `npm test` insist on the addon themselves.

import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  addonState,
  ensureAddon,
  ensureViewer,
  platformName,
  root,
  runWithSetup,
  SetupError,
  viewerName,
} from './project.mjs';

await runWithSetup(async () => {
  const hasViewer = existsSync(path.join(root, 'addon', viewerName(platformName())));
  if (hasViewer && addonState({ ignoreAge: true }).usable) return;
  const packing = process.env.npm_command === 'pack' || process.env.npm_command === 'publish';
  if (packing && existsSync(path.join(root, 'addon', 'index.js'))) return;
  if (!existsSync(path.join(root, 'node_modules', '@napi-rs', 'cli'))) {
    console.error('Offloop: the addon was not built, because the development dependencies are not installed.');
    return;
  }
  try {
    if (!addonState({ ignoreAge: true }).usable) await ensureAddon();
    if (!hasViewer) await ensureViewer();
  } catch (error) {
    if (!(error instanceof SetupError) || error.code !== 'NO_CARGO') throw error;
    console.error(`${error.message} (Installation goes on; the addon is not built.)`);
  }
});
