'use strict';
// Owns whether `offloop/register` is loaded, and before what: flags of NODE_OPTIONS and of the scripts of package.json.
// It refuses to run or to load anything that is named there.

/** A module that starts OpenTelemetry, by its name. */
const TELEMETRY = /opentelemetry|\botel|telemetry|tracing|instrument/i;
const REGISTER = /(?:^|[\\/])offloop[\\/](?:register$|.*\bentries[\\/]register\.js$)/;
const FLAG = /^(?:(-r|--require|--import)(?:=(.*))?)$/s;

/** Words as Node takes NODE_OPTIONS apart: at blanks, with double quotes around words that have some. */
function wordsOf(text) {
  const words = [];
  for (const [, quoted, plain] of text.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/gs))
    words.push(quoted === undefined ? plain : quoted.replace(/\\(.)/gs, '$1'));
  return words;
}

/** Modules that are loaded before the program, in the order in which Node loads them: all of --require come first. */
function preloadsOf(words) {
  const found = [];
  for (let at = 0; at < words.length; at++) {
    const [, flag, inline] = FLAG.exec(words[at]) ?? [];
    if (flag === undefined) continue;
    const name = inline ?? words[++at];
    if (name) found.push({ isImport: flag === '--import', name });
  }
  return [...found.filter(({ isImport }) => !isImport), ...found.filter(({ isImport }) => isImport)];
}

const isRegister = ({ name }) => REGISTER.test(name.replace(/^file:\/+/, '/'));

/** What is loaded before `offloop/register`; null if that is not loaded at all. */
function loadedBefore(preloads) {
  const at = preloads.findIndex(isRegister);
  return at === -1 ? null : preloads.slice(0, at);
}

/**
 * @param {object} section
 * @param {NodeJS.ProcessEnv} env
 * @param {Record<string, unknown>} scripts of the package.json of the project
 */
function examinePreloads(section, env, scripts) {
  const places = [['NODE_OPTIONS', wordsOf(env.NODE_OPTIONS ?? '')]];
  for (const [name, command] of Object.entries(scripts))
    if (typeof command === 'string') places.push([`script ${name}`, wordsOf(command)]);
  let isLoaded = false;
  for (const [place, words] of places) {
    const preloads = preloadsOf(words);
    const before = loadedBefore(preloads);
    if (before === null) continue;
    isLoaded = true;
    section.fact(
      `offloop/register in ${place}`,
      before.length === 0 ? 'first' : `behind ${before.map(({ name }) => name).join(', ')}`,
    );
    findLate(section, place, before, preloads.find(isRegister));
  }
  if (!isLoaded) section.fact('offloop/register', 'neither in NODE_OPTIONS nor in a script of package.json');
  else if (env.OFFLOOP_REGISTER?.trim().toLowerCase() === 'off') {
    section.warn('register_off', 'OFFLOOP_REGISTER=off: offloop/register replaces nothing', 'unset it');
  }
}

function findLate(section, place, before, register) {
  const sdk = before.find(({ name }) => TELEMETRY.test(name));
  if (before.length === 0) return;
  const remedy =
    register.isImport && before.some(({ isImport }) => !isImport)
      ? 'Node runs every --require before any --import: give it as --require offloop/register, in front of the others'
      : 'put offloop/register in front of it';
  const text = `${place} loads ${(sdk ?? before[0]).name} before offloop/register, which replaces only what is loaded after it`;
  section.find(sdk === undefined ? 'note' : 'problem', 'register_late', text, remedy);
}

module.exports = { examinePreloads, preloadsOf, wordsOf };
