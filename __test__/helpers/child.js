'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');
const { performance } = require('node:perf_hooks');

const root = path.join(__dirname, '..', '..');
const isWindows = process.platform === 'win32';
/** Windows starts programs and opens files more slowly. */
const LIMIT_MILLIS = isWindows ? 45_000 : 15_000;

/**
 * Runs a program in a Node process of its own and answers with how it ended: `{ code, signal, stdout, stderr, millis }`.
 * In the program `OTLPTraceExporter`, `makeSpans(count)` and `url` are at hand. A program that outlives `limitMillis` is
 * killed and ends with the signal SIGKILL.
 */
function runProgram(source, { url, env = {}, nodeArguments = [], ...options } = {}) {
  const program = `
    const subject = require('./__test__/helpers/subject.js');
    const { OTLPTraceExporter } = subject;
    const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
    const makeSpans = (count) => { const spans = new PlainSpans(1); return Array.from({ length: count }, () => spans.span({ attributes: { a: 1 } })); };
    const url = process.env.RECEIVER_URL;
    ${source}`;
  return runNode([...nodeArguments, '-e', program], { env: { RECEIVER_URL: url, ...env }, ...options });
}

/** The same for `node ...words` in the root of the repository, with nothing at hand. */
function runNode(words, { env = {}, limitMillis = LIMIT_MILLIS, onStart } = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, words, {
      cwd: root,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMillis);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      // There `process._rawDebug` ends its lines with two characters.
      if (isWindows) stderr = stderr.replaceAll('\r\n', '\n');
      resolve({ code, signal, stdout, stderr, millis: performance.now() - started });
    });
    onStart?.(child);
  });
}

module.exports = { runNode, runProgram };
