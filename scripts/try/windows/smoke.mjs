// Owns the verdict on the packed tarballs as somebody on Windows gets them: installed into an empty project, run from CommonJS
// and from an ES module, and every end that a process has on Windows with 300 spans still in the processor.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { npmCommand, root } from '../../build/project.mjs';
import { run } from '../../test/steps.mjs';
import { writePrograms } from '../package_programs.mjs';
import { built } from './build.mjs';
import { cache, inWine, windowsPath, work } from './wine.mjs';

const MINUTE_MILLIS = 60_000;
const SPANS = 300;
const packages = path.join(cache, 'packages');
const project = path.join(work, 'project');

/** How a program ends, what it ends with, and what it may say. */
const ENDS = {
  'natural end': { end: '', code: 0, says: /^$/ },
  'process.exit()': { end: 'process.exit(3);', code: 3, says: /^$/ },
  'process.exit() in a later turn': { end: 'setImmediate(() => process.exit(3));', code: 3, says: /^$/ },
  'uncaught exception': { end: "throw new Error('the uncaught one');", code: 1, says: /the uncaught one/ },
};

export async function installPackages() {
  const words = ['scripts/release/pack.mjs', '--platforms', 'win32-x64-msvc'];
  words.push('--binaries', path.relative(root, built), '--out', path.relative(root, packages));
  const packed = await run(process.execPath, words, { limitMillis: 10 * MINUTE_MILLIS });
  if (packed.code !== 0) return { ok: false, note: `pack ended with ${packed.code}` };
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }\n');
  const files = readdirSync(packages)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => path.join(packages, name));
  const [command, ...first] = npmCommand();
  // Without force npm refuses what is for another system.
  const flags = ['--force', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { status, stdout, stderr } = spawnSync(command, [...first, 'install', ...flags, ...files], {
    cwd: project,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`npm install: ${stdout}${stderr}`);
  writePrograms(project);
  writeEnds();
  const installed = readdirSync(path.join(project, 'node_modules', '@offloop'));
  return { ok: installed.join() === 'binding-win32-x64-msvc', note: `offloop, @offloop/${installed.join()}` };
}

function writeEnds() {
  const text = readFileSync(path.join(project, 'app.cjs'), 'utf8');
  // The span of the other programs, with a name of its own each.
  const literal = text.slice(text.indexOf('const id = '), text.indexOf('const url = '));
  const program = `
const { BatchSpanProcessor, OTLPTraceExporter } = require('offloop');
${literal}
const exporter = new OTLPTraceExporter({ url: process.argv[2], protocol: 'http/json' });
const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 20000 });
for (let nth = 0; nth < ${SPANS}; nth++) processor.onEnd({ ...span, name: 'span ' + nth });
`;
  for (const [nth, { end }] of Object.values(ENDS).entries())
    writeFileSync(path.join(project, `end-${nth}.cjs`), program + end);
}

/** Both programs and every end on one Node.js; the verdict as a step returns it. */
export async function tryPackages(node) {
  const problems = [];
  for (const program of ['app.cjs', 'app.mjs']) {
    const { code, stdout, stderr, received } = await runProgram(node, program);
    const types = received.map(({ type }) => type).sort();
    const isRight = stdout.trim() === '[1,1]' && stderr === '' && code === 0;
    if (!isRight || types.join() !== 'application/json,application/x-protobuf')
      problems.push(`${program}: ${code} ${stdout}${stderr} ${types.join()}`);
  }
  const ends = [];
  for (const [nth, [name, { code: expected, says }]] of Object.entries(ENDS).entries()) {
    const { code, stdout, stderr, received } = await runProgram(node, `end-${nth}.cjs`);
    const names = received.flatMap(({ body }) => namesOf(JSON.parse(body)));
    const isRight = names.length === SPANS && new Set(names).size === SPANS && code === expected && says.test(stderr);
    ends.push(`${name} ${names.length}/${SPANS}`);
    if (!isRight || stdout !== '')
      problems.push(`${name}: ${names.length} spans, ended with ${code}, ${stdout}${stderr}`);
  }
  problems.push(...(await tryCommand(node)));
  for (const problem of problems) process.stdout.write(`  ✖ ${problem}\n`);
  return { ok: problems.length === 0, note: `2 programs; ${ends.join(', ')}; offloop stats` };
}

/** A span in a file, and the installed command that reads it with the program beside the addon. */
async function tryCommand(node) {
  const inProject = (words) =>
    inWine([windowsPath(node.command), ...words], { limitMillis: 2 * MINUTE_MILLIS, directory: project });
  rmSync(path.join(project, 'spans'), { recursive: true, force: true });
  const written = await inProject(['spans.cjs', 'spans']);
  const { code, stdout, stderr } = await inProject(['node_modules/offloop/bin/offloop.js', 'stats', 'spans', '--json']);
  if (written.code === 0 && code === 0 && stdout.includes('"tried"')) return [];
  return [`offloop stats: ${written.code} ${written.stderr}; ${code} ${stdout}${stderr}`];
}

async function runProgram(node, program) {
  const received = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ type: request.headers['content-type'], body: Buffer.concat(chunks) });
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${server.address().port}/v1/traces`;
    const words = [windowsPath(node.command), program, url];
    const result = await inWine(words, { limitMillis: 2 * MINUTE_MILLIS, directory: project });
    return { ...result, received };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function namesOf({ resourceSpans }) {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)));
}
