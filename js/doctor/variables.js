'use strict';
// Owns what variables of the SDK and of Offloop do before a span reaches an exporter: switch everything off, send it elsewhere,
// sample nothing, or nothing at all because of a typing error.
// It refuses to show a value that is not one of the known ones.

const { nearest } = require('../command/nearest.js');
const { misspeltRules, OFFLOOP_NAMES } = require('../config/own_variables.js');
const { shown } = require('../config/process/checks.js');
const { LEVELS } = require('../otel/stderr_lines.js');

/** Variables of the SDK that are looked at; exporters do not read them. */
const SDK_VARIABLES = [
  'OTEL_SDK_DISABLED',
  'OTEL_TRACES_EXPORTER',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_LOG_LEVEL',
];
const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'];
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [name, `parentbased_${name}`]);
const LOG_LEVELS = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'];
const OTHER_VALUES = ['true', 'false', 'on', 'off', 'stock', 'otlp', 'console', 'zipkin', 'jaeger'];
const KNOWN_VALUES = new Set([...PROTOCOLS, ...SAMPLERS, ...LOG_LEVELS, ...OTHER_VALUES]);
const RARE = 0.01; // less than one trace in a hundred looks like nothing at all
/** Parts of the names of variables of exporters, all signals included. */
const OTLP_PARTS =
  'ENDPOINT HEADERS TIMEOUT COMPRESSION PROTOCOL INSECURE CERTIFICATE CLIENT_CERTIFICATE CLIENT_KEY'.split(' ');

const textOf = (env, name) => env[name]?.trim() || undefined;

/** Which class the SDK makes by the variables, and which of them says so; without one the first. */
function protocolOf(env) {
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'])
    if (PROTOCOLS.includes(textOf(env, name))) return { protocol: textOf(env, name), source: name };
  return { protocol: PROTOCOLS[0], source: 'default' };
}

function examineVariables(section, env) {
  for (const name of [...SDK_VARIABLES, ...OFFLOOP_NAMES.map((each) => `OFFLOOP_${each}`)])
    if (textOf(env, name) !== undefined) section.fact(name, shownValue(name, textOf(env, name)));
  findSwitches(section, env);
  findSampler(section, env);
  if (LOG_LEVELS.indexOf(textOf(env, 'OTEL_LOG_LEVEL')?.toLowerCase()) < 1) {
    const text = 'OTEL_LOG_LEVEL is not set to a level: what Offloop tells the diagnostic logger is not shown';
    section.note('log_level', text, 'set it to info with NodeSDK, or call diag.setLogger()');
  }
  findUnknown(section, env);
  findNames(section, env);
}

function shownValue(name, text) {
  if (name.startsWith('OFFLOOP_PROCESS')) return 'set';
  const isKnown = /_(ARG|MILLIS)$/.test(name)
    ? !Number.isNaN(Number(text))
    : text.split(',').every((word) => KNOWN_VALUES.has(word.trim().toLowerCase()));
  return isKnown ? text : 'a value that is not known';
}

function findSwitches(section, env) {
  if (textOf(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') {
    section.problem('sdk_disabled', 'OTEL_SDK_DISABLED=true: the SDK makes no spans', 'unset it');
  }
  const exporters = textOf(env, 'OTEL_TRACES_EXPORTER')
    ?.split(',')
    .map((each) => each.trim());
  if (exporters?.includes('none')) {
    const text = 'OTEL_TRACES_EXPORTER has none in it: NodeSDK exports no spans';
    section.problem('exporter_none', text, 'unset it, or set it to otlp');
  } else if (exporters !== undefined && !exporters.includes('otlp')) {
    const text = 'OTEL_TRACES_EXPORTER does not name otlp: NodeSDK makes no OTLP exporter that Offloop could replace';
    section.warn('exporter_other', text, 'add otlp, unless the exporter is made in code');
  }
}

function findSampler(section, env) {
  const sampler = textOf(env, 'OTEL_TRACES_SAMPLER');
  if (sampler === undefined) return;
  const root = sampler.replace(/^parentbased_/, '');
  const given = textOf(env, 'OTEL_TRACES_SAMPLER_ARG');
  const ratio = root === 'traceidratio' && given !== undefined ? Number(given) : 1;
  const remedy = 'unset OTEL_TRACES_SAMPLER, or set it to parentbased_always_on';
  if (!SAMPLERS.includes(sampler)) {
    const meant = nearest(sampler, SAMPLERS);
    const text = 'OTEL_TRACES_SAMPLER names no sampler that is known, and the SDK takes its default';
    section.warn('sampler_unknown', text, meant === null ? remedy : `did you mean ${meant}?`);
  } else if (root === 'always_off' || ratio === 0) {
    const whose = root === sampler ? 'every trace' : 'every trace that begins here';
    section.problem(
      'sampler_off',
      `OTEL_TRACES_SAMPLER=${sampler}${ratio === 0 ? ' with 0' : ''} drops ${whose}`,
      remedy,
    );
  } else if (!(ratio >= 0 && ratio <= 1)) {
    section.warn('sampler_argument', 'OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1', 'correct it');
  } else if (ratio < RARE) {
    section.note('sampler_rare', `OTEL_TRACES_SAMPLER_ARG=${ratio}: nearly every trace is dropped`, null);
  }
}

/** Values that none of the known ones is. */
function findUnknown(section, env) {
  for (const [name, values] of [
    ['OFFLOOP_FALLBACK', ['stock']],
    ['OFFLOOP_LOG', Object.keys(LEVELS)],
    ['OFFLOOP_REGISTER', ['off', 'on']],
    ['OFFLOOP_EVENT_LOOP_MONITOR', ['on', 'off']],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', PROTOCOLS],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', PROTOCOLS],
  ]) {
    const text = textOf(env, name)?.toLowerCase();
    if (text === undefined || values.includes(text)) continue;
    section.warn('value_unknown', `${name} has a value that is not known`, `it may be ${values.join(' or ')}`);
  }
}

/** Names that nobody reads. */
function findNames(section, env) {
  const signals = ['', 'TRACES_', 'METRICS_', 'LOGS_'];
  const otlp = signals.flatMap((signal) => OTLP_PARTS.map((part) => `OTEL_EXPORTER_OTLP_${signal}${part}`));
  const own = OFFLOOP_NAMES.map((name) => `OFFLOOP_${name}`);
  const ofRules = misspeltRules(env);
  for (const name of ofRules) {
    const text = `${shown(name)} looks like rules of process and is read by nobody: exporters refuse to be made`;
    section.problem('variable_refused', text, 'set OFFLOOP_PROCESS or OFFLOOP_PROCESS_FILE, or unset it');
  }
  for (const name of Object.keys(env).sort()) {
    if (ofRules.includes(name)) continue;
    const known = name.startsWith('OFFLOOP_') ? own : otlp;
    if (!/^(OFFLOOP_|OTEL_EXPORTER_OTLP_)/.test(name) || known.includes(name)) continue;
    const meant = nearest(name, known);
    // Other languages and signals have variables of exporters that are nobody's mistake.
    if (known === otlp && meant === null) continue;
    const shown = /^\w{1,80}$/.test(name) ? name : 'a variable';
    section.warn('variable_unknown', `${shown} is read by nobody`, meant === null ? null : `did you mean ${meant}?`);
  }
}

module.exports = { examineVariables, protocolOf, PROTOCOLS, SDK_VARIABLES };
