'use strict';
// Owns the server of a matrix row over gRPC and the comparison of two verdicts on it: the one of the stock exporter, which is
// that of @grpc/grpc-js, and the one of an exporter of ours that may send as it likes. The counterpart over HTTP is serve.js.

const grpc = require('@grpc/grpc-js');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
const { OTLPTraceExporter } = require('../../../js/entries/otlp_grpc.js');
const { span } = require('../config/runner.js');
const { startGrpcReceiver } = require('../grpc/receiver.js');
const { startRelay } = require('../grpc/relay.js');
const { movesOf } = require('./verdicts.js');

// What was going on when a connection failed is said by many layers in many words; what a certificate lacks by one, and under
// NODE_TLS_REJECT_UNAUTHORIZED, which does not count here, by its code alone.
const OF_LAYERS = /SSL routines|socket|write|read|alert|E[A-Z]{4,}|Last error: [A-Z_]+\. /;

const TIMEOUT_MILLIS = 20_000; // nothing is tried twice, so only a machine that is busy takes long

// What the machine says about proxies is not the test's.
for (const name of Object.keys(process.env)) if (/proxy$/i.test(name)) delete process.env[name];

/** Answers everything, and has every connection end with its first call; weak certificates are shown all the same. */
async function serve({ cert, key, ...more }, use) {
  const tls = { cert, key, ciphers: 'DEFAULT@SECLEVEL=0', ...more };
  const receiver = await startGrpcReceiver({ tls, otherwise: { goaway: {} } });
  try {
    return await use(receiver.port);
  } finally {
    await receiver.close();
  }
}

/** A list is one text here. */
function asBytes(given) {
  if (given == null || Buffer.isBuffer(given)) return given ?? undefined;
  return Buffer.concat([given].flat().flatMap((each) => [Buffer.from(each), Buffer.from('\n')]));
}

/** Agent options as `credentials` that are plain data; none for none, so that the variables have their say. */
function credentialsOf(options) {
  if (options === undefined || Object.keys(options).length === 0) return undefined;
  const { ca, cert, key, ...verifyOptions } = options;
  return { rootCerts: asBytes(ca), privateKey: asBytes(key), certChain: asBytes(cert), verifyOptions };
}

function credentialsOfStock(options) {
  const given = credentialsOf(options);
  if (given === undefined) return undefined;
  const { rootCerts = null, privateKey = null, certChain = null, verifyOptions } = given;
  return grpc.credentials.createSsl(rootCerts, privateKey, certChain, verifyOptions);
}

async function verdictOf(exporter) {
  const { code, error } = await new Promise((resolve) => exporter.export([span], resolve));
  return code === 0 ? { code: 'ok' } : { code: String(error?.code ?? 'none'), message: error?.message };
}

/** `ok`, or the code and the text of the refusal; credentials that cannot be made refuse everything. */
async function verdictOfStock(url, options) {
  let credentials;
  try {
    credentials = credentialsOfStock(options);
  } catch (error) {
    return { code: 'no credentials', message: error.message };
  }
  const exporter = new StockExporter({ url, credentials, timeoutMillis: TIMEOUT_MILLIS });
  const verdict = await verdictOf(exporter);
  await exporter.shutdown();
  return verdict;
}

/** The same of ours, and the lines that said that another sender goes on. */
async function verdictOfOurs(url, options) {
  // What a handshake meets is not tried again by the stock exporter.
  const exporter = new OTLPTraceExporter({
    url,
    credentials: credentialsOf(options),
    timeoutMillis: TIMEOUT_MILLIS,
    retry: { maxAttempts: 1 },
  });
  const verdict = await verdictOf(exporter);
  const moves = movesOf(url.replace(/\/$/, ''));
  await exporter.shutdown();
  return { ...verdict, moves };
}

/** What is wrong with our verdict beside the stock exporter's, or null. */
function difference(stock, ours) {
  if (ours.moves.length > 1) return `moved ${ours.moves.length} times`;
  const isRefused = stock.code === 'no credentials' && ours.code !== 'ok';
  const both = `${ours.code} (${ours.message}), stock: ${stock.code} (${stock.message})`;
  if (!isRefused && stock.code !== ours.code) return both;
  if (isRefused || stock.code === 'ok' || stock.message === ours.message) return null;
  return OF_LAYERS.test(stock.message) ? null : both;
}

/** Both verdicts on the server at `origin`: `{ stock, ours, wrong }`. */
async function compare(origin, options) {
  const url = new URL(origin);
  // A port of its own for each row: what others were refused holds an endpoint.
  const relay = await startRelay(Number(url.port));
  url.port = relay.port;
  try {
    const [stock, ours] = await Promise.all([verdictOfStock(url.href, options), verdictOfOurs(url.href, options)]);
    return { node: stock, ours, wrong: difference(stock, ours) };
  } finally {
    relay.close();
  }
}

/**
 * An exporter whose every call opens a connection, the stock one beside it, and another one of that kind at each question, which
 * has kept nothing of before. A relay of its own gives each an endpoint of its own.
 */
async function open(port, options) {
  const relay = await startRelay(port);
  const url = `https://localhost:${relay.port}`;
  const [ours, stock] = [
    new OTLPTraceExporter({ url, credentials: credentialsOf(options), retry: { maxAttempts: 1 } }),
    new StockExporter({ url, credentials: credentialsOfStock(options) }),
  ];
  return {
    url,
    async ask() {
      const asked = [verdictOf(ours), verdictOf(stock), verdictOfStock(url, options)];
      const [{ code }, ...right] = await Promise.all(asked);
      return { ours: code, right: new Set(right.map((verdict) => verdict.code)) };
    },
    async close() {
      await Promise.all([ours.shutdown(), stock.shutdown()]);
      relay.close();
    },
  };
}

/** Ours as the caller wants it, trusting `ca`. */
const trusting = (url, ca, more) =>
  new OTLPTraceExporter({ url, credentials: { rootCerts: asBytes(ca) }, retry: { maxAttempts: 1 }, ...more });

/** The same where both have their roots by a variable. */
const compareByVariable = (origin) => compare(origin, undefined);

module.exports = { compare, compareByVariable, credentialsOf, open, serve, trusting };
