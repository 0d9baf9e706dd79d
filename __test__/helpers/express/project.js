'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { decodeRequest } = require('../otlp_decoder.js');
const { startReceiver } = require('../receiver.js');

const root = path.join(__dirname, '..', '..', '..');
// Without the detectors that ask the metadata services of clouds.
const SETTINGS = {
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process,serviceinstance',
};
const REQUESTS = [
  ['GET', '/users/42'],
  ['GET', '/users/%C3%A9'],
  ['POST', '/orders', '{"items":[1,2,3]}'],
  ['POST', '/orders', '{ no JSON'],
  ['GET', '/broken'],
  ['GET', '/nowhere'],
  ['GET', '/stock/7'],
];

/** `null` where the dependencies of `line` ('2.x' or '3.x') can be used, else the reason why not. */
function expressUnavailable(line) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (line === '3.x' && (major < 22 || (major === 22 && minor < 15))) return 'the 3.x line needs Node >= 22.15';
  const installed = fs.existsSync(path.join(root, '__test__', `express-${line}`, 'node_modules', 'express'));
  return installed ? null : `not installed: npm ci in __test__/express-${line}`;
}

/**
 * A project of its own, as its authors have it: the files of `from`, and Offloop installed beside what they use. `packages`
 * of `installed`, a folder of `__test__`, come besides.
 */
function makeProject(line, t, { from = __dirname, installed: more, packages = [] } = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-project-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  fs.mkdirSync(modules);
  fs.symlinkSync(root, path.join(modules, 'offloop'), 'junction');
  const link = (folder, names) => {
    for (const name of names) {
      fs.symlinkSync(path.join(root, '__test__', folder, 'node_modules', name), path.join(modules, name), 'junction');
    }
  };
  link(`express-${line}`, ['express', '@opentelemetry', '@grpc']);
  link(more, packages);
  for (const file of fs.readdirSync(from).filter((name) => /^(service|tracing)\./.test(name))) {
    fs.copyFileSync(path.join(from, file), path.join(directory, file));
  }
  return directory;
}

/**
 * Runs `node ...args` in the project, a service that prints its port, lets `talk(ask)` send it requests with
 * `ask(method, target, body)`, and ends it. Answers with the exit code, what it printed beside its port, its port, what
 * `talk` has answered, and what the collector got.
 */
async function runService(t, { directory, args, env = {} }, talk) {
  const receiver = await startReceiver({}, t);
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: undefined,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin,
      ...SETTINGS,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('close', resolve));
  let output = '';
  const listening = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
        const [, port] = /^port (\d+)$/m.exec(output) ?? [];
        if (port !== undefined) resolve(Number(port));
      });
    }
  });
  const port = await Promise.race([listening, ended.then((code) => Promise.reject(new Error(`${code}: ${output}`)))]);
  const ask = (...request) => sent(port, ...request);
  const said = await talk(ask);
  await ask('GET', '/quit');
  const code = await ended;
  return { code, output, port, said, requests: receiver.completed };
}

/** Sends requests one by one; the answers' statuses, and the spans in a form that can be compared. */
async function serve(t, service) {
  const { said, port, ...ended } = await runService(t, service, async (ask) => {
    const statuses = [];
    for (const request of REQUESTS) statuses.push((await ask(...request)).status);
    return statuses;
  });
  return { ...ended, statuses: said, spans: comparableSpans(ended.requests, port) };
}

/** Resolves with `{ status, body }`. */
function sent(port, method, target, body) {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request({ host: '127.0.0.1', port, method, path: target, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.once('end', () => resolve({ status: answer.statusCode, body: text }));
    });
    request.once('error', reject).end(body);
  });
}

/** What differs from run to run: processes, ports, ids and times. */
const VOLATILE =
  /^process\.(pid|command|command_args|executable|runtime\.description)|^service\.instance\.id$|\.port$|^http\.user_agent$/;

/** Every span as JSON with its resource, its scope and the names on the way from its root, sorted. */
function comparableSpans(requests, port) {
  const groups = requests.flatMap(({ body, headers }) => decodeRequest(body, headers['content-type']));
  const spans = groups.flatMap(({ resource, scopes, schemaUrl }) =>
    scopes.flatMap(({ spans: ofScope, scope }) =>
      ofScope.map((span) => ({ span, about: { resource: withoutVolatile(resource.attributes), schemaUrl, scope } })),
    ),
  );
  const byId = new Map(spans.map(({ span }) => [span.spanId, span]));
  const way = (span) => (span === undefined ? '' : `${way(byId.get(span.parentSpanId))}/${span.name}`);
  const texts = spans.map(({ span, about }) => {
    const { traceId, spanId, parentSpanId, start, end, ...rest } = span;
    const comparable = {
      way: way(span),
      hasIds: [traceId.length, spanId.length, parentSpanId.length, byId.has(parentSpanId)],
      hasTimes: BigInt(start) > 0n && BigInt(end) >= BigInt(start),
      ...rest,
      attributes: withoutVolatile(rest.attributes),
      events: rest.events.map(({ time, ...event }) => ({ ...event, isLater: BigInt(time) >= BigInt(start) })),
      links: rest.links.map(({ traceId: ofLink, spanId: to, ...link }) => ({
        ...link,
        way: way(byId.get(to)),
        isInTrace: ofLink === traceId,
      })),
      about,
    };
    return JSON.stringify(comparable).replaceAll(String(port), '<port>');
  });
  return texts.sort().map((text) => JSON.parse(text));
}

function withoutVolatile(attributes) {
  return attributes.filter(([key]) => !VOLATILE.test(key));
}

module.exports = { comparableSpans, expressUnavailable, makeProject, REQUESTS, runService, serve };
