'use strict';
// Owns saying that `offloop/register` cannot do what it was loaded for: it came too late, another copy of it is there, or no
// package ever comes by. Node.js itself says so to whoever starts the program (`process.emitWarning`), because no logger is
// set that early.
// Refuses to guess: a package without objects, and a tracer provider without packages, are all that can be seen.

const { getEnvironmentData, setEnvironmentData } = require('node:worker_threads');
const { decided } = require('../otel/decisions.js');
const { registered } = require('../otel/diag.js');
const { setTimeout, unref } = require('../guards/timers.js');
const { quietly } = require('../guards/quietly.js');
const { contained, ignore } = require('../guards/user_code.js');

const LATE = 'OFFLOOP_REGISTER_LATE';
const TWICE = 'OFFLOOP_REGISTER_TWICE';
const ADVICE =
  'Load offloop/register before everything else. Node.js runs --require before --import, whatever their order: where the others ' +
  'are loaded with --require, put --require offloop/register in front of them';
const PATIENCE_MILLIS = 10_000; // a program that has not made its exporters by then has none

/** @param {string[]} names of packages that are loaded already: whoever has taken their classes has the stock ones */
function tellIfLate(names) {
  const isTracing = registered('trace') !== undefined;
  if (names.length === 0 && !isTracing) return;
  const [what, whose] =
    names.length === 0
      ? ['a tracer provider was registered', 'what that was made with']
      : [names.join(', '), 'objects that exist already'];
  const text = `offloop/register was loaded after ${what}; ${whose} keep using the stock classes. ${ADVICE}`;
  warn(LATE, 'loaded too late', text);
}

/** @param {{ place: string, version: string }} first copy of this module that has been registered */
function tellTwice(first, own) {
  const text =
    `offloop/register of ${own.place} (${own.version}) does nothing, because that of ${first.place} (${first.version}) was ` +
    'loaded before it. Load it once, from one copy';
  warn(TWICE, 'loaded twice', text);
}

/** Once per process: workers start with the flags of their parent. */
function warn(code, kind, text) {
  decided(`register: ${kind}: ${text}`, 'warn');
  if (getEnvironmentData(code) === true) return;
  setEnvironmentData(code, true);
  contained(ignore, emit, Object.assign(new Error(text), { name: 'Warning', code }));
}

/** Node.js emits a warning when the running code has returned. A program that ends itself in that code gets it at its end. */
function emit(warning) {
  const atEnd = () => contained(ignore, () => process.emit('warning', warning));
  quietly(() => process.once('exit', atEnd));
  process.nextTick(() => process.removeListener('exit', atEnd)); // right before: a listener of the application's may end the process
  process.emitWarning(warning);
}

/**
 * For OFFLOOP_LOG: whether anything has come by at all. Nothing shows a package that a bundler has put into the program, but
 * that the program traces without one.
 * @param {() => boolean} hasSeen whether a package has been loaded through the hooks
 */
function watchForNothing(hasSeen) {
  let isTold = false;
  const tell = (isEnd) => {
    if (isTold || hasSeen()) return;
    const isTracing = registered('trace') !== undefined;
    if (!isEnd && !isTracing) return;
    isTold = true;
    if (isTracing)
      decided(
        'register: nothing is replaced: the program traces, and no package that has a replacement came from the loader of ' +
          'Node.js. A bundler has put them into the program, or they are ES modules and were loaded before',
        'warn',
      );
    else decided('register: nothing is replaced: the program has loaded no package that has a replacement');
  };
  unref(setTimeout(() => contained(ignore, tell, false), PATIENCE_MILLIS));
  quietly(() => process.once('exit', () => contained(ignore, tell, true)));
}

module.exports = { tellIfLate, tellTwice, watchForNothing };
