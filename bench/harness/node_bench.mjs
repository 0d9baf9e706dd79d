// Feeds scenarios to node:bench (Node >= 26.9, `--experimental-bench --bench`): the same bodies, its statistics.
import { after, bench, suite } from 'node:bench';

import { collectGarbage } from './meter.mjs';
import { LEAST_ROUNDS } from './rounds.mjs';

/** Spans of one record: node:bench shows operations per second, here spans per second of main-thread CPU. */
const SPANS_PER_RECORD = 1000;

/** Registers every case whose first row is a cost per span, one benchmark per contender. */
export function register(scenario) {
  for (const benchCase of scenario.cases()) {
    const [row] = benchCase.rows;
    if (benchCase.heavy || row.unit !== 'µs/span') continue;
    suite(`${scenario.name}, ${row.what}: ${benchCase.name}`, () => {
      for (const contender of benchCase.contenders) {
        if (contender.absent) continue;
        let state;
        let isSetUp = false;
        bench(
          `${benchCase.name}: ${contender.name}`,
          { samples: benchCase.rounds ?? LEAST_ROUNDS, warmup: 1 },
          async (b) => {
            if (!isSetUp) {
              state = await contender.setUp?.();
              isSetUp = true;
            }
            collectGarbage();
            const sample = await contender.body(0, state);
            const nanos = BigInt(Math.round(sample[row.metric] * SPANS_PER_RECORD * 1000));
            b.record({ operations: SPANS_PER_RECORD, duration_ns: nanos });
          },
        );
        after(async () => {
          if (isSetUp) await contender.tearDown?.(state);
        });
      }
    });
  }
}
