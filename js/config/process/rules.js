'use strict';
// Owns what a redaction rule, a rule about attributes and a condition may be.
// Refuses what a rule could only mean by mistake: a rule that never matches is a leak.

const check = require('./checks.js');
const { RECORDED_PRESETS, recordedRule } = require('./recorded.js');
const { ATTRIBUTE_PARTS, DETECTORS, PARTS, PRESETS } = require('./vocabulary.js');

const MAX_JSON_PATHS = 64;
const MAX_JSON_STEPS = 30;
const JSON_PATH = /^\$?(?:(?:(?<=^)|\.)[^.[]+|\[\*\])*$/;
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];
const SQL = ['auto', 'mysql', 'postgresql', 'generic'];
const RULE = ['name', 'in', 'keys', 'ignoreCase', 'except', 'match', 'unless', 'action', 'keepType'];
const CHANGES = ['insert', 'update', 'upsert', 'rename', 'copy', 'delete'];
const MAX_CONDITIONS = 8;

/** The rules of one entry of `redact`: a word stands for several. */
function redactRules(path, value, prefix, isRecording) {
  const one = (given, name) => redactRule(path, given, name, prefix, isRecording);
  if (typeof value !== 'string') return [one(value, path.replace(/^process\./, prefix))];
  const presets = isRecording ? RECORDED_PRESETS : PRESETS;
  return presets[check.oneOf(path, value, Object.keys(presets))].map((rule) => one(rule, ''));
}

function redactRule(path, value, ownName, prefix, isRecording) {
  const given = check.members(path, value, RULE);
  const read = (name, how, absent) => (given.has(name) ? how(`${path}.${name}`, given.get(name)) : absent);
  const rule = {
    name: given.has('name') ? prefix + check.name(`${path}.name`, given.get('name')) : ownName,
    parts: read('in', (at, parts) => check.someOf(at, parts, PARTS), PARTS),
    keys: read('keys', check.texts, []),
    ignoreCase: read('ignoreCase', check.boolean, false),
    except: read('except', check.texts, []),
    detectors: read('match', (at, matches) => check.list(at, matches, detector), []),
    unless: read('unless', check.texts, []),
    keepType: read('keepType', check.boolean, false),
    action: read('action', action, { type: 'mask' }),
  };
  checked(path, rule);
  return isRecording ? recordedRule(path, rule, given.has('keepType')) : rule;
}

function detector(path, value) {
  if (typeof value === 'object' && value !== null) {
    check.unsupported(`${path}.pattern`, `name detectors: ${DETECTORS.join(', ')}`);
  }
  return check.oneOf(path, value, DETECTORS);
}

/** What the members of a rule mean together. @throws {Error} naming `path` */
function checked(path, rule) {
  const { keys, detectors, action, parts, unless, keepType } = rule;
  const refuse = (why) => {
    throw new Error(`Configuration: ${path} is invalid, ${why}`);
  };
  if (keys.length + detectors.length === 0) refuse('it needs keys or match');
  if (detectors.length > 0 && !['mask', 'hash'].includes(action.type))
    refuse("with match its action can be 'mask' or 'hash'");
  if (detectors.length > 0 && keepType) refuse('keepType is for whole values, and match takes parts of them');
  if (detectors.length === 0 && !parts.some((part) => ATTRIBUTE_PARTS.includes(part)))
    refuse(`no part that it names has keys, expected one of ${ATTRIBUTE_PARTS.join(', ')}`);
  if (keepType && !['mask', 'hash', 'json'].includes(action.type)) refuse("keepType is for 'mask', 'hash' and json");
  if (unless.length > 0 && ['delete', 'allow'].includes(action.type)) refuse('unless has no effect on its action');
}

function action(path, value) {
  if (typeof value === 'string') return { type: check.oneOf(path, value, ['mask', 'delete', 'hash']) };
  const given = check.members(path, value, ['truncate', 'sql', 'url', 'json', 'allow']);
  if (given.size !== 1) check.wrong(path, 'one of truncate, sql, url, json, allow', value);
  const [[type, argument]] = given;
  return { type, ...ACTIONS[type](`${path}.${type}`, argument) };
}

const ACTIONS = {
  truncate(path, value) {
    if (!Number.isSafeInteger(value) || value < 0) check.wrong(path, 'a whole number of characters', value);
    return { length: value };
  },
  sql: (path, value) => ({ dialect: check.oneOf(path, value, SQL) }),
  url(path, value) {
    if (check.isList(value) && value.length === 0) return { names: [] };
    return { names: check.texts(path, value) };
  },
  allow(path, value) {
    if (value !== true) check.wrong(path, 'true', value);
    return {};
  },
  json(path, value) {
    const given = check.members(path, value, ['mask', 'hash', 'keep']);
    const read = (name) => (given.has(name) ? check.list(`${path}.${name}`, given.get(name), jsonPath) : null);
    const { mask, hash, keep } = { mask: read('mask'), hash: read('hash'), keep: read('keep') };
    if (given.size === 0) check.wrong(path, 'mask, hash or keep', value);
    const count = [mask, hash, keep].reduce((sum, paths) => sum + (paths?.length ?? 0), 0);
    if (count > MAX_JSON_PATHS)
      throw new Error(`Configuration: ${path} is invalid, expected ${MAX_JSON_PATHS} paths at most`);
    return { mask: mask ?? [], hash: hash ?? [], keep };
  },
};

function jsonPath(path, value) {
  const isPath = JSON_PATH.test(check.text(path, value));
  const steps = value.split(/[.[]/).length;
  if (!isPath || steps > MAX_JSON_STEPS)
    check.wrong(path, "a path such as '$.user.email', '$.list[*].id' or '**.password'", value);
  return value;
}

/** A condition, as a list of tests. */
function condition(path, value, also = [], depth = 0) {
  const given = check.members(path, value, [...Object.keys(TESTS), ...also]);
  for (const name of also) given.delete(name);
  if (given.size === 0)
    throw new Error(`Configuration: ${path} is invalid, a condition that asks for nothing holds for every span`);
  if (depth > MAX_CONDITIONS) check.wrong(path, `${MAX_CONDITIONS} conditions inside each other at most`, value);
  return [...given].flatMap(([name, member]) => TESTS[name](`${path}.${name}`, member, depth));
}

const TESTS = {
  name: (path, value) => [{ type: 'name', globs: check.textOrTexts(path, value) }],
  scopeName: (path, value) => [{ type: 'scopeName', globs: check.textOrTexts(path, value) }],
  status: (path, value) => [{ type: 'status', codes: codes(path, value, STATUSES, 0) }],
  // OTLP counts from 1, because 0 is no kind.
  kind: (path, value) => [{ type: 'kind', codes: codes(path, value, KINDS, 1) }],
  durationMillis: (path, value) => [{ type: 'durationMillis', range: range(path, value) }],
  attributes: (path, value) => valueTests(path, value, 'attribute'),
  resource: (path, value) => valueTests(path, value, 'resource'),
  not: (path, value, depth) => [{ type: 'not', tests: condition(path, value, [], depth + 1) }],
};

const codes = (path, value, words, first) =>
  check.someOf(path, value, words).map((word) => words.indexOf(word) + first);

function range(path, value) {
  const given = check.members(path, value, ['over', 'under']);
  if (given.size === 0) check.wrong(path, 'over, under or both', value);
  for (const [name, limit] of given) check.number(`${path}.${name}`, limit);
  return { over: given.get('over'), under: given.get('under') };
}

function valueTests(path, value, type) {
  const given = check.members(path, value);
  if (given.size === 0) check.wrong(path, 'an object that is not empty', value);
  return [...given].map(([key, wanted]) => {
    const at = `${path}['${check.shown(key)}']`;
    return { type, key: check.text(at, key), test: valueTest(at, wanted) };
  });
}

function valueTest(path, value) {
  if (check.isList(value)) return { type: 'any', values: check.list(path, value, check.simple) };
  if (typeof value !== 'object') return { type: 'any', values: [check.simple(path, value)] };
  const given = check.members(path, value, ['exists', 'over', 'under']);
  if (!given.has('exists')) return { type: 'range', range: range(path, value) };
  if (given.size > 1) check.wrong(path, 'exists alone', value);
  return { type: 'exists', wanted: check.boolean(`${path}.exists`, given.get('exists')) };
}

function dropRule(path, value, prefix) {
  const given = check.members(path, value, [...Object.keys(TESTS), 'scope']);
  if (given.get('scope') === 'trace') check.unsupported(`${path}.scope`, "expected 'span'");
  if (given.has('scope')) check.oneOf(`${path}.scope`, given.get('scope'), ['span']);
  return { name: path.replace(/^process\./, prefix), tests: condition(path, Object.fromEntries(given), ['scope']) };
}

function attributeRule(path, value, prefix) {
  const given = check.members(path, value, ['in', 'where', 'value', 'to', ...CHANGES]);
  const changes = CHANGES.filter((name) => given.has(name));
  if (changes.length !== 1) check.wrong(path, `one of ${CHANGES.join(', ')}`, value);
  const [type] = changes;
  const parts = given.has('in') ? check.someOf(`${path}.in`, given.get('in'), ATTRIBUTE_PARTS) : ['attributes'];
  const where = given.has('where') ? condition(`${path}.where`, given.get('where')) : null;
  if (where !== null && parts.some((part) => part === 'resource' || part === 'scope'))
    throw new Error(
      `Configuration: ${path} is invalid, resource and scope belong to many spans, so that where cannot choose`,
    );
  const key = check.text(`${path}.${type}`, given.get(type));
  const needs = { insert: 'value', update: 'value', upsert: 'value', rename: 'to', copy: 'to' }[type];
  for (const name of ['value', 'to']) {
    if (name !== needs && given.has(name))
      throw new Error(`Configuration: ${path}.${name} is unknown, ${type} takes ${needs ?? 'none'}`);
  }
  const argument = needs === undefined ? null : ARGUMENTS[needs](`${path}.${needs}`, given.get(needs));
  return { name: path.replace(/^process\./, prefix), parts, where, type, key, argument };
}

const ARGUMENTS = { value: check.simple, to: check.text };

module.exports = { attributeRule, dropRule, redactRules };
