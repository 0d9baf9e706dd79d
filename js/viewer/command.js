'use strict';
// Owns how the commands that read span files are started: they are a program of their own, beside the addon in the package
// of the platform, so that nothing of it is loaded into a process that exports spans.
// It refuses to look at the arguments: the program does, and prints its own help.

const { spawn } = require('node:child_process');
const { existsSync, statSync } = require('node:fs');
const { constants } = require('node:os');
const path = require('node:path');
const { describeHost, describeLoadFailure, findBinary } = require('../native/load_failure.js');

const EXTENSION = process.platform === 'win32' ? '.exe' : '';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const NAME = `offloop-viewer${EXTENSION}`;
const ROOT = path.join(__dirname, '..', '..');

/** The program's file; undefined if there is none. */
function findViewer() {
  const { platform, local } = describeHost();
  const addon = findBinary(platform, local);
  const packaged = addon === undefined ? undefined : path.join(path.dirname(addon), NAME);
  if (packaged !== undefined && existsSync(packaged)) return packaged;
  // In a checkout: what `npm run build` has made, or Cargo, whichever is newer.
  const built = [
    path.join(local, `offloop-viewer.${platform}${EXTENSION}`),
    path.join(ROOT, 'target', 'release', NAME),
  ].filter(existsSync);
  const builtAt = (file) => statSync(file).mtimeMs;
  return built.sort((one, other) => builtAt(other) - builtAt(one))[0];
}

/** Why there is none, and what helps, in one sentence. */
function describeMissing() {
  if (existsSync(path.join(ROOT, 'viewer', 'Cargo.toml')))
    return 'offloop: the program that reads span files is not built; node scripts/build/compile_viewer.mjs builds it.';
  const { platform, local } = describeHost();
  const addon = findBinary(platform, local);
  if (addon !== undefined)
    return `offloop: ${path.dirname(addon)} has no ${NAME}, the program that reads span files; a newer version of offloop may have it.`;
  return describeLoadFailure(new Error(`Cannot find module '${NAME}'`));
}

/**
 * The command `name` of the program, as the table of commands has it.
 * @param {string} name
 */
function viewerCommand(name) {
  return {
    /** @param {string[]} words behind the name  @returns {Promise<number>} the exit code */
    run: (words) => run([name, ...words]),
  };
}

function run(words) {
  const file = findViewer();
  if (file === undefined) {
    process.stderr.write(`${describeMissing()}\n`);
    return Promise.resolve(1);
  }
  const { columns } = process.stdout;
  const env = columns === undefined ? process.env : { ...process.env, COLUMNS: String(columns) };
  return new Promise((resolve) => {
    const child = spawn(file, words, { stdio: 'inherit', env });
    // A terminal sends Ctrl-C to both, `kill` and `timeout` to this one alone; it ends when the program has.
    const pass = (signal) => child.kill(signal);
    for (const name of SIGNALS) process.on(name, pass);
    const end = (code) => {
      for (const name of SIGNALS) process.off(name, pass);
      resolve(code);
    };
    child.once('error', (error) => {
      process.stderr.write(`offloop: ${file} cannot be started: ${error.message}.\n`);
      end(1);
    });
    child.once('close', (code, signal) => end(code ?? 128 + constants.signals[signal]));
  });
}

module.exports = { describeMissing, findViewer, viewerCommand };
