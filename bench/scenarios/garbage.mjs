// What spans cost V8's collector, by processor: collections and pauses at 5,000 spans/s, as a service has them.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { NO_EXPORTER, OURS, processors } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';

export const name = 'garbage';
export const title = 'Garbage collection by processor, 5,000 spans/s: per 100,000 spans';
export const heavy = true;

const PROGRAM = fileURLToPath(new URL('../harness/garbage_program.mjs', import.meta.url));
const SPANS_PER_SECOND = 5000;
const SECONDS = 8;

function contender({ name: who, absent }, { attributes, textLength }) {
  return {
    name: who,
    absent,
    async body() {
      const receiver = await startReceiver({ countSpans: true });
      const args = [PROGRAM, who, receiver.url, SPANS_PER_SECOND, SECONDS, attributes, textLength];
      const child = spawn(process.execPath, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
      });
      const code = await new Promise((settle) => child.on('close', settle));
      const { spans } = await receiver.totals();
      receiver.stop();
      if (code !== 0) throw new Error(`the garbage program ended with ${code}`);
      const { made, ...figures } = JSON.parse(text);
      // The SDK's queue may overflow on a busy machine; what is lost makes no garbage, so it is shown.
      if (who === OURS && spans !== made) throw new Error(`${spans} of ${made} spans arrived`);
      return { ...figures, deliveredPercent: who === NO_EXPORTER ? undefined : (100 * spans) / made };
    },
  };
}

function row(what, unit, metric) {
  return { what, unit, metric, subject: OURS };
}

/** The rows of this scenario. */
export function cases() {
  const all = [...processors(), { name: NO_EXPORTER, absent: null }];
  return [
    { name: '8 attributes', attributes: 8, textLength: 24 },
    { name: '2 x 2 KB', attributes: 2, textLength: 2048 },
  ].map(({ name: caseName, ...shape }) => ({
    name: caseName,
    warmUpRounds: 0,
    limitSeconds: 600,
    contenders: all.map((each) => contender(each, shape)),
    rows: [
      row('young collections', '', 'youngPer100k'),
      row('old collections', '', 'oldPer100k'),
      row('pauses, sum', 'ms', 'pauseMillisPer100k'),
      row('longest pause', 'ms', 'longestMillis'),
      row('delivered', '%', 'deliveredPercent'),
    ],
  }));
}
