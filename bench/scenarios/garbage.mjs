// What spans cost V8's collector, by processor: collections and pauses of a service that runs at a steady rate.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { NO_EXPORTER, OURS, processors, STOCK, STOCK_PROTOBUFJS } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { LEAST_ROUNDS } from '../harness/rounds.mjs';

export const name = 'garbage';
export const title = 'Garbage collection by processor, 10,000 spans/s: per 100,000 spans';
export const heavy = true;

const PROGRAM = fileURLToPath(new URL('../harness/garbage_program.mjs', import.meta.url));
const SPANS_PER_SECOND = 10_000;
const MILLIS = 2500;

/**
 * A service per contender that never rests, since V8 shrinks the young generation of a program that does: its rounds
 * follow each other, and the contenders run at the same time, each on a tenth of a core.
 */
function contender({ name: who, absent }, { attributes, textLength }) {
  return {
    name: who,
    absent,
    setUp() {
      const samples = run();
      samples.catch(() => {}); // the round that waits for it fails
      return { samples };
    },
    body: async (round, { samples }) => (await samples)[round % LEAST_ROUNDS],
  };

  async function run() {
    const receiver = await startReceiver({ countSpans: true });
    const words = [who, receiver.url, SPANS_PER_SECOND, attributes, textLength, LEAST_ROUNDS, MILLIS];
    const service = fork(PROGRAM, words.map(String), { execArgv: [] });
    const { made, rounds } = await new Promise((settle, reject) => {
      service.once('message', settle);
      service.once('exit', (code) => reject(new Error(`the garbage program ended with ${code}`)));
    });
    const { spans } = await receiver.totals();
    receiver.stop();
    // The SDK's queue may overflow on a busy machine; what is lost makes no garbage, so it is shown.
    if (who === OURS && spans !== made) throw new Error(`${spans} of ${made} spans arrived`);
    const delivered = who === NO_EXPORTER ? {} : { deliveredPercent: (100 * spans) / made };
    return rounds.map((figures) => ({ ...figures, ...delivered }));
  }
}

function row(what, unit, metric, more) {
  return { what, unit, metric, subject: OURS, ...more };
}

/** The rows of this scenario. */
export function cases() {
  const compared = processors().filter(({ name: who }) => [OURS, STOCK, STOCK_PROTOBUFJS].includes(who));
  const all = [...compared, { name: NO_EXPORTER, absent: null }];
  return [
    { name: '8 attributes', attributes: 8, textLength: 24 },
    { name: '2 x 2 KB', attributes: 2, textLength: 2048 },
  ].map(({ name: caseName, ...shape }) => ({
    name: caseName,
    warmUpRounds: 0,
    note: 'the contenders run at the same time, each on a tenth of a core',
    contenders: all.map((each) => contender(each, shape)),
    rows: [
      row('young collections', '', 'youngPer100k'),
      row('old collections', '', 'oldPer100k'),
      row('pauses, sum', 'ms', 'pauseMillisPer100k', { timesBetter: { [STOCK]: 1, [STOCK_PROTOBUFJS]: 1 } }),
      row('longest pause', 'ms', 'longestMillis'),
      row('delivered', '%', 'deliveredPercent'),
    ],
  }));
}
