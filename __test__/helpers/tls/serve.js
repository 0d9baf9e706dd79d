'use strict';
// Owns the server of a matrix row and the comparison of the two verdicts on it.

const https = require('node:https');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { OTLPTraceExporter } = require('../../../js/entries/otlp_http.js');
const { span } = require('../config/runner.js');
const { verdictOfNode, verdictOfOurs } = require('./verdicts.js');

const X509_CODE = /^(UNABLE_|CERT_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT)/;

/** Answers everything with 200; certificates that OpenSSL calls weak are shown all the same. */
async function serve({ cert, key, ...more }, use) {
  const server = https.createServer({ cert, key, ciphers: 'DEFAULT@SECLEVEL=0', ...more }, (request, response) => {
    request.resume();
    request.on('end', () => response.end());
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(server.address().port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What is wrong with our verdict beside Node's, or null. */
function difference(node, ours) {
  if (ours.moves.length > 1) return `moved ${ours.moves.length} times`;
  if (node.code !== ours.code) return `${ours.code} (${ours.message}), Node: ${node.code} (${node.message})`;
  if (X509_CODE.test(node.code) && node.message !== ours.message) return `"${ours.message}", Node: "${node.message}"`;
  return null;
}

let lastRow = 0;

/** Both verdicts on the server at `origin`: `{ node, ours, wrong }`. */
async function compare(origin, options, more) {
  // A path of its own for each row: what others were refused holds an endpoint.
  const url = `${origin}${++lastRow}`;
  const [node, ours] = await Promise.all([verdictOfNode(url, options), verdictOfOurs(url, options, more)]);
  return { node, ours, wrong: difference(node, ours) };
}

/** The same where ours has its roots by a variable that is set already, and Node by `text`, which is in its file. */
async function compareByVariable(origin, text) {
  const url = `${origin}${++lastRow}`;
  const [node, ours] = await Promise.all([verdictOfNode(url, { ca: text }), verdictOfOurs(url, undefined)]);
  return { node, ours, wrong: difference(node, ours) };
}

/** `ok`, or the code of what an export fails with. */
const codeOf = (exporter) =>
  new Promise((resolve) => {
    exporter.export([span], ({ error }) => resolve(error === undefined ? 'ok' : (error.code ?? error.message)));
  });

/**
 * What a change is tried with: an exporter without kept connections, the stock one beside it, and Node's https, which resumes no
 * session of before.
 */
async function open(port, options) {
  const url = `https://localhost:${port}/changes/${++lastRow}`;
  // The variable counts only where no agent options are given.
  const isPlain = Object.keys(options).length === 0;
  const config = { url, ...(isPlain ? { keepAlive: false } : { httpAgentOptions: { keepAlive: false, ...options } }) };
  const [ours, stock] = [new OTLPTraceExporter(config), new StockExporter(config)];
  return {
    url,
    async ask() {
      const [code, stockCode, node] = await Promise.all([codeOf(ours), codeOf(stock), verdictOfNode(url, options)]);
      return { ours: code, right: new Set([stockCode, node.code ?? node.message]) };
    },
    close: () => Promise.all([ours.shutdown(), stock.shutdown()]),
  };
}

/** Ours as the caller wants it, trusting `ca`. */
const trusting = (url, ca, more) =>
  new OTLPTraceExporter({ url, httpAgentOptions: { ca, keepAlive: false }, retry: { maxAttempts: 1 }, ...more });

/** Judges the rows of `list`, four at a time; answers the lines of those that are wrong. */
async function judgeAll(list, judge) {
  const wrong = [];
  const waiting = list.values();
  const work = async () => {
    for (const item of waiting) for (const line of await judge(item)) wrong.push(`${item.name}: ${line}`);
  };
  await Promise.all([work(), work(), work(), work()]);
  return wrong;
}

module.exports = { codeOf, compare, compareByVariable, judgeAll, open, serve, trusting };
