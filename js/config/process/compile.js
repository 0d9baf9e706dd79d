'use strict';
// Owns the step from `process`, as code and environment have it, to what native code compiles.
// Refuses to keep anything of what the user gave: it is read here, once.

const check = require('./checks.js');
const { checkMarker } = require('./recorded.js');
const { attributeRule, dropRule, redactRules } = require('./rules.js');
const { plainForm } = require('./plain.js');

const MEMBERS = ['marker', 'hashKey', 'redact', 'attributes', 'drop', 'sample', 'metrics'];
const DEFAULT_MARKER = '[redacted]';
const MAX_MARKER = 64;
const MIN_KEY_BYTES = 32;
const MAX_RULES = 1000;
const MAX_SEARCHES = 128; // as in src/process/rule.rs
const MAX_UNITS = 1 << 20;
const KEY = `a Uint8Array of at least ${MIN_KEY_BYTES} bytes or { env: 'NAME' }`;

/**
 * @param {unknown} inCode `process` of the options; absent, or not
 * @param {unknown} inEnvironment what the variables hold
 * @param {boolean} [isRecording] whether it is for recordings, which are redacted and nothing else
 * @returns {{ words: string[], key: Uint8Array | undefined } | null}
 *   null: nothing is asked for
 */
function compileProcess(inCode, inEnvironment, isRecording = false) {
  const { marker, key, drop, stages, attributes } = effectiveRules(inCode, inEnvironment, isRecording);
  if (stages.length + drop.length + attributes.length === 0) return null;
  const rules = [...stages.flat(), ...drop, ...attributes];
  checkTogether(rules, stages, key.value);
  if (isRecording) checkMarker(marker.value);
  const words = plainForm({ marker: marker.value, drop, stages, attributes });
  if (words.reduce((sum, word) => sum + word.length, 0) > MAX_UNITS)
    throw new Error(`Configuration: process is invalid, expected ${MAX_UNITS} characters of rules at most`);
  require('../../native/binding.js').loadBinding().checkProcess(words, key.value);
  return Object.freeze({ words, key: key.value });
}

/** The rules that are in force together; `isOfCode` tells where each is from, null for a default. */
function effectiveRules(inCode, inEnvironment, isRecording = false) {
  const code = source(inCode, '', false, isRecording);
  const environment = source(inEnvironment, 'environment.', true, isRecording);
  const firstOf = (name, standard) => {
    if (code[name] !== undefined) return { value: code[name], isOfCode: true };
    if (environment[name] !== undefined) return { value: environment[name], isOfCode: false };
    return { value: standard, isOfCode: null };
  };
  return {
    marker: firstOf('marker', DEFAULT_MARKER),
    key: firstOf('key', undefined),
    drop: [...environment.drop, ...code.drop],
    stages: stagesOf(environment.redact, code.redact),
    attributes: code.attributes ?? environment.attributes ?? [],
  };
}

/**
 * Each source redacts by itself, the environment's first: so it can ask for more than the program, and never for less.
 * Texts are shortened after both, because a cut could hide a secret from the second.
 */
function stagesOf(...sources) {
  const filled = sources.filter((rules) => rules.length > 0);
  if (filled.length < 2) return filled;
  const isCut = ({ action }) => action.type === 'truncate';
  const stages = filled.map((rules) => rules.filter((rule) => !isCut(rule)));
  return [...stages, filled.flat().filter(isCut)].filter((rules) => rules.length > 0);
}

function checkTogether(rules, stages, key) {
  const refuse = (what) => {
    throw new Error(`Configuration: process is invalid, ${what}`);
  };
  if (rules.length > MAX_RULES) refuse(`expected ${MAX_RULES} rules at most`);
  const searches = stages.map((stage) => stage.filter(({ detectors }) => detectors.length > 0).length);
  if (Math.max(0, ...searches) > MAX_SEARCHES) refuse(`expected ${MAX_SEARCHES} rules with match at most`);
  const names = new Set();
  for (const { name } of rules) {
    if (names.has(name)) refuse(`two rules are called '${check.shown(name)}'`);
    names.add(name);
  }
  const makesTokens = ({ action }) => action?.type === 'hash' || action?.hash?.length > 0;
  if (key === undefined && rules.some(makesTokens)) refuse(`a rule makes tokens, expected hashKey, ${KEY}`);
}

/** One of the two places that a configuration comes from. */
function source(value, prefix, isFile, isRecording) {
  const empty = { marker: undefined, key: undefined, redact: [], drop: [], attributes: undefined };
  if (value == null) return empty;
  const given = check.members('process', value, MEMBERS);
  for (const name of ['sample', 'metrics'])
    if (given.has(name)) check.unsupported(`process.${name}`, 'expected marker, hashKey, redact, attributes or drop');
  for (const name of isRecording ? ['attributes', 'drop'] : [])
    if (given.has(name))
      throw new Error(
        `Configuration: process.${name} is for spans, and recordings are only redacted, expected marker, hashKey or redact`,
      );
  const read = (name, how, absent) => (given.has(name) ? how(`process.${name}`, given.get(name)) : absent);
  const from = (rule) => ({ ...rule, isOfCode: !isFile });
  const each = (rule) => (path, rules) => {
    const items = check.list(path, rules, (at, one) => rule(at, one, prefix, isRecording));
    return items.flat().map(from);
  };
  return {
    marker: read('marker', markerText),
    key: read('hashKey', (path, key) => hashKey(path, key, isFile)),
    redact: read('redact', each(redactRules), empty.redact),
    drop: read('drop', each(dropRule), empty.drop),
    attributes: read('attributes', each(attributeRule)),
  };
}

function markerText(path, value) {
  check.text(path, value);
  if ([...value].length > MAX_MARKER) check.wrong(path, `a text of ${MAX_MARKER} characters at most`, value);
  return value;
}

/** Neither the key nor what its variable holds is ever in a message. */
function hashKey(path, value, isFile) {
  if (value instanceof Uint8Array && !isFile) {
    const bytes = check.reading(path, () => Uint8Array.from(value));
    if (bytes.length < MIN_KEY_BYTES) check.wrong(path, KEY, value);
    return bytes;
  }
  const isObject = typeof value === 'object' && value !== null && !check.isList(value) && !ArrayBuffer.isView(value);
  const entries = isObject ? check.reading(path, () => Object.entries(value)) : [];
  if (entries.length !== 1 || entries[0][0] !== 'env') check.wrong(path, isFile ? "{ env: 'NAME' }" : KEY, value);
  const held = process.env[check.text(`${path}.env`, entries[0][1])];
  const bytes = new TextEncoder().encode(held ?? '');
  if (bytes.length < MIN_KEY_BYTES)
    throw new Error(`Configuration: ${path}.env is invalid, its variable does not hold ${MIN_KEY_BYTES} bytes`);
  return bytes;
}

module.exports = { compileProcess, effectiveRules };
