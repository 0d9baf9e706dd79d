'use strict';
// Owns the cells of the matrix of peers that nobody here wrote: how a connection is secured and a request compressed, what is
// sent in each, and the comparison of what arrived with the spans that went in.

const { isDeepStrictEqual } = require('node:util');
const { OTLPTraceExporter } = require('../../../js/entries/otlp_grpc.js');
const { issue } = require('../config/certificates.js');
const { expectedRequest } = require('../expected_request.js');
const { randomSpans } = require('../plain_spans.js');

const SECURITIES = ['plain', 'TLS', 'mTLS'];
const COMPRESSIONS = ['none', 'gzip'];
const BATCH = 250;

/** Texts of PEM: an authority, what a server shows and what a client shows. */
function makeMaterial() {
  const ca = issue({ commonName: 'authority of peers', authority: true });
  const server = issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'], issuer: ca });
  const client = issue({ commonName: 'a client of peers', issuer: ca });
  return { ca: ca.cert, cert: server.cert, key: server.key, clientCert: client.cert, clientKey: client.key };
}

/** What an exporter is told about a peer at `port`. */
function optionsOf({ security, compression }, { ca, clientCert, clientKey }, port) {
  if (security === 'plain') return { url: `http://localhost:${port}`, compression };
  const credentials = { rootCerts: Buffer.from(ca) };
  if (security === 'mTLS')
    Object.assign(credentials, { certChain: Buffer.from(clientCert), privateKey: Buffer.from(clientKey) });
  return { url: `https://localhost:${port}`, compression, credentials };
}

/** Spans with everything drawn at random, all in one: what a seed makes, and what a receiver has to find. */
function makeSpans(seed, count) {
  const spans = randomSpans(seed, count);
  return { spans, expected: bySpan([expectedRequest(spans, 'protobuf')]) };
}

/**
 * Sends half of the spans in batches, three at a time, and half as one export, which is split if it is too large for a
 * message of gRPC. Answers what the exporter says of it.
 */
async function exportAll(spans, options) {
  const exporter = new OTLPTraceExporter({ transport: 'native', timeoutMillis: 60_000, ...options });
  const half = Math.ceil(spans.length / 2);
  const batches = [];
  for (let at = half; at < spans.length; at += BATCH) batches.push(spans.slice(at, at + BATCH));
  const waiting = batches.values();
  const errors = [];
  const send = async (batch) => {
    const { error } = await exporter.exportSpans(batch);
    if (error !== undefined) errors.push(error);
  };
  const work = async () => {
    for (const batch of waiting) await send(batch);
  };
  await Promise.all([work(), work(), work()]);
  await send(spans.slice(0, half));
  const { delivered, pending } = exporter.stats();
  await exporter.shutdown();
  return { delivered, pending, errors };
}

/** Each span with its resource and its scope, by its id; a list where an id came more than once. */
function bySpan(requests) {
  const spans = new Map();
  for (const { resource, schemaUrl, scopes } of requests.flat()) {
    for (const { scope, schemaUrl: scopeSchemaUrl, spans: members } of scopes) {
      for (const span of members) {
        const whole = { resource, schemaUrl, scope, scopeSchemaUrl, span };
        spans.set(span.spanId, [...(spans.get(span.spanId) ?? []), whole]);
      }
    }
  }
  return spans;
}

/**
 * Spans that are missing, came more than once, were never sent, or differ in any field.
 * @param {Map<string, object[]>} expected as `makeSpans` gives it
 * @param {object[][]} requests in the form of `decodeRequest`
 * @returns {{ spans: number, mismatches: string[] }} how many spans came, and a line for each mismatch
 */
function compareSpans(expected, requests) {
  const found = bySpan(requests);
  const mismatches = [];
  for (const [id, [wanted]] of expected) {
    const came = found.get(id) ?? [];
    if (came.length !== 1) mismatches.push(`${id} came ${came.length} times`);
    else if (!isDeepStrictEqual(came[0], wanted)) mismatches.push(`${id} differs in ${differing(came[0], wanted)}`);
  }
  for (const id of found.keys()) if (!expected.has(id)) mismatches.push(`${id} was never sent`);
  const spans = [...found.values()].reduce((sum, came) => sum + came.length, 0);
  return { spans, mismatches };
}

function differing(came, wanted) {
  const parts = Object.keys(wanted).filter((part) => part !== 'span' && !isDeepStrictEqual(came[part], wanted[part]));
  const fields = Object.keys(wanted.span).filter((name) => !isDeepStrictEqual(came.span[name], wanted.span[name]));
  return [...parts, ...fields].join(', ');
}

const CELLS = SECURITIES.flatMap((security) => COMPRESSIONS.map((compression) => ({ security, compression })));

module.exports = { bySpan, CELLS, compareSpans, exportAll, makeMaterial, makeSpans, optionsOf, SECURITIES };
