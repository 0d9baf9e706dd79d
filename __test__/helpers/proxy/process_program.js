'use strict';
// A whole process around one exporter: what Node is told when it starts counts here. The parent says in PROXY_RUN which
// exporter, with which options, and how the process ends; the outcome is printed as JSON.

const http = require('node:http');
const https = require('node:https');
const { inspect } = require('node:util');

const {
  subject,
  isGrpc,
  isSecure,
  config,
  agent,
  switchOn,
  spans: count = 1,
  end = 'natural',
} = JSON.parse(process.env.PROXY_RUN);
if (switchOn) http.setGlobalProxyFromEnv();
// An agent is code: it is named here. Whoever answers none gets the one of the process.
const AGENTS = { global: () => (isSecure ? https : http).globalAgent, none: () => undefined };
if (agent) config.httpAgentOptions = AGENTS[agent];

const { exportOnce, makeSpans } = require('./rig.js');
const { STOCK } = require('./ways.js');

function classOf() {
  if (subject === 'ours') return require('../../..').OTLPTraceExporter;
  return isGrpc ? STOCK[subject].grpc() : STOCK[subject].http();
}

async function main() {
  const exporter = new (classOf())(config);
  const spans = makeSpans(count);
  if (end === 'natural') {
    const { code, error } = await exportOnce(exporter, subject === 'ours' ? spans : STOCK[subject].view(spans));
    process.stdout.write(JSON.stringify({ code, error: error && inspect(error) }));
    return;
  }
  const { BatchSpanProcessor } = require('../../..');
  const processor = new BatchSpanProcessor(exporter);
  for (const span of spans) processor.onEnd(span);
  if (end === 'flush') {
    await processor.forceFlush();
    process.stdout.write(JSON.stringify(exporter.stats()));
  }
  if (end === 'exit') process.exit();
  if (end === 'SIGTERM') {
    process.once('SIGTERM', async () => {
      await processor.shutdown();
      process.exit();
    });
    process.kill(process.pid, 'SIGTERM');
  }
}

main();
