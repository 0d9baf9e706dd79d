'use strict';
// Owns the OTEL_EXPORTER_OTLP_* variables: reads each once and says through diag what it could not use.
// It refuses to throw: a bad variable is reported and treated as unset.

const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');
const { diag } = require('../otel/diag.js');
const { maskCredentials } = require('./url.js');

const PREFIX = 'OTEL_EXPORTER_OTLP_';
const DEFAULT_PROTOCOL = 'http/protobuf';
const PROTOCOLS = new Set(['grpc', 'http/json', DEFAULT_PROTOCOL]);
const MOST_SHOWN_UNITS = 100;

/** A variable's text, or undefined when unset or blank. The text itself is not trimmed. */
function readString(name) {
  const raw = process.env[name];
  return raw == null || raw.trim() === '' ? undefined : raw;
}

function readTimeoutMillis(name) {
  const raw = readString(name);
  if (raw === undefined) return undefined;
  const value = Number(raw);
  if (Number.isNaN(value)) {
    diag.warn(`Unknown value ${inspect(raw)} for ${name}, expected a number, using defaults`);
    return undefined;
  }
  if (Number.isFinite(value) && value > 0) return value;
  diag.warn(`Configuration: ${name} is invalid, expected number greater than 0 (actual: ${value})`);
  return undefined;
}

function readCompression(name) {
  const value = readString(name)?.trim();
  if (value === undefined || value === 'none' || value === 'gzip') return value;
  diag.warn(`Configuration: ${name} is invalid, expected 'none' or 'gzip' (actual: '${value}')`);
  return undefined;
}

/** Both variables are always looked at, so that a bad one is reported even when the other wins. */
function specificElseGeneric(signal, name, read) {
  const specific = read(`${PREFIX}${signal}_${name}`);
  const generic = read(`${PREFIX}${name}`);
  return specific ?? generic;
}

function parseUrl(text) {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function readUrl(signal, resourcePath) {
  const specific = readString(`${PREFIX}${signal}_ENDPOINT`);
  if (specific !== undefined) {
    const url = parseUrl(specific);
    if (url !== undefined) return url.toString();
    warnUnparsable(specific);
  }
  const generic = readString(`${PREFIX}ENDPOINT`);
  if (generic === undefined) return undefined;
  if (parseUrl(generic) === undefined) {
    warnUnparsable(generic);
    return undefined;
  }
  // Text is appended to text, as the stock exporter does: a query of the base ends up in front of the path.
  const joined = `${generic.endsWith('/') ? generic : `${generic}/`}${resourcePath}`;
  if (parseUrl(joined) !== undefined) return joined;
  diag.warn(
    `Configuration: Provided URL appended with '${resourcePath}' is not a valid URL, ` +
      `using 'undefined' instead of '${maskCredentials(joined)}'`,
  );
  return undefined;
}

function warnUnparsable(text) {
  diag.warn(
    `Configuration: Could not parse environment-provided export URL: '${maskCredentials(text)}', ` +
      'falling back to undefined',
  );
}

/** One `key=value;properties` member of a baggage-like list, or undefined when it is not usable. */
function parsePair(entry) {
  const properties = entry.indexOf(';');
  const pair = properties === -1 ? entry : entry.slice(0, properties);
  const equals = pair.indexOf('=');
  if (equals <= 0) return undefined;
  const key = pair.slice(0, equals).trim();
  const value = pair.slice(equals + 1).trim();
  if (key === '' || value === '') return undefined;
  try {
    return [decodeURIComponent(key), decodeURIComponent(value)];
  } catch {
    return undefined;
  }
}

function readHeaders(signal) {
  const headers = {};
  for (const name of [`${PREFIX}HEADERS`, `${PREFIX}${signal}_HEADERS`]) {
    for (const entry of (readString(name) ?? '').split(',')) {
      const pair = parsePair(entry);
      if (pair !== undefined) headers[pair[0]] = pair[1];
    }
  }
  return headers;
}

function readFile(signal, name, warning) {
  const file = readString(`${PREFIX}${signal}_${name}`) ?? readString(`${PREFIX}${name}`);
  return file === undefined ? undefined : readNamedFile(file, warning);
}

/** A file by its path, which may be relative to the current directory; undefined, and `warning`, if it cannot be read. */
function readNamedFile(file, warning) {
  try {
    return fs.readFileSync(path.resolve(process.cwd(), file));
  } catch {
    diag.warn(warning);
    return undefined;
  }
}

/**
 * The wire format that the variables name, as the SDK reads them where it makes the exporter. The stock exporters
 * themselves read none.
 */
function readProtocol(signal) {
  const name = 'PROTOCOL';
  const protocol = (readString(`${PREFIX}${signal}_${name}`) ?? readString(`${PREFIX}${name}`))?.trim();
  if (protocol === undefined) return DEFAULT_PROTOCOL;
  if (PROTOCOLS.has(protocol)) return protocol;
  const shown = protocol.slice(0, MOST_SHOWN_UNITS);
  diag.warn(`Unsupported OTLP ${signal.toLowerCase()} protocol: "${shown}". Using ${DEFAULT_PROTOCOL}.`);
  return DEFAULT_PROTOCOL;
}

/** What all exporters read, in the stock exporter's order. */
function readShared(signal) {
  return {
    timeoutMillis: specificElseGeneric(signal, 'TIMEOUT', readTimeoutMillis),
    compression: specificElseGeneric(signal, 'COMPRESSION', readCompression),
  };
}

/**
 * Everything the environment says for one signal of an HTTP exporter. The order of the reads is the order of the diag lines.
 * @param {string} signal upper-case part of the variable names, `TRACES`
 * @param {string} resourcePath appended to the generic endpoint, `v1/traces`
 */
function readEnvironment(signal, resourcePath) {
  return {
    ...readShared(signal),
    url: readUrl(signal, resourcePath),
    headers: readHeaders(signal),
    ca: readFile(signal, 'CERTIFICATE', 'Failed to read root certificate file'),
    cert: readFile(signal, 'CLIENT_CERTIFICATE', 'Failed to read client certificate chain file'),
    key: readFile(signal, 'CLIENT_KEY', 'Failed to read client certificate private key file'),
  };
}

module.exports = { PREFIX, readEnvironment, readHeaders, readNamedFile, readProtocol, readShared, readString };
