'use strict';
// Owns `offloop doctor`: what is looked at, in which order, and how it is printed. It needs no native addon.
// It refuses to change anything, and to send anything but the probe.

const { readArguments, USAGE } = require('./arguments.js');
const { examineDirectory } = require('./directory.js');
const { findProject } = require('./installed.js');
const { record } = require('./log_lines.js');
const { examinePackages } = require('./packages.js');
const { examinePreloads } = require('./preloads.js');
const { probe } = require('./probe.js');
const { Report } = require('./report.js');
const { examineRules, isAboutRules } = require('./rules.js');
const { examineRuntime } = require('./runtime.js');
const { noteSecretsOfUrl } = require('./secrets.js');
const { examineExporter, examineOthers, noteSecretsOfVariables } = require('./settings.js');
const { isColoured, toText } = require('./text.js');
const { examineProxies, examineTrust } = require('./trust.js');
const { examineVariables, protocolOf } = require('./variables.js');
const { version } = require('../../package.json');

/** @param {string[]} words of the command line  @returns {Promise<number>} the exit code */
async function run(words) {
  const options = readArguments(words);
  if (options.isHelp) {
    process.stdout.write(USAGE);
    return 0;
  }
  const report = await examine(options);
  const isPlain = !isColoured(process.stdout, process.env);
  process.stdout.write(options.isJson ? `${JSON.stringify(report, null, 2)}\n` : toText(report, !isPlain));
  return report.healthy ? 0 : 1;
}

async function examine({ endpoint, protocol: wantedProtocol, directory, rules, trial, isProbed, ...options }) {
  const { env } = process;
  record();
  noteSecretsOfVariables();
  for (const [name, value] of Object.entries(env)) if (/_proxy$/i.test(name)) noteSecretsOfUrl(value);
  if (endpoint !== undefined) noteSecretsOfUrl(endpoint);
  const chosen = wantedProtocol === undefined ? protocolOf(env) : { protocol: wantedProtocol, source: '--protocol' };
  const report = new Report();
  const section = (id, title) => report.section(id, title);

  const hasBinding = examineRuntime(section('runtime', 'Runtime'));
  const project = findProject(process.cwd());
  examinePackages(section('packages', 'Packages of the project'), project);
  examinePreloads(section('register', 'offloop/register'), env, Object(project.manifest.scripts));
  examineVariables(section('variables', 'Variables of the SDK and of Offloop'), env);
  const configs = {};
  for (const [id, protocol, title] of [
    ['http', 'http/protobuf', 'Exporters over HTTP (http/protobuf, http/json), without options in code'],
    ['grpc', 'grpc', 'Exporter over gRPC, without options in code'],
  ]) {
    const isMeant = (protocol === 'grpc') === (chosen.protocol === 'grpc');
    configs[id] = examineExporter(section(id, title), { protocol, endpoint, isMeant });
  }
  examineOthers(section('others', 'Other options that variables set'));
  examineTrust(section('trust', 'TLS'), env);
  examineProxies(section('proxies', 'Proxies'), env, configs);
  if (directory !== undefined) examineDirectory(section('directory', 'Directory of FileSpanExporter'), directory);
  if (isAboutRules({ rules, trial })) {
    const read = examineRules(section('rules', 'Rules of process'), rules, hasBinding);
    // Loaded here: it loads the exporter, which needs the addon.
    if (trial !== undefined && read !== null)
      await require('./trial.js').tryRules(section, { file: trial, ...read, hasBinding });
  }
  if (isProbed) {
    const wanted = { ...options, ...chosen, endpoint, hasBinding, hasDirectory: directory !== undefined };
    await probe(section('probe', 'Endpoint'), wanted);
  }
  return report.finish({ version });
}

module.exports = { run };
