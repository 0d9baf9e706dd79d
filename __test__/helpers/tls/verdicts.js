'use strict';
// Owns asking both for their verdict on a server: Node's own https, and an exporter of ours that may send as it likes.

const https = require('node:https');
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { OTLPTraceExporter } = require('../../../js/entries/otlp_http.js');
const { span } = require('../config/runner.js');

const moves = new Map(); // by endpoint: the line that said so

function listenToMoves() {
  const info = (line) => {
    const endpoint = /from now on (\S+) is sent to through Node's http/.exec(line)?.[1];
    if (endpoint !== undefined) moves.set(endpoint, [...(moves.get(endpoint) ?? []), line]);
  };
  const nothing = () => {};
  diag.setLogger({ verbose: nothing, debug: nothing, info, warn: nothing, error: nothing }, DiagLogLevel.INFO);
}

/** What was said of the endpoint at `url` since somebody asked. */
function movesOf(url) {
  const lines = moves.get(url) ?? [];
  moves.delete(url);
  return lines;
}

/** `ok`, or the code and the text of the refusal. */
function verdictOfNode(url, options) {
  return new Promise((resolve) => {
    const agent = new https.Agent({ ...options, keepAlive: false });
    const refuse = (error) => resolve({ code: error.code, message: error.message });
    try {
      const request = https.request(url, { agent, method: 'POST' }, (response) => {
        response.resume();
        response.on('end', () => resolve({ code: 'ok' }));
      });
      request.on('error', refuse);
      request.end();
    } catch (error) {
      refuse(error);
    }
  });
}

/** The same of an exporter made with the same agent options, and `sender`: who sent in the end. */
async function verdictOfOurs(url, options, { timeoutMillis = 20_000 } = {}) {
  const exporter = new OTLPTraceExporter({ url, httpAgentOptions: options, timeoutMillis });
  const result = await new Promise((resolve) => exporter.export([span], resolve));
  const lines = movesOf(url);
  await exporter.shutdown();
  return {
    code: result.error?.code ?? (result.code === 0 ? 'ok' : 'none'),
    message: result.error?.message,
    moves: lines,
  };
}

module.exports = { listenToMoves, movesOf, verdictOfNode, verdictOfOurs };
