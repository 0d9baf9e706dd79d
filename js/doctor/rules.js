'use strict';
// Owns the rules of `process` that are in force: those of the variables and of the file that `--rules` names, which stands for the
// option in code. Refuses to show a value: of a rule only its name, its keys and what it does, of a condition its keys.

const fs = require('node:fs');
const path = require('node:path');
const { asksForProcess, MAX_FILE_BYTES, parsed, readEnvironment } = require('../config/process.js');
const { shown } = require('../config/process/checks.js');
const { compileProcess, effectiveRules } = require('../config/process/compile.js');
const { PARTS } = require('../config/process/vocabulary.js');
const { foreign, HIDDEN } = require('./secrets.js');

const MOST_SHOWN = 8;
const WORDS = ['rules_invalid', 'the constructor of an exporter throws this'];

/**
 * @param {string | undefined} file that `--rules` names
 * @returns {{ inCode: object | undefined } | null} null where they cannot be read
 */
function examineRules(section, file, hasBinding) {
  const variable = process.env.OFFLOOP_PROCESS?.trim() ? 'OFFLOOP_PROCESS' : 'OFFLOOP_PROCESS_FILE';
  let inCode;
  try {
    inCode = file === undefined ? undefined : readRules(file);
    const inEnvironment = readEnvironment();
    const rules = effectiveRules(inCode, inEnvironment);
    if (hasBinding) compileProcess(inCode, inEnvironment);
    tell(section, rules, (isOfCode) => (isOfCode === null ? 'default' : isOfCode ? '--rules' : variable));
  } catch (error) {
    section.problem(WORDS[0], foreign(error.message), error.remedy ?? WORDS[1]);
    return null;
  }
  return { inCode };
}

function readRules(file) {
  const refuse = (why, remedy) => {
    throw Object.assign(new Error(`--rules: ${why}`), { remedy });
  };
  let text;
  try {
    const { size } = fs.statSync(file);
    if (size > MAX_FILE_BYTES) refuse('the file is larger than 1 MiB', 'rules have 1 MiB at most');
    text = fs.readFileSync(path.resolve(file), 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error.remedy !== undefined) throw error;
    refuse(`the file cannot be read (${error.code})`, 'name a file that is there and may be read');
  }
  const rules = parsed(text);
  if (rules === null || typeof rules !== 'object' || Array.isArray(rules))
    refuse('the file is no JSON of an object', 'write the object that process is, as for OFFLOOP_PROCESS_FILE');
  return rules;
}

function tell(section, { marker, key, drop, stages, attributes }, sourceOf) {
  const rules = [
    ...drop.map((rule) => [rule, `drops spans: ${conditionOf(rule.tests)}`]),
    ...stages.flat().map((rule) => [rule, redactionOf(rule)]),
    ...attributes.map((rule) => [rule, changeOf(rule)]),
  ];
  if (rules.length === 0) {
    section.note('rules_none', 'no rule is in force: spans leave as they are', null);
    return;
  }
  section.fact('marker', shown(marker.value), sourceOf(marker.isOfCode));
  if (key.value !== undefined) section.fact('hashKey', HIDDEN, sourceOf(key.isOfCode));
  for (const [rule, text] of rules) section.fact(shown(rule.name), text, sourceOf(rule.isOfCode));
}

function listOf(items) {
  const rest = items.length - MOST_SHOWN;
  return items.slice(0, MOST_SHOWN).map(shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function redactionOf({ parts, ignoreCase, keepType, keys, except, unless, detectors, action }) {
  const words = [
    keys.length > 0 && `keys ${listOf(keys)}`,
    detectors.length > 0 && `match ${listOf(detectors)}`,
    `action ${actionOf(action)}`,
    parts.length < PARTS.length && `in ${parts.join(', ')}`,
    except.length > 0 && `except ${listOf(except)}`,
    unless.length > 0 && `unless ${unless.length} ${unless.length === 1 ? 'text' : 'texts'}`,
    ignoreCase && 'ignoreCase',
    keepType && 'keepType',
  ];
  return words.filter(Boolean).join('; ');
}

function actionOf({ type, length, dialect, names, mask, hash, keep }) {
  if (type === 'truncate') return `truncate ${length}`;
  if (type === 'sql') return `sql ${dialect}`;
  if (type === 'url') return names.length === 0 ? 'url' : `url ${listOf(names)}`;
  if (type !== 'json') return type;
  const lists = [mask.length > 0 && `mask ${listOf(mask)}`, hash.length > 0 && `hash ${listOf(hash)}`];
  return ['json', ...lists.filter(Boolean), ...(keep === null ? [] : [`keep ${listOf(keep)}`])].join(' ');
}

function changeOf({ parts, where, type, key, argument }) {
  const to = argument === null ? '' : typeof argument === 'string' ? ` to ${shown(argument)}` : ` = ${HIDDEN}`;
  const rest = [
    parts.join() !== 'attributes' && `in ${parts.join(', ')}`,
    where !== null && `where ${conditionOf(where)}`,
  ];
  return [`${type} ${shown(key)}${to}`, ...rest.filter(Boolean)].join('; ');
}

const conditionOf = (tests) => tests.map((test) => TESTS[test.type](test)).join(' and ');
const limits = ({ over, under }) =>
  [over !== undefined && `over ${over}`, under !== undefined && `under ${under}`].filter(Boolean).join(' ');
const outcomeOf = ({ type, wanted }) => (type === 'exists' ? (wanted ? 'exists' : 'is absent') : `is ${HIDDEN}`);

const TESTS = {
  name: ({ globs }) => `name ${listOf(globs)}`,
  scopeName: ({ globs }) => `scopeName ${listOf(globs)}`,
  status: ({ codes }) => `status ${codes.map((code) => ['unset', 'ok', 'error'][code]).join(', ')}`,
  kind: ({ codes }) =>
    `kind ${codes.map((code) => ['', 'internal', 'server', 'client', 'producer', 'consumer'][code]).join(', ')}`,
  durationMillis: ({ range }) => `durationMillis ${limits(range)}`,
  attribute: ({ key, test }) => `attribute ${shown(key)} ${outcomeOf(test)}`,
  resource: ({ key, test }) => `resource ${shown(key)} ${outcomeOf(test)}`,
  not: ({ tests }) => `not (${conditionOf(tests)})`,
};

/** Whether there is anything to say of rules. */
function isAboutRules({ rules, trial }) {
  return rules !== undefined || trial !== undefined || asksForProcess();
}

module.exports = { examineRules, isAboutRules };
