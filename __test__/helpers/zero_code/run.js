'use strict';
// Owns one run of a program: its collector, what it is asked, and what it has said, sent and run at its end.

const { fork } = require('node:child_process');
const path = require('node:path');
const timers = require('node:timers');
const { setTimeout } = require('node:timers/promises');
const { comparableSpans } = require('../express/project.js');
const { startGrpcReceiver } = require('../grpc/receiver.js');
const { startReceiver } = require('../receiver.js');

const PROBE = path.join(__dirname, 'probe.cjs');
const LIMIT_MILLIS = 60_000;
const PROBE_MILLIS = 50;
const MOST_PROBES = 200;
const SETTINGS = {
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  // Without those that ask the metadata services of clouds.
  OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process,serviceinstance',
  OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop,deployment.environment.name=test',
};

/**
 * Runs `node ...flags ...program` in `directory`. `ask(origin)` sends a service what it is there for. Answers with what it printed, the span processors and exporters that it ran, the spans
 * that arrived, in a form that can be compared, and by which HTTP or HTTP/2 client they came.
 */
async function runProgram(directory, { flags, program, command = process.execPath, isGrpc = false, env = {}, ask }) {
  const receiver = isGrpc ? await startGrpcReceiver() : await startReceiver();
  let child;
  try {
    const [file, ...args] = program;
    child = fork(file, args, {
      cwd: directory,
      execPath: command,
      execArgv: ['--require', PROBE, ...flags],
      env: { ...cleanEnvironment(), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin, ...SETTINGS, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const ended = await talk(child, { ask, spansSoFar: () => arrived(receiver, isGrpc).spans.length });
    return { ...ended, ...arrived(receiver, isGrpc, ended.port) };
  } finally {
    child?.kill('SIGKILL');
    await receiver.close();
  }
}

async function talk(child, { ask, spansSoFar }) {
  const said = { stdout: '', stderr: '' };
  const timer = timers.setTimeout(() => child.kill('SIGKILL'), LIMIT_MILLIS);
  const closed = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  const early = closed.then((code) => {
    throw new Error(`ended with ${code}: ${said.stdout}${said.stderr}`);
  });
  early.catch(() => {});
  const port = new Promise((resolve) => {
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (chunk) => {
        said[name] += chunk;
        const [, found] = /^(?:ready |- Local: +http:\/\/127\.0\.0\.1:)(\d+)/m.exec(said.stdout) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
    }
  });
  const onPort = await Promise.race([port, early]);
  await ask?.(`http://127.0.0.1:${onPort}`);
  const instances = await Promise.race([instancesIn(child, spansSoFar), early]);
  child.send('end');
  if (ask) child.kill('SIGTERM'); // a service
  const code = await closed;
  timers.clearTimeout(timer);
  return { code, instances, port: onPort, ...said };
}

/** A batch that was on its way before the flush is not waited for by it: asks again until `stats()` has what has arrived. */
async function instancesIn(child, spansSoFar) {
  for (let nth = 0; ; nth++) {
    const answer = new Promise((resolve) => child.once('message', resolve));
    child.send('probe');
    const { instances, error } = await answer;
    if (error !== undefined) throw new Error(error);
    const spans = spansSoFar();
    const isSettled = spans > 0 && instances.every(({ stats }) => stats === undefined || stats.delivered === spans);
    if (isSettled || nth === MOST_PROBES) return instances;
    await setTimeout(PROBE_MILLIS);
  }
}

function arrived(receiver, isGrpc, port) {
  if (!isGrpc) {
    return {
      clients: [...new Set(receiver.completed.map(clientOf))],
      agents: [...new Set(receiver.completed.map(({ headers }) => headers['user-agent']))],
      types: [...new Set(receiver.completed.map(({ headers }) => headers['content-type']))],
      spans: comparableSpans(receiver.completed, port),
    };
  }
  const requests = receiver.completed.flatMap(({ messages }) =>
    messages.map(({ message }) => ({ body: message, headers: { 'content-type': 'application/x-protobuf' } })),
  );
  return {
    clients: [...new Set(receiver.completed.map(clientOfCall))],
    agents: [...new Set(receiver.completed.map(({ headers }) => headers['user-agent']))],
    types: ['application/grpc'],
    spans: comparableSpans(requests, port),
  };
}

/** Node's client always says what happens to the connection; the native one leaves that to HTTP/1.1. */
function clientOf({ headers }) {
  return 'connection' in headers ? 'node' : 'native';
}

/** HTTP/2 clients differ in the order of the pseudo-headers, and grpc-js names itself. */
function clientOfCall({ headers, rawHeaders }) {
  const isNative = rawHeaders[0] === ':method' && rawHeaders[2] === ':scheme';
  return isNative && !headers['user-agent'].includes('grpc-node-js') ? 'native' : 'node';
}

function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(OTEL_|OFFLOOP_|NAPI_RS_|NODE_OPTIONS$|NODE_PATH$|NODE_TEST_CONTEXT$)|^(https?|all|no)_proxy$/i.test(name),
    ),
  );
}

module.exports = { runProgram };
