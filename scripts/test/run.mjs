// `npm test`: owns the whole way from a fresh clone to a verdict: set-up, Rust tests, Node tests, types.
// It refuses to stop at the first failing step, so that one run shows everything that is wrong.
//
//   node scripts/test/run.mjs [--only core,node,types] [--all-nodes] [name ...]
//
// `name` picks Node test files by a part of their name. Without a name all files of the first stage run; the name `.long.`
// picks those of the second. OFFLOOP_TEST_NODES=22,24 names the Node majors to run on,
// --all-nodes means all supported ones; without either it is the Node that runs this.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  ensureAddon,
  ensureDependencies,
  ensureNode,
  ensureViewer,
  root,
  runWithSetup,
  useCargo,
} from '../build/project.mjs';
import { ALL_MAJORS, currentNode, isAtLeast, nodeOfMajor } from '../build/node_binaries.mjs';
import { slowness } from './machine_speed.mjs';
import { runNodeTests, testFiles } from './node_tests.mjs';
import { exitNote, run, rustTotals, summarize, timed } from './steps.mjs';
import { ensureTestDependencies } from './test_dependencies.mjs';

const LINE_3_NODE = [22, 15];
const BUILD_LIMIT_MILLIS = 60 * 60_000;
const CORE_LIMIT_MILLIS = 10 * 60_000;
const FILE_LIMIT_MILLIS = 120_000; // three times what the longest file takes on a quiet machine
const CARGO_TEST = ['test', '--workspace', '--quiet'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, 'all-nodes': { type: 'boolean' } },
});
const wanted = values.only?.split(',') ?? ['core', 'node', 'types'];

await runWithSetup(async () => {
  const nodes = await timed('set-up', setUp);
  if (wanted.includes('core') && (await timed('build of the Rust tests', buildCore)).ok)
    await timed('Rust tests', testCore);
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
  if (wanted.includes('types')) await ensureDependencies({ directory: path.join(root, '__test__', 'sdk-3.x') });
  if (wanted.includes('node')) await ensureTestDependencies({ withLine3: isLine3Run });
  await ensureAddon();
  await ensureViewer();
  return nodes;
}

function chosenNodes() {
  const majors = process.env.OFFLOOP_TEST_NODES?.split(',').map(Number) ?? (values['all-nodes'] ? ALL_MAJORS : []);
  return majors.length > 0 ? majors.map(nodeOfMajor) : [currentNode()];
}

/** A build may take any time on a small machine; what hangs is a test. */
async function buildCore() {
  useCargo();
  const { code } = await run('cargo', [...CARGO_TEST, '--no-run'], { limitMillis: BUILD_LIMIT_MILLIS });
  return { ok: code === 0, note: exitNote(code).slice(2) };
}

async function testCore() {
  const started = performance.now();
  const moreTime = async () => CORE_LIMIT_MILLIS * (await slowness()) - (performance.now() - started);
  const args = [...CARGO_TEST, '--no-fail-fast'];
  const { code, output } = await run('cargo', args, { limitMillis: CORE_LIMIT_MILLIS, moreTime });
  return { ok: code === 0, note: `${rustTotals(output)}${exitNote(code)}` };
}

function testNode({ command }) {
  return runNodeTests(command, testFiles(positionals), { limitMillis: FILE_LIMIT_MILLIS });
}

async function testTypes() {
  const cli = path.join('node_modules', 'tsd', 'dist', 'cli.js');
  if (!existsSync(path.join(root, cli))) return { ok: false, note: 'tsd is not installed' };
  const { code } = await run(process.execPath, [cli, '--files', '__test__/*/*.test-d.ts'], { limitMillis: 120_000 });
  return { ok: code === 0, note: exitNote(code).slice(2) };
}
