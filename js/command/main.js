'use strict';
// Owns `npx offloop <command>`: which commands there are, its help, and the exit code: 0 if all is well, 1 if something is
// not, 2 for a command line that says nothing.
// It refuses to load a command that was not asked for.

const { writeSync } = require('node:fs');
const { setTimeout, unref } = require('../guards/timers.js');
const { nearest } = require('./nearest.js');
const { UsageError } = require('./words.js');
const { version } = require('../../package.json');

/** Name -> what its `run(words)` is for; that resolves with the exit code and throws a UsageError. */
const COMMANDS = {
  doctor: {
    summary: 'checks the installation, the configuration and the endpoint',
    load: () => require('../doctor/doctor.js'),
  },
  view: { summary: 'spans in files, on a page in the browser', load: () => require('../viewer/view.js') },
  stats: { summary: 'how long operations take, and what blocked the event loop', load: () => viewer('stats') },
  query: { summary: 'the spans in files that meet a filter', load: () => viewer('query') },
  trace: { summary: 'the tree of one trace, and its critical path', load: () => viewer('trace') },
  blocks: { summary: 'the lines of code that blocked the event loop', load: () => viewer('blocks') },
  export: { summary: 'spans for other programs: OTLP, CSV, trace events', load: () => viewer('export') },
};
const LONGEST_END_MILLIS = 2000; // what a preloaded SDK may still do when the command has its answer

/** A command of the program that reads span files. */
function viewer(name) {
  return require('../viewer/command.js').viewerCommand(name);
}

function usage() {
  const names = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return [
    'Usage: offloop <command> [options]',
    '',
    ...names,
    '',
    'offloop <command> --help says more. Offloop itself is used from code, and by',
    'node --import offloop/register app.js',
    '',
  ].join('\n');
}

/** @param {string[]} words of the command line */
async function main(words) {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endQuietly);
  process.exitCode = await exitCodeOf(words);
  unref(setTimeout(() => process.exit(), LONGEST_END_MILLIS));
}

async function exitCodeOf([name, ...words]) {
  if (name === undefined) return refuse('');
  if (name === '--help' || name === '-h' || name === 'help') return print(usage());
  if (name === '--version' || name === '-v') return print(`${version}\n`);
  if (!Object.hasOwn(COMMANDS, name)) {
    const meant = nearest(name, Object.keys(COMMANDS));
    return refuse(`offloop: there is no such command${meant === null ? '' : `; did you mean '${meant}'?`}\n\n`);
  }
  try {
    return await COMMANDS[name].load().run(words);
  } catch (error) {
    if (error instanceof UsageError) return refuse(`offloop ${name}: ${error.message}\n\n`, error.usage);
    process.stderr.write(`offloop ${name}: ${error?.stack ?? error}\n`);
    return 1;
  }
}

function print(text) {
  process.stdout.write(text);
  return 0;
}

function refuse(reason, help = usage()) {
  process.stderr.write(`${reason}${help}`);
  return 2;
}

/** Whoever read the output has read enough. */
function endQuietly(error) {
  if (error.code === 'EPIPE') return;
  process.exitCode = 1; // a full disk, say: there is nowhere to say so but standard error, which may be what failed
  try {
    writeSync(2, `offloop: the output cannot be written: ${error.message}\n`);
  } catch {
    // Nobody hears of it.
  }
  process.exit();
}

module.exports = { COMMANDS, main };
