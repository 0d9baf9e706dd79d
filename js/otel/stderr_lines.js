'use strict';
// Owns the lines that OFFLOOP_LOG asks for: which of them are written, how many, and what one looks like.
// Refuses to go through `process.stderr` or `console`, which belong to the application and in a worker to its parent, to write
// without end, and to show anything but texts: objects may be spans.

const { closeSync, constants, fstatSync, openSync, writeSync } = require('node:fs');
const { getEnvironmentData, isMainThread, setEnvironmentData, threadId } = require('node:worker_threads');
const { version } = require('../../package.json');
const { isNativeError, isSharedArrayBuffer } = require('node:util/types');
const { shown } = require('../guards/shown.js');
const { now } = require('../guards/timers.js');

const STDERR = 2;
const LEVELS = { __proto__: null, none: 0, off: 0, error: 1, warn: 2, info: 3, debug: 4, verbose: 5, all: 5 };
const WORDS = 'none, error, warn, info, debug, verbose or all';
const MOST_DECISIONS = 100;
const MOST_PER_MINUTE = 60;
const MINUTE_MILLIS = 60_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g;
// Keys travel in queries, and the words about a URL that cannot be parsed repeat it.
const QUERIES = /\?[^\s'"?]*=[^\s'"]*/g;
// Nobody reads, or the descriptor may be somebody else's file by the next line.
const LASTING_FAILURES = new Set(['EPIPE', 'EBADF', 'ENXIO', 'EDESTADDRREQ']);

let readText; // of the variable, as `threshold` has it
let threshold = LEVELS.none;
let isOver = false;
let isTorn = false; // the last line was written in part
let isIntroduced = false;
let minuteBegan = -Infinity;
let inMinute = 0;
let leftOut = 0;
const decisions = sharedCount('offloop.decisions.1');

/** A count that workers share with the thread that has started them: some programs start a worker for each task. */
function sharedCount(key) {
  let memory = getEnvironmentData(key);
  if (!isSharedArrayBuffer(memory)) {
    memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    setEnvironmentData(key, memory);
  }
  return new Int32Array(memory);
}

/** A line of `diag`; of its arguments texts and errors are shown. */
function writeLine(level, args) {
  if (!isWanted(level)) return;
  if (now() - minuteBegan >= MINUTE_MILLIS) {
    minuteBegan = now();
    inMinute = 0;
  }
  inMinute += 1;
  if (inMinute > MOST_PER_MINUTE) {
    leftOut += 1;
    return;
  }
  put(level, args.map(textOf).filter(Boolean).join(' '));
  if (inMinute === MOST_PER_MINUTE)
    put('warn', `${MOST_PER_MINUTE} lines in a minute, others are left out until it is over`);
}

/** A decision of Offloop's about itself. */
function writeDecision(level, text) {
  if (!isWanted(level) || Atomics.load(decisions, 0) >= MOST_DECISIONS) return;
  const nth = Atomics.add(decisions, 0, 1) + 1;
  if (nth <= MOST_DECISIONS) put(level, text);
  if (nth === MOST_DECISIONS) put('info', `${MOST_DECISIONS} decisions have been written, further ones are left out`);
}

/** A line that OFFLOOP_LOG has not asked for, but that somebody has to read. */
function writeAlways(level, text) {
  put(level, text);
}

function isWanted(level) {
  const text = process.env.OFFLOOP_LOG;
  if (text !== readText) {
    readText = text;
    threshold = thresholdOf(
      String(text ?? '')
        .trim()
        .toLowerCase(),
    );
  }
  return !isOver && LEVELS[level] <= threshold;
}

function thresholdOf(word) {
  if (word === '') return LEVELS.none;
  if (LEVELS[word] !== undefined) return LEVELS[word];
  threshold = LEVELS.info;
  put('warn', `Unknown value '${word}' for OFFLOOP_LOG, expected ${WORDS}; info holds`);
  return LEVELS.info;
}

function put(level, text) {
  if (!isIntroduced && threshold >= LEVELS.info) {
    isIntroduced = true;
    const thread = isMainThread ? '' : `, thread ${threadId}`;
    const { pid, platform, arch, version: node } = process;
    write('info', `offloop ${version} in process ${pid}${thread}, Node.js ${node}, ${platform}-${arch}`);
  }
  if (leftOut > 0 && inMinute <= MOST_PER_MINUTE) {
    const count = leftOut;
    leftOut = 0;
    write('warn', `${count} lines have been left out`);
  }
  write(level, text);
}

/** One write of whole lines: those of other threads and processes come before or behind it. */
function write(level, text) {
  if (isOver) return;
  const line = `${isTorn ? '\n' : ''}offloop: ${level}: ${shown(text).replace(QUERIES, '?***').replace(CONTROLS, ' ').trim()}\n`;
  const bytes = Buffer.from(line);
  try {
    isTorn = writeNow(bytes) < bytes.length;
  } catch (error) {
    if (LASTING_FAILURES.has(error?.code)) isOver = true;
    else leftOut += 1; // a pipe that is full: to wait for its reader would hold the event loop
  }
}

/** How much of `bytes` went out. A pipe may have been made to wait for its reader: opened again it does not, on Linux. */
function writeNow(bytes) {
  const own = process.platform === 'linux' && fstatSync(STDERR).isFIFO() ? reopened() : null;
  if (own === null) return writeSync(STDERR, bytes);
  try {
    return writeSync(own, bytes);
  } finally {
    closeSync(own);
  }
}

/** Null where that is not allowed: the pipe may belong to another user. */
function reopened() {
  try {
    return openSync(`/proc/self/fd/${STDERR}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (LASTING_FAILURES.has(error.code)) throw error; // nobody reads
    return null;
  }
}

function textOf(value) {
  if (typeof value === 'string') return value;
  if (!isNativeError(value)) return '';
  const message = Object.getOwnPropertyDescriptor(value, 'message')?.value;
  return typeof message === 'string' ? `(${shown(message)})` : '';
}

module.exports = { LEVELS, writeAlways, writeDecision, writeLine };
