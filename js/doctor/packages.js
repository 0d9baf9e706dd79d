'use strict';
// Owns what is said of the packages of a project: which stock classes `offloop/register` would replace, whether their versions
// were tested, which copies of the API there are and whether they see each other.
// It refuses to load them: a copy of the API that is loaded registers itself.

const path = require('node:path');
const { SUBSTITUTES } = require('../register/substitutes.js');
const { findCopies } = require('./installed.js');

const API = '@opentelemetry/api';
const SELF = 'offloop';
const SHOWN = 3;

/** Package -> lowest and highest version that the tests of this version of Offloop run with; a test compares. */
const TESTED = {
  '@opentelemetry/exporter-trace-otlp-proto': ['0.57.2', '0.301.1'],
  '@opentelemetry/exporter-trace-otlp-http': ['0.57.2', '0.301.0'],
  '@opentelemetry/exporter-trace-otlp-grpc': ['0.57.2', '0.301.0'],
  '@opentelemetry/otlp-grpc-exporter-base': ['0.57.2', '0.301.0'],
  '@opentelemetry/sdk-trace': ['2.12.0', '3.1.1'],
  '@opentelemetry/sdk-trace-base': ['1.30.1', '2.12.1'],
  '@opentelemetry/sdk-trace-node': ['2.12.0', '2.12.0'],
};
/** Whoever asks for one of these registers its copy of the API for the whole process. */
const SDKS = [
  '@opentelemetry/sdk-node',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace',
];

/** @param {{ directory: string, manifest: object }} project as `findProject` gives it */
function examinePackages(section, project) {
  section.fact('project', project.directory);
  const wanted = (name) => Object.hasOwn(SUBSTITUTES, name) || name === API || name === SELF;
  const { copies, isComplete } = findCopies(project, wanted);
  const shown = (directory) => path.relative(project.directory, directory) || '.';
  for (const name of Object.keys(SUBSTITUTES))
    for (const copy of copies.get(name) ?? []) tellStock(section, name, copy, shown);
  if (!Object.keys(SUBSTITUTES).some((name) => copies.has(name))) {
    const text = 'no package is installed here whose classes offloop/register would replace';
    section.note('no_stock_package', text, 'run the command in the directory of the application');
  }
  tellApi(section, copies.get(API) ?? [], shown);
  tellSelf(section, copies.get(SELF) ?? [], shown);
  if (!isComplete) section.note('packages_incomplete', 'there are too many packages to look at all of them');
  if (process.versions.pnp !== undefined) {
    section.note('plug_and_play', "packages of Yarn's Plug'n'Play are not looked at");
  }
}

function tellStock(section, name, { directory, name: ownName, version }, shown) {
  const classes = Object.keys(SUBSTITUTES[name]).join(', ');
  if (ownName !== name) {
    section.fact(name, `${ownName} ${version}, which takes its place`, shown(directory));
    return;
  }
  const [lowest, highest] = TESTED[name];
  const isTested = compare(version, lowest) >= 0 && compare(version, highest) <= 0;
  section.fact(name, `${version} (${isTested ? 'tested' : 'not tested'}): ${classes}`, shown(directory));
  if (isTested) return;
  const range = lowest === highest ? lowest : `${lowest} to ${highest}`;
  section.note('untested_version', `${name} ${version} is outside what was tested (${range})`);
}

/**
 * All copies share what is registered. The first that registers anything says which version that is, a copy that is newer sees
 * nothing, and a copy of another version cannot add anything.
 */
function tellApi(section, copies, shown) {
  for (const { directory, version, askedBy } of copies)
    section.fact(API, `${version}, for ${listed(askedBy)}`, shown(directory));
  const versions = [...new Set(copies.map(({ version }) => version))].sort(compare);
  if (versions.length < 2) return;
  const ofSdk = copies.find(({ askedBy }) => SDKS.some((name) => askedBy.has(name)));
  const blind = copies.filter(({ version }) => ofSdk !== undefined && isBlind(version, ofSdk.version));
  const text = `there are copies of ${API} in versions ${versions.join(' and ')}`;
  const remedy = `have one: npm ls ${API} says who asks for which, npm dedupe or "overrides" in package.json ends it`;
  if (blind.length === 0) {
    section.warn('api_copies', `${text}: what one has registered, another may not replace`, remedy);
    return;
  }
  const [{ version, askedBy }] = blind;
  const effect = `the SDK registers with ${ofSdk.version}, and ${version}, for ${listed(askedBy)}, does not see it: their spans are lost`;
  section.problem('api_copies', `${text}: ${effect}`, remedy);
}

/** Whether a copy of `version` ignores what was registered by `registered`: its major is another one, or its minor is newer. */
function isBlind(version, registered) {
  const [major, minor] = numbersOf(version);
  const [registeredMajor, registeredMinor] = numbersOf(registered);
  return major !== registeredMajor || minor > registeredMinor;
}

function tellSelf(section, copies, shown) {
  for (const { directory, version, askedBy } of copies)
    section.fact(SELF, `${version}, for ${listed(askedBy)}`, shown(directory));
  if (copies.length < 2) return;
  const text = `there are ${copies.length} copies of ${SELF}: BatchSpanProcessor works with exporters of its own copy only`;
  section.warn('own_copies', text, `have one: npm ls ${SELF} says who asks for which`);
}

function listed(names) {
  const all = [...names];
  const more = all.length - SHOWN;
  return more > 0 ? `${all.slice(0, SHOWN).join(', ')} and ${more} more` : all.join(', ');
}

const numbersOf = (version) => (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);

function compare(left, right) {
  const [from, to] = [numbersOf(left), numbersOf(right)];
  for (let at = 0; at < 3; at++) if ((from[at] ?? 0) !== (to[at] ?? 0)) return (from[at] ?? 0) - (to[at] ?? 0);
  return 0;
}

module.exports = { examinePackages, TESTED };
