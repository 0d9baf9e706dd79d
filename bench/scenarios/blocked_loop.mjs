// When spans arrive that ended just before the event loop is blocked.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { OURS, processors, STOCK, STOCK_PROTOBUFJS } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';

export const name = 'blocked';
export const title = 'Blocked event loop: 300 spans end, then nothing runs for 2 s';
export const heavy = false;

const PROGRAM = fileURLToPath(new URL('../harness/blocked_program.mjs', import.meta.url));
const SPANS = 300;
const BLOCK_MILLIS = 2000;
const DELAY_MILLIS = 500;

function runProgram(who, url) {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [PROGRAM, who, url, String(SPANS), String(BLOCK_MILLIS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, OTEL_BSP_SCHEDULE_DELAY: String(DELAY_MILLIS) },
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) settle(JSON.parse(text));
      else reject(new Error(`the program ended with ${code}`));
    });
  });
}

function contender({ name: who, absent }) {
  return {
    name: who,
    absent,
    async body() {
      const receiver = await startReceiver({ countSpans: true });
      const { endedAt } = await runProgram(who, receiver.url);
      const { spans, lastAt } = await receiver.totals();
      receiver.stop();
      if (spans !== SPANS + 1) throw new Error(`${spans} of ${SPANS + 1} spans arrived`);
      return { lateMillis: lastAt - endedAt };
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  const compared = processors().filter(({ name: who }) => [OURS, STOCK, STOCK_PROTOBUFJS].includes(who));
  return [
    {
      name: `${SPANS} spans`,
      warmUpRounds: 0,
      note: `a processor that sends every ${DELAY_MILLIS} ms (OTEL_BSP_SCHEDULE_DELAY)`,
      contenders: compared.map(contender),
      rows: [
        {
          what: 'last span arrives after',
          unit: 'ms',
          metric: 'lateMillis',
          subject: OURS,
          atMost: BLOCK_MILLIS - 500,
        },
      ],
    },
  ];
}
