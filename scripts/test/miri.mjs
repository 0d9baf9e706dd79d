// `npm run test:miri`: the ledger and the queue under Miri, with many schedules of their threads.
// It refuses to call it a success where there is no Miri: it says that it has skipped, and why.

import { spawnSync } from 'node:child_process';
import { root, runWithSetup, useCargo } from '../build/project.mjs';
import { exitNote, run, rustTotals, summarize, timed } from './steps.mjs';

const SEEDS = 32;
const MINUTE_MILLIS = 60_000;
const TESTS = ['pipeline::tests::bounds', 'pipeline::tests::epochs'];

await runWithSetup(async () => {
  useCargo();
  const miri = spawnSync('cargo', ['+nightly', 'miri', '--version'], { cwd: root, encoding: 'utf8' });
  if (miri.status !== 0) {
    const [reason = 'cargo does not start'] = miri.stderr?.trim().split('\n') ?? [];
    console.log(`SKIPPED: no Miri here (${reason}). To install it: rustup +nightly component add miri`);
    return;
  }
  console.log(miri.stdout.trim());
  for (const test of TESTS) {
    await timed(`${test}, ${SEEDS} seeds`, async () => {
      const env = { MIRIFLAGS: `-Zmiri-many-seeds=0..${SEEDS}` };
      const args = ['+nightly', 'miri', 'test', '--lib', test];
      const { code, output } = await run('cargo', args, { limitMillis: 60 * MINUTE_MILLIS, env });
      const totals = rustTotals(output);
      return { ok: code === 0 && !totals.startsWith('0 '), note: `${totals}${exitNote(code)}` };
    });
  }
  summarize();
});
