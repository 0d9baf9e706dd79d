// `npm test`: owns the whole way from a fresh clone to a verdict: set-up, Rust tests, Node tests, types.
// It refuses to stop at the first failing step, so that one run shows everything that is wrong.
//
//   node scripts/test.mjs [--only core,node,types] [--all-nodes] [name ...]
//
// `name` picks Node test files by a part of their name. OFFLOOP_TEST_NODES=22,24 names the Node majors to run on,
// --all-nodes means all supported ones; without either it is the Node that runs this.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureAddon, ensureDependencies, ensureNode, root, runWithSetup, useCargo } from './build.mjs';
import { ALL_MAJORS, currentNode, isAtLeast, nodeOfMajor } from './node_binaries.mjs';

const LINE_3_NODE = [22, 15];
const NODE_RUN_LIMIT_MILLIS = 8 * 60 * 1000;
const testDirectory = path.join(root, '__test__');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, 'all-nodes': { type: 'boolean' } },
});
const wanted = values.only?.split(',') ?? ['core', 'node', 'types'];
const results = [];

await runWithSetup(async () => {
  const nodes = await timed('set-up', setUp);
  if (wanted.includes('core')) await timed('Rust tests', testCore);
  if (wanted.includes('node'))
    for (const node of nodes) await timed(`Node tests on ${node.version}`, () => testNode(node));
  if (wanted.includes('types')) await timed('types', testTypes);
  summarize();
});

async function setUp() {
  ensureNode();
  await ensureDependencies();
  const nodes = wanted.includes('node') ? chosenNodes() : [];
  const isLine3Run = nodes.some(({ version }) => isAtLeast(version, LINE_3_NODE));
  // The types of the 3.x line are compiled against on every Node.
  if (wanted.includes('types') || isLine3Run) await ensureIn('sdk-3.x');
  if (wanted.includes('node')) await ensureIn('express-2.x');
  if (isLine3Run) await ensureIn('express-3.x');
  if (nodes.length > 0) await ensureDependencies({ directory: path.join(testDirectory, 'tusk-sdk') });
  await ensureAddon();
  return nodes;
}

function ensureIn(name) {
  return ensureDependencies({ directory: path.join(testDirectory, name) });
}

function chosenNodes() {
  const majors = process.env.OFFLOOP_TEST_NODES?.split(',').map(Number) ?? (values['all-nodes'] ? ALL_MAJORS : []);
  return majors.length > 0 ? majors.map(nodeOfMajor) : [currentNode()];
}

async function testCore() {
  useCargo();
  const { code, output } = await run('cargo', ['test', '--workspace', '--quiet', '--no-fail-fast'], {
    limitMillis: 12 * 60 * 1000,
  });
  const passed = [...output.matchAll(/(\d+) passed/g)].reduce((total, [, count]) => total + Number(count), 0);
  const failed = [...output.matchAll(/(\d+) failed/g)].reduce((total, [, count]) => total + Number(count), 0);
  return { ok: code === 0, note: `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${exitNote(code)}` };
}

async function testNode({ command }) {
  const files = readdirSync(testDirectory)
    .filter((name) => /\.test\.m?js$/.test(name))
    .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
    .map((name) => path.join('__test__', name));
  const reporter = path.join('scripts', 'test_reporter.mjs');
  // A path that starts with a letter would be taken for a package name.
  const args = [
    '--test',
    `--test-reporter=./${reporter.replaceAll(path.sep, '/')}`,
    '--test-reporter-destination=stdout',
    ...files,
  ];
  const { code, output } = await run(command, args, { limitMillis: NODE_RUN_LIMIT_MILLIS, hide: /^TOTALS .*\n/m });
  const totals = JSON.parse(/^TOTALS (.*)$/m.exec(output)?.[1] ?? '{}');
  const note = Object.entries(totals).filter(([name, count]) => count > 0 || name === 'passed');
  // A run that passed nothing proves nothing.
  const ok = code === 0 && totals.passed > 0;
  return { ok, note: `${note.map(([name, count]) => `${count} ${name}`).join(', ')}${exitNote(code)}` };
}

async function testTypes() {
  const cli = path.join('node_modules', 'tsd', 'dist', 'cli.js');
  if (!existsSync(path.join(root, cli))) return { ok: false, note: 'tsd is not installed' };
  const { code } = await run(process.execPath, [cli, '--files', '__test__/*.test-d.ts'], { limitMillis: 120_000 });
  return { ok: code === 0, note: exitNote(code).slice(2) };
}

function exitNote(code) {
  return code === 0 ? '' : `, ended with ${code}`;
}

async function timed(name, step) {
  process.stdout.write(`\n── ${name}\n`);
  const started = Date.now();
  const result = await step();
  const outcome = result?.ok === undefined ? { ok: true, note: '' } : result;
  results.push({ name, seconds: (Date.now() - started) / 1000, ...outcome });
  return result;
}

function summarize() {
  process.stdout.write('\n── summary\n');
  for (const { name, seconds, ok, note } of results) {
    process.stdout.write(`  ${ok ? '✔' : '✖'} ${name.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s   ${note}\n`);
  }
  const failed = results.filter(({ ok }) => !ok);
  process.stdout.write(
    failed.length === 0 ? 'All green.\n' : `FAILED: ${failed.map(({ name }) => name).join(', ')}.\n`,
  );
  if (failed.length > 0) process.exitCode = 1;
}

/** Runs a command with its output shown as it comes; one that outlives its limit is killed with all its children. */
function run(command, args, { limitMillis, hide }) {
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== 'win32';
    const child = spawn(command, args, {
      cwd: root,
      env: testEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: ownGroup,
    });
    const stop = () => (ownGroup ? process.kill(-child.pid, 'SIGKILL') : child.kill('SIGKILL'));
    const interrupted = () => {
      stop();
      process.exit(130);
    };
    process.once('SIGINT', interrupted);
    process.once('SIGTERM', interrupted);
    let output = '';
    const show = (stream) => (chunk) => {
      output += chunk;
      stream.write(hide ? String(chunk).replace(hide, '') : chunk);
    };
    child.stdout.setEncoding('utf8').on('data', show(process.stdout));
    child.stderr.setEncoding('utf8').on('data', show(process.stderr));
    const timer = setTimeout(() => {
      process.stderr.write(`\n${path.basename(command)} ${args[0]} ran for ${limitMillis / 1000} s and was stopped.\n`);
      stop();
    }, limitMillis);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      resolve({ code: code ?? signal, output });
    });
  });
}

/** The tests set what they need; what the developer's shell says about OpenTelemetry must not reach them. */
function testEnvironment() {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('OTEL_') && !/^(https?|all|no)_proxy$/i.test(name),
  );
  return Object.fromEntries(entries);
}
