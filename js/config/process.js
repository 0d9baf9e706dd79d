'use strict';
// Owns whether spans are to be processed: by an option, by OFFLOOP_PROCESS, or by the file that OFFLOOP_PROCESS_FILE names.
// Refuses to go on where the environment asks for rules that cannot be read: without them something would leak.

const { refuseMisspeltRules, tellUnknownVariables } = require('./own_variables.js');

const MAX_FILE_BYTES = 1 << 20;

/** Whether the environment asks for rules. */
function asksForProcess() {
  return isSet('OFFLOOP_PROCESS') || isSet('OFFLOOP_PROCESS_FILE');
}

/**
 * What `process` of the options and the environment mean together, null for nothing. Nothing more is loaded for that.
 * @param {boolean} [isRecording] whether recordings go through them (process/recorded.js)
 * @throws {Error} naming the path of what is wrong
 */
function readProcess(inCode, isRecording) {
  refuseMisspeltRules();
  tellUnknownVariables();
  if (inCode == null && !asksForProcess()) return null;
  return require('./process/compile.js').compileProcess(inCode, readEnvironment(), isRecording);
}

function isSet(name) {
  return process.env[name] !== undefined && process.env[name].trim() !== '';
}

/** What the variables hold, unread; undefined for nothing. @throws {Error} naming the variable */
function readEnvironment() {
  if (!asksForProcess()) return undefined;
  if (isSet('OFFLOOP_PROCESS') && isSet('OFFLOOP_PROCESS_FILE'))
    throw new Error('Configuration: OFFLOOP_PROCESS and OFFLOOP_PROCESS_FILE exclude each other');
  const isFile = isSet('OFFLOOP_PROCESS_FILE');
  const name = isFile ? 'OFFLOOP_PROCESS_FILE' : 'OFFLOOP_PROCESS';
  const text = isFile ? readFile(name) : process.env[name];
  if (Buffer.byteLength(text) > MAX_FILE_BYTES)
    throw new Error(`Configuration: ${name} is invalid, expected 1 MiB at most`);
  const rules = parsed(text);
  if (rules === null || typeof rules !== 'object')
    throw new Error(`Configuration: ${name} is invalid, expected JSON of an object`);
  return rules;
}

/** Null for what is no JSON: the words of V8 quote the text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readFile(name) {
  try {
    const path = require('node:path').resolve(process.cwd(), process.env[name].trim());
    return require('node:fs')
      .readFileSync(path, 'utf8')
      .replace(/^\uFEFF/, '');
  } catch (error) {
    throw new Error(`Configuration: ${name} is invalid, its file cannot be read (${error.code})`);
  }
}

/**
 * For what sends spans and knows no rules: it must not send what they are there to keep back.
 * @param {unknown} inCode `process` of the options  @param {string} who what sends
 */
function refuseProcess(inCode, who) {
  refuseMisspeltRules();
  if (inCode == null && !asksForProcess()) return;
  const where = inCode == null ? 'OFFLOOP_PROCESS' : 'process';
  throw new Error(`Configuration: ${where} asks for rules, and ${who} would send spans as they are`);
}

module.exports = { asksForProcess, MAX_FILE_BYTES, parsed, readEnvironment, readProcess, refuseProcess };
