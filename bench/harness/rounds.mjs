// Runs one case: set-up, warm-up, then rounds in which the contenders alternate, then tear-down.
import { collectGarbage, measure } from './meter.mjs';
import { summarizeSamples } from './statistics.mjs';

/** Least rounds of a reported figure. */
export const LEAST_ROUNDS = 5;

/**
 * Runs every contender of `benchCase` in turn, `rounds` times, and returns `{ [contender]: summary | { absent } }`.
 *
 * With `isSideBySide` the contenders of a round run at the same time: for rows that count and mostly wait, never for
 * rows of time.
 *
 * A contender is `{ name, absent?, setUp?, body(round, state), tearDown? }`; `body` resolves to numbers by metric.
 */
export async function runCase(benchCase, { rounds = LEAST_ROUNDS, progress = () => {} } = {}) {
  const present = benchCase.contenders.filter((contender) => !contender.absent);
  const results = {};
  for (const { name, absent } of benchCase.contenders) if (absent) results[name] = { absent };

  const running = [];
  try {
    for (const contender of present) {
      progress(`set-up ${contender.name}`);
      running.push({ contender, state: await contender.setUp?.(), samples: [] });
    }
    for (let round = -(benchCase.warmUpRounds ?? 1); round < rounds; round++) {
      // Who goes first alternates, so that neither always meets the hot or the throttled machine.
      const order = round % 2 ? [...running].reverse() : running;
      const words = (who) => (round < 0 ? `warm-up ${who}` : `round ${round + 1}/${rounds} ${who}`);
      const one = async ({ contender, state, samples }) => {
        const sample = await contender.body(round, state);
        if (round >= 0) samples.push(sample);
      };
      if (benchCase.isSideBySide) {
        progress(words('all'));
        collectGarbage();
        await Promise.all(order.map(one));
        continue;
      }
      for (const each of order) {
        progress(words(each.contender.name));
        collectGarbage();
        await one(each);
      }
    }
  } finally {
    for (const { contender, state } of running) await contender.tearDown?.(state);
  }
  for (const { contender, samples } of running) results[contender.name] = summarizeSamples(samples);
  return results;
}

/**
 * Warms `body` up for at least `warmMillis`, then says how many repeats make a sample of about `targetMillis`.
 *
 * Optimised code settles late: the stock serializers need some hundred batches before their figures stop falling.
 */
export async function calibrate(body, { targetMillis = 100, warmMillis = 400, most = 400 } = {}) {
  let repeat = 1;
  let spent = 0;
  for (;;) {
    const { wallMillis } = await measure(body, repeat);
    spent += wallMillis;
    const fit = Math.max(1, Math.min(most, Math.round((repeat * targetMillis) / Math.max(wallMillis, 0.01))));
    if (spent >= warmMillis) return fit;
    repeat = Math.min(fit, repeat * 2);
  }
}
