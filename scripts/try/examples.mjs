// `node scripts/try/examples.mjs [name …]`: runs the examples as a user does, with what they depend on taken from npm into
// .cache/, and counts their spans at a receiver. Owns what is asked of each and what must arrive.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../build/project.mjs';
import { fetched } from '../build/fetched.mjs';

const LIMIT_MILLIS = 180_000;
const require = createRequire(import.meta.url);
const { decodeRequest } = require('../../__test__/helpers/otlp_decoder.js');

/** What is run, what it is asked, what it prints and which spans must arrive. */
const EXAMPLES = {
  express: { service: ['--require', './tracing.cjs', 'app.cjs'], spans: ['load order', 'GET'] },
  fastify: { service: ['--require', './tracing.cjs', 'app.cjs'], spans: ['load order', 'GET'] },
  nextjs: {
    before: ['node_modules/next/dist/bin/next', 'build'],
    service: ['node_modules/next/dist/bin/next', 'start'],
    isWhole: true, // its compiler follows no link that leads out of the project
    path: '/api/hello',
    spans: ['say hello'],
  },
  'worker-threads': { program: ['main.cjs'], prints: '1000 spans ended in two workers\n', count: 1000 },
  lambda: { program: ['invoke.cjs'], prints: 'hello Ada\nhello Grace\n', count: 2 },
  'record-replay': { program: ['record.cjs'], prints: /^pg [0-9a-f]{64}\n$/, count: 0 },
};

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(EXAMPLES)) await tryExample(name, EXAMPLES[name]);

async function tryExample(name, example) {
  const home = fetched(`example-${name}`, dependenciesOf(name));
  const project = example.isWhole ? home : mkdtempSync(path.join(tmpdir(), 'offloop-example-'));
  const receiver = await startReceiver();
  try {
    cpSync(path.join(root, 'examples', name), project, { recursive: true });
    if (example.isWhole) copyOffloop(project);
    else linkModules(home, project);
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, PORT: '0', NEXT_TELEMETRY_DISABLED: '1' };
    if (example.before) await finished(start(example.before, project, env), name);
    if (example.service) await askService(example, project, env, name);
    else checkPrinted(await finished(start(example.program, project, env), name), example, name);
    const missing = (example.spans ?? []).filter((span) => !receiver.names.includes(span));
    if (missing.length > 0)
      throw new Error(`${name}: ${missing.join(', ')} missing among ${receiver.names.join(', ')}`);
    if (example.count !== undefined && receiver.names.length !== example.count)
      throw new Error(`${name}: ${receiver.names.length} spans instead of ${example.count}`);
    const written = example.count === 0 ? 'none' : await withoutCollector(example, project, env, name);
    console.log(`✔ ${name}: ${receiver.names.length} spans, and ${written} in files without a collector`);
  } finally {
    receiver.close();
    if (!example.isWhole) rmSync(project, { recursive: true, force: true });
  }
}

/** The same program without a collector: how many spans it leaves in files. */
async function withoutCollector(example, project, { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...env }, name) {
  const directory = path.join(project, 'spans');
  rmSync(directory, { recursive: true, force: true });
  if (example.service) await askService(example, project, env, name);
  else await finished(start(example.program, project, env), name);
  const lines = readdirSync(directory).flatMap((file) =>
    readFileSync(path.join(directory, file), 'utf8').trim().split('\n'),
  );
  const scopes = lines.flatMap((line) => JSON.parse(line).resourceSpans).flatMap(({ scopeSpans }) => scopeSpans);
  const names = scopes.flatMap(({ spans }) => spans.map((span) => span.name));
  const missing = (example.spans ?? []).filter((span) => !names.includes(span));
  if (missing.length > 0 || (example.count !== undefined && names.length !== example.count))
    throw new Error(`${name} without a collector: ${names.length} spans, ${missing.join(', ') || 'none'} missing`);
  return names.length;
}

/** What the manifest of an example asks for, but for this checkout. */
function dependenciesOf(name) {
  const { dependencies } = JSON.parse(readFileSync(path.join(root, 'examples', name, 'package.json'), 'utf8'));
  const others = Object.entries(dependencies).filter(([dependency]) => dependency !== 'offloop');
  return others.map(([dependency, version]) => `${dependency}@${version}`);
}

function linkModules(home, project) {
  mkdirSync(path.join(project, 'node_modules'));
  for (const entry of readdirSync(path.join(home, 'node_modules')).filter((other) => other !== 'offloop'))
    symlinkSync(path.join(home, 'node_modules', entry), path.join(project, 'node_modules', entry), 'junction');
  symlinkSync(root, path.join(project, 'node_modules', 'offloop'), 'junction');
}

function copyOffloop(project) {
  for (const entry of ['package.json', 'index.js', 'js', 'addon'])
    cpSync(path.join(root, entry), path.join(project, 'node_modules', 'offloop', entry), {
      recursive: true,
      filter: (file) => !file.includes(`${path.sep}addon${path.sep}src`),
    });
}

async function askService({ service, path: page = '/orders/1' }, project, env, name) {
  const child = start(service, project, env);
  const origin = await new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const [found] = /http:\/\/localhost:\d+/.exec(child.output()) ?? [];
      if (found) resolve(found);
    });
    child.once('close', () => reject(new Error(`${name} ended: ${child.output()}`)));
  });
  const response = await fetch(`${origin}${page}`);
  if (response.status !== 200) throw new Error(`${name} answered ${response.status}: ${child.output()}`);
  await response.text();
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await closed;
}

function start(words, cwd, env) {
  const child = spawn(process.execPath, words, { cwd, env, timeout: LIMIT_MILLIS });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  child.output = () => output;
  return child;
}

function finished(child, name) {
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve(child.output()) : reject(new Error(`${name} ended with ${code}: ${child.output()}`)),
    );
  });
}

function checkPrinted(printed, { prints }, name) {
  const isExpected = typeof prints === 'string' ? printed === prints : prints.test(printed);
  if (!isExpected) throw new Error(`${name} printed ${printed}`);
}

async function startReceiver() {
  const names = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      for (const { scopes } of decodeRequest(Buffer.concat(chunks), request.headers['content-type']))
        for (const { spans } of scopes) for (const span of spans) names.push(span.name);
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { names, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
