'use strict';
// Owns which variables of ours there are, and what is said of one that there is not: who misspelt it would not know.
// Refuses to look at values, and to go on where the name looks like rules of `process`: spans would leave as they are.

const { getEnvironmentData, setEnvironmentData } = require('node:worker_threads');
const { editsBetween } = require('./options/edits.js');
const { contained, ignore } = require('../guards/user_code.js');

const PREFIX = 'OFFLOOP_';
/** Names behind the prefix; a test compares them with the code. */
const OFFLOOP_NAMES = [
  'EVENT_LOOP_MONITOR',
  'EVENT_LOOP_THRESHOLD_MILLIS',
  'FALLBACK',
  'LOG',
  'PROCESS',
  'PROCESS_FILE',
  'REGISTER',
];
const OF_RULES = [`${PREFIX}PROCESS`, `${PREFIX}PROCESS_FILE`];
/** Of tests, benchmarks and the demonstration of this repository. */
const OF_THE_REPOSITORY = /^OFFLOOP_(TEST|BENCH|DEMO|LATE|LIVES|LIFECYCLE|PEER|WEATHER|WINE|CHROMIUM|UPDATE)(_|$)/;
/** Kubernetes sets them for a service that is called `offloop` or `offloop-…`. */
const OF_A_SERVICE = /_(SERVICE_(HOST|PORT)|PORT)(_|$)/;
/** Docker sets them for a link to a container with such a name, besides those above. */
const OF_A_LINK = /_ENV_|(?<!_FILE)_NAME$/;
/** Near to ours, and words of their own. */
const OTHER_WORDS = /^OFFLOOP_(PRICES|PROGRESS)$|^OFFLOAD_/;
const SHELL_NAME = /^\w{1,80}$/;
const MOST_EDITS = 2; // for rules
const MOST_TOLD = 8;
const TOLD = 'offloop.variables.1'; // workers get what the thread that starts them has

/**
 * @returns {string[]} variables that are set, that nobody reads and that look like rules
 */
function misspeltRules(env = process.env) {
  return Object.keys(env).filter((name) => looksLikeRules(name.toUpperCase(), name) && isSet(env, name));
}

function looksLikeRules(upper, name) {
  // Windows knows no case; elsewhere nobody reads a name in other letters.
  if (OF_RULES.includes(upper)) return upper !== name && process.platform !== 'win32';
  if ([OF_A_SERVICE, OF_A_LINK, OTHER_WORDS].some((each) => each.test(upper))) return false;
  if (upper.startsWith(`${PREFIX}REDACT`)) return true;
  if (upper.startsWith(OF_RULES[0])) return !/^PROCESSORS?$/.test(upper.slice(PREFIX.length));
  return upper.startsWith('O') && OF_RULES.some((known) => editsOf(upper, known) <= MOST_EDITS);
}

function editsOf(name, known) {
  return Math.abs(name.length - known.length) > MOST_EDITS ? Number.POSITIVE_INFINITY : editsBetween(name, known);
}

const isSet = (env, name) => String(env[name] ?? '').trim() !== '';

/** @throws {Error} naming the variable that looks like rules */
function refuseMisspeltRules() {
  const [name] = contained(ignore, misspeltRules) ?? [];
  if (name === undefined) return;
  const { shown } = require('./process/checks.js');
  const upper = name.toUpperCase();
  const meant = editsOf(upper, OF_RULES[1]) <= MOST_EDITS ? OF_RULES[1] : OF_RULES[0];
  throw new Error(
    `Configuration: ${shown(name)} is invalid, expected rules in ${meant} (actual: an unknown variable that looks like rules)`,
  );
}

/** Variables of ours that are set and that nobody reads. */
function unknownVariables(env = process.env) {
  const known = new Set(OFFLOOP_NAMES.map((name) => PREFIX + name));
  const isUnknown = (name) =>
    name.startsWith(PREFIX) && !known.has(name) && !OF_THE_REPOSITORY.test(name) && !OF_A_SERVICE.test(name);
  return Object.keys(env).filter((name) => isUnknown(name) && isSet(env, name));
}

/** Tells of them, once in a process. */
function tellUnknownVariables() {
  contained(ignore, () => {
    const names = unknownVariables();
    if (names.length === 0 || getEnvironmentData(TOLD) === true) return;
    setEnvironmentData(TOLD, true);
    const { diag } = require('../otel/diag.js');
    const { nearest } = require('../command/nearest.js');
    for (const name of names.slice(0, MOST_TOLD)) {
      const shown = SHELL_NAME.test(name) ? name : 'a variable that begins with OFFLOOP_';
      const meant = nearest(
        name,
        OFFLOOP_NAMES.map((each) => PREFIX + each),
      );
      const question = meant === null ? '' : `, did you mean '${meant}'?`;
      diag.warn(`Configuration: ${shown} is unknown and will be ignored${question}`);
    }
    const more = names.length - MOST_TOLD;
    if (more > 0) diag.warn(`Configuration: ${more} more variables that begin with ${PREFIX} are unknown`);
  });
}

module.exports = { misspeltRules, OFFLOOP_NAMES, refuseMisspeltRules, tellUnknownVariables };
