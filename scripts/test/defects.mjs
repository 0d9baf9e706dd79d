// Applies the committed defects of `tests/defects/` one by one, and demands that the test that each of them names fails.
// Each defect is a wrong decision, mostly one that another exporter has made; tests/defects/README.md says what is in an
// entry. The sources themselves stay as they are: the defects are applied to a worktree under `target/`.
//
//   node scripts/test/defects.mjs [--only part] [--changed ref] [--shard i/n] [--check] [--list]
//
// `--only` takes the defects whose file or description contains the part, `--changed` those that differ from `ref`
// themselves or whose file does, `--shard` every nth. `--check` runs nothing: it is the part of `npm run lint`.

import { parseArgs } from 'node:util';
import { runWithSetup, useCargo } from '../build/project.mjs';
import { check, readDefects, whatChanged } from './defect_list.mjs';
import { Tree } from './defect_tree.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    changed: { type: 'string' },
    shard: { type: 'string', default: '1/1' },
    check: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const defects = readDefects();
const problems = check(defects);
for (const problem of problems) console.error(`✖ ${problem}`);
const chosen = choose(defects);

if (problems.length > 0) process.exitCode = 1;
else if (values.check) console.log(`✔ ${defects.length} defects can be applied, and the tests that they name exist`);
else if (values.list) for (const { file, defect } of chosen) console.log(`${file}: ${defect}`);
else await runWithSetup(() => judgeAll(chosen));

function choose(all) {
  const [index, count] = values.shard.split('/').map(Number);
  if (!(index >= 1 && index <= count)) throw new Error(`--shard ${values.shard} is not of the form 1/4`);
  const isChanged = values.changed === undefined ? () => true : whatChanged(values.changed);
  return all
    .filter(({ file, defect }) => `${file}: ${defect}`.includes(values.only))
    .filter(isChanged)
    .filter((_, nth) => nth % count === index - 1);
}

async function judgeAll(chosen) {
  if (chosen.length === 0) return console.log('No defect is concerned.');
  useCargo();
  const tree = new Tree();
  // The defects of one test program one after the other, so that little has to be compiled between two of them.
  const programs = new Set(chosen.map(({ run }) => run));
  let bad = 0;
  for (const program of programs) {
    const defects = chosen.filter(({ run }) => run === program);
    const control = await tree.run(program, [...new Set(defects.map(({ fails }) => fails))]);
    if (control.verdict !== 'passed') {
      bad += defects.length;
      console.log(`✖ ${program}, without any defect: ${control.verdict}\n${control.output}`);
      continue;
    }
    for (const defect of defects) if (!(await judge(tree, defect))) bad += 1;
  }
  tree.restore();
  const [noticed, total] = [chosen.length - bad, chosen.length];
  console.log(bad === 0 ? `All ${total} defects were noticed.` : `${noticed} of ${total} defects were noticed.`);
  if (bad > 0) process.exitCode = 1;
}

/** Whether the test fails with the defect. A defect that does not compile, or whose test hangs, proves nothing. */
async function judge(tree, defect) {
  const started = performance.now();
  tree.apply(defect);
  const { verdict, output } = await tree.run(defect.run, [defect.fails]);
  const isNoticed = verdict === 'failed';
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(3);
  console.log(`${isNoticed ? '✔' : '✖'} ${seconds} s ${defect.file}: ${defect.defect}`);
  if (!isNoticed) console.log(`  ${defect.fails}: ${verdict === 'passed' ? 'it does not notice' : verdict}`);
  if (!isNoticed && verdict !== 'passed') console.log(output.split('\n').slice(-40).join('\n'));
  return isNoticed;
}
