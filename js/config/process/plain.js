'use strict';
// Owns the plain form of rules, which native code compiles: words, one after the other, lists with their length in front.
// `src/process/plain.rs` reads it in the same order.

/** @param {{ marker: string, drop: object[], stages: object[][], attributes: object[] }} rules as rules.js gives them */
function plainForm({ marker, drop, stages, attributes }) {
  return [
    marker,
    ...many(drop, ({ name, tests }) => [name, ...condition(tests)]),
    ...many(stages, (rules) => many(rules, redactRule)),
    ...many(attributes, attributeRule),
  ];
}

const many = (items, words) => [String(items.length), ...items.flatMap(words)];
const texts = (items) => many(items, (item) => [String(item)]);

function redactRule({ name, parts, ignoreCase, keepType, keys, except, unless, detectors, action }) {
  const lists = [keys, except, unless, detectors].flatMap(texts);
  return [
    name,
    ...texts(parts),
    String(ignoreCase),
    String(keepType),
    ...lists,
    action.type,
    ...ACTIONS[action.type](action),
  ];
}

const none = () => [];

const ACTIONS = {
  allow: none,
  delete: none,
  mask: none,
  hash: none,
  truncate: ({ length }) => [String(length)],
  sql: ({ dialect }) => [dialect],
  url: ({ names }) => texts(names),
  json: ({ mask, hash, keep }) => [
    ...texts(mask),
    ...texts(hash),
    ...(keep === null ? ['false'] : ['true', ...texts(keep)]),
  ],
};

const condition = (tests) => many(tests, (test) => [test.type, ...TESTS[test.type](test)]);

const TESTS = {
  name: ({ globs }) => texts(globs),
  scopeName: ({ globs }) => texts(globs),
  status: ({ codes }) => texts(codes),
  kind: ({ codes }) => texts(codes),
  durationMillis: (test) => range(test),
  attribute: ({ key, test }) => [key, test.type, ...VALUES[test.type](test)],
  resource: ({ key, test }) => [key, test.type, ...VALUES[test.type](test)],
  not: ({ tests }) => condition(tests),
};

const VALUES = {
  exists: ({ wanted }) => [String(wanted)],
  range: (test) => range(test),
  any: ({ values }) => many(values, simple),
};

const range = ({ range: { over, under } }) => [over, under].map((limit) => (limit === undefined ? '' : String(limit)));
const simple = ({ type, value }) => [type, String(value)];

function attributeRule({ name, parts, where, type, key, argument }) {
  const chosen = where === null ? ['false'] : ['true', ...condition(where)];
  const rest = argument === null ? [] : typeof argument === 'string' ? [argument] : simple(argument);
  return [name, ...texts(parts), ...chosen, type, key, ...rest];
}

module.exports = { plainForm };
