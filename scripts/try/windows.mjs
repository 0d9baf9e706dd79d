// `node scripts/try/windows.mjs [--only machine,lint,build,wine,packages,node20,node22,node24,core,suite,suite22,suite24] [--files <part>,…]`:
// builds for Windows on Debian and runs the result under Wine. Owns the verdict on what the README says of Windows.
//
//   node20 … node24   the packed tarballs, installed, on that Node.js: two programs, and 300 spans at every end
//   core              the core's tests
//   suite             the Node.js tests on Node.js 20; suite22 and suite24 run those that meet the system most
//
// It needs root, for a directory with a system of its own (.cache/windows/root, 1 GB); without, it says so in one line. All
// that it fetches stays in .cache, and what it installs on the machine are the packages that windows/machine.mjs names.

import { parseArgs } from 'node:util';
import { ensureDependencies, ensureNode, runWithSetup, useCargo } from '../build/project.mjs';
import { summarize, timed } from '../test/steps.mjs';
import { buildBinaries, lint } from './windows/build.mjs';
import { runCoreTests } from './windows/core.mjs';
import { ensureMachine, lackOf } from './windows/machine.mjs';
import { MAJORS, nodeForWindows } from './windows/nodes.mjs';
import { installPackages, tryPackages } from './windows/smoke.mjs';
import { runSuite, suiteFiles } from './windows/suite.mjs';
import { layTree } from './windows/tree.mjs';
import { ensureWine } from './windows/wine.mjs';

const MINUTE_MILLIS = 60_000;
const SUITE_LIMIT_MILLIS = 120 * MINUTE_MILLIS;
/** The Node.js that all files are run on; on the others, those that meet the system or Node's own code. */
const FULL_SUITE = 20;
const SHORT_LIST = [
  'exporter/exporter.test.js',
  'exporter/file_exporter.test.js',
  'monitor/event_loop_monitor_spans.long.test.js',
  'package/load_failure.test.js',
  'process/exit_matrix.test.js',
  'process/workers.test.js',
  'transport/head_of_line.test.js',
  'transport/tls_matrix.test.js',
];

let isTreeLaid = false;

const steps = {
  machine: ['what the machine needs', ensureMachine],
  lint: ['clippy for Windows', lint],
  build: ['the binaries for Windows', buildBinaries],
  wine: ['Wine', ensureWine],
  packages: ['packed and installed', installPackages],
};
for (const major of MAJORS)
  steps[`node${major}`] = [`packages on Node.js ${major}`, () => tryPackages(nodeForWindows(major))];
steps.core = ["the core's tests", inTree(runCoreTests)];
for (const major of MAJORS) {
  const isFull = major === FULL_SUITE;
  const files = () => suiteFiles(values.files?.split(',') ?? (isFull ? undefined : SHORT_LIST));
  const step = inTree(() => runSuite(nodeForWindows(major), files(), { limitMillis: SUITE_LIMIT_MILLIS }));
  steps[isFull ? 'suite' : `suite${major}`] = [`Node.js tests on Node.js ${major}`, step];
}
const { values } = parseArgs({ options: { only: { type: 'string' }, files: { type: 'string' } } });
const wanted = values.only?.split(',') ?? Object.keys(steps);
const unknown = wanted.filter((key) => steps[key] === undefined);
if (unknown.length > 0)
  throw new Error(`no such step: ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`);

await runWithSetup(async () => {
  ensureNode();
  const lack = lackOf();
  if (lack !== undefined) {
    process.stdout.write(`Windows is SKIPPED: ${lack}.\n`);
    return;
  }
  useCargo();
  await ensureDependencies();
  for (const key of wanted) {
    const [name, step] = steps[key];
    await timed(name, step);
  }
  summarize();
});

/** The copy of the repository is laid once for all steps that need it. */
function inTree(step) {
  return async () => {
    if (!isTreeLaid) await layTree();
    isTreeLaid = true;
    return step();
  };
}
