'use strict';
// Owns the effective configuration of the exporters, and where each value is from: a variable, an option of the command, or the
// default. What counts is found by asking the code that reads variables, once for each that may be the source.
// It refuses to know options in code: they come before all of these, and no command sees them.

const { PREFIX, readEnvironment } = require('../config/environment.js');
const { resolveConfig } = require('../config/resolve_config.js');
const { readVariable } = require('../config/options/read.js');
const { OPTIONS, VARIABLES } = require('../config/options/table.js');
const { findLines, silently } = require('./log_lines.js');
const { foreign, HIDDEN, noteSecret, noteSecretsOfHeaders, noteSecretsOfUrl, shownUrl } = require('./secrets.js');

const SIGNAL = 'TRACES';
const RESOURCE_PATH = 'v1/traces';
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
const FILES = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' };

/** The variables of `name`, the one that comes first in front. */
const variablesOf = (name) => [`${PREFIX}${SIGNAL}_${name}`, `${PREFIX}${name}`];

/** What the variables hold that must not show. */
function noteSecretsOfVariables() {
  const each = (name, note) => {
    for (const variable of variablesOf(name)) if (process.env[variable]) note(process.env[variable]);
  };
  each('ENDPOINT', noteSecretsOfUrl);
  each('HEADERS', noteSecretsOfHeaders);
}

/** Whether nothing names the endpoint: then it says little that nobody is there. */
function isEndpointDefault(endpoint) {
  return endpoint === undefined && variablesOf('ENDPOINT').every((name) => !process.env[name]?.trim());
}

/** What `read()` gives while of the variables of exporters only `kept` is set. */
function readWithOnly(kept, read) {
  const others = Object.entries(process.env).filter(([name]) => name.startsWith(PREFIX) && name !== kept);
  for (const [name] of others) delete process.env[name];
  try {
    return silently(read);
  } catch {
    return undefined;
  } finally {
    Object.assign(process.env, Object.fromEntries(others));
  }
}

function sourceOf(value, name, read) {
  if (value === undefined) return 'default';
  return variablesOf(name).find((variable) => readWithOnly(variable, read) !== undefined) ?? 'default';
}

/** The option `url` of an exporter for `--endpoint`: as the variable for all signals, the path is appended where there is none. */
function urlOption(protocol, endpoint) {
  if (endpoint === undefined || protocol === 'grpc' || !URL.canParse(endpoint)) return endpoint;
  const { pathname, search } = new URL(endpoint);
  return pathname === '/' && search === '' ? new URL(RESOURCE_PATH, endpoint).href : endpoint;
}

/** The configuration of an exporter of `protocol` without options in code. @throws {Error} as its constructor */
function configOf(protocol, endpoint, more = {}) {
  const url = urlOption(protocol, endpoint);
  return resolveConfig(url === undefined ? more : { ...more, url }, { protocol, fixedProtocol: true });
}

/**
 * Facts of one class; those over HTTP differ in the body only. What is wrong with a class that is not meant is a note.
 * @returns {object | null} its configuration, if that is valid
 */
function examineExporter(section, { protocol, endpoint, isMeant }) {
  const read = protocol === 'grpc' ? readGrpc : readHttp;
  let environment;
  let config;
  try {
    config = configOf(protocol, endpoint);
    environment = silently(read);
  } catch (error) {
    findLines(section, isMeant);
    const text = foreign(error.message);
    section.find(isMeant ? 'problem' : 'note', 'configuration', text, 'the constructor of the exporter throws this');
    return null;
  }
  const from = (key, name) => sourceOf(environment[key], name, () => read()[key]);
  const url = protocol === 'grpc' ? config.endpoint : config.url;
  const urlSource = endpoint === undefined ? from('url', 'ENDPOINT') : '--endpoint';
  section.fact('url', shownUrl(url), urlSource);
  for (const name of Object.keys(environment.headers)) {
    const read1 = () => (Object.hasOwn(read().headers, name) ? true : undefined);
    section.fact(`header ${shownHeader(name, environment.headers[name])}`, HIDDEN, sourceOf(true, 'HEADERS', read1));
  }
  if (isMeant) findHeaderMistakes(section);
  section.fact('timeoutMillis', config.timeoutMillis, from('timeoutMillis', 'TIMEOUT'));
  section.fact('compression', config.compression, from('compression', 'COMPRESSION'));
  for (const [key, name] of Object.entries(FILES)) {
    // Over gRPC half a client pair is none, so each half is looked for as HTTP has it.
    const source = sourceOf(environment[key], name, () => readHttp()[key]);
    if (source !== 'default') section.fact(name.toLowerCase().replace('_', ' '), process.env[source].trim(), source);
  }
  if (protocol === 'grpc') {
    const isInUrl = /^https?:/i.test((endpoint ?? environment.url ?? 'http:').trim());
    section.fact('TLS', config.dial.startsWith('https:'), isInUrl ? 'url' : from('isInsecure', 'INSECURE'));
  }
  section.fact('transport', config.transport, config.reason ?? 'default');
  if (protocol !== 'grpc' && isMeant) findPathMistakes(section, url, urlSource);
  findLines(section, isMeant);
  return config;
}

/** A key that no header can have, or without a value, may be a secret that was written without its name. */
const isHeader = (name, value) => HEADER_NAME.test(name) && !/^=*$/.test(value);

function shownHeader(name, value) {
  if (isHeader(name, value)) return name;
  noteSecret(name);
  return '(not a name)';
}

/** `name: value` as it stands in a request, and a token without its name, are read as nothing or as something else. */
function findHeaderMistakes(section) {
  for (const variable of variablesOf('HEADERS')) {
    const entries = (process.env[variable] ?? '').split(',').filter((entry) => entry.trim() !== '');
    const isUsable = (entry) => {
      const [name, ...value] = entry.split('=');
      return isHeader(name.trim(), value.join('=').trim());
    };
    if (entries.every(isUsable)) continue;
    const remedy = 'write name=value, with a comma in front of the next one, and per cent-encode values';
    section.warn('header_unusable', `${variable} has an entry that is no header`, remedy);
  }
}

function findPathMistakes(section, url, source) {
  const { pathname } = new URL(url);
  const [specific, generic] = variablesOf('ENDPOINT');
  if (source === generic && /v1\/traces\/+v1\/traces$/.test(pathname)) {
    const text = `${generic} ends with /v1/traces, and the path is appended to it`;
    section.warn('path_twice', text, `leave the path out, or set ${specific}`);
  }
  if (source === specific && pathname === '/') {
    const text = `${specific} is used as it is, without /v1/traces`;
    section.warn('path_missing', text, `append /v1/traces, or set ${generic}`);
  }
}

const readHttp = () => readEnvironment(SIGNAL, RESOURCE_PATH);

function readGrpc() {
  const { readGrpcCertificates, readGrpcEnvironment } = require('../config/grpc/environment.js');
  const { metadata, isInsecure, ...rest } = readGrpcEnvironment(SIGNAL);
  const { rootCerts: ca, certChain: cert, privateKey: key } = readGrpcCertificates(SIGNAL);
  return { ...rest, ca, cert, key, headers: Object.fromEntries(metadata), isInsecure: isInsecure || undefined };
}

/** Options of other classes that a variable may set. */
function examineOthers(section) {
  for (const [variable, [group, option]] of Object.entries(VARIABLES)) {
    const value = readVariable(variable);
    const { fallback, standard } = OPTIONS[group][option];
    const source = value === undefined ? 'default' : variable;
    section.fact(`${group}.${option}`, value ?? fallback ?? standard, source);
  }
  findLines(section);
}

module.exports = { configOf, examineExporter, examineOthers, isEndpointDefault, noteSecretsOfVariables };
