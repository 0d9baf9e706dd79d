// What arrives of 300 spans when the program ends right after them, by the way it ends.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { IMPORT_ALONE, offloop, offloopMissing, OURS, STOCK } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';

export const name = 'exit';
export const title = 'Exit: delivered of 300 spans that ended just before the program';
export const heavy = false;

const PROGRAM = fileURLToPath(new URL('../harness/exit_program.mjs', import.meta.url));
const SPANS = 300;
const ENDINGS = ['natural end', 'process.exit()', 'uncaught throw', 'SIGTERM'];
const LIMIT_MILLIS = 20_000;

/** Runs the program to its end; SIGTERM is sent by us once it says that its spans have ended. */
function runProgram(who, path, ending, url) {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [PROGRAM, who, path, ending, url, String(SPANS)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const started = performance.now();
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MILLIS);
    child.stdout.on('data', () => {
      if (ending === 'SIGTERM') child.kill('SIGTERM');
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      settle({ code, signal, millis: performance.now() - started });
    });
  });
}

function contender(who, absent, path, ending) {
  return {
    name: who,
    absent,
    async body() {
      const receiver = await startReceiver({ countSpans: true });
      const { millis } = await runProgram(who, path, ending, receiver.url);
      await new Promise((resolve) => setTimeout(resolve, 50)); // what the sockets still held
      const { spans } = await receiver.totals();
      receiver.stop();
      return { delivered: spans, lifeMillis: millis };
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  const missing = offloopMissing();
  const noProcessor = missing ?? (offloop().BatchSpanProcessor ? null : 'no BatchSpanProcessor yet');
  return ['exporter', 'processor'].flatMap((path) =>
    ENDINGS.map((ending) => ({
      name: `${path}, ${ending}`,
      heavy: path === 'exporter',
      warmUpRounds: 0,
      note: ending === 'SIGTERM' ? "Offloop with exit: { signals: ['SIGTERM'] }" : undefined,
      contenders: [
        contender(OURS, path === 'processor' ? noProcessor : missing, path, ending),
        contender(STOCK, null, path, ending),
        ...(path === 'processor' ? [contender(IMPORT_ALONE, missing, path, ending)] : []),
      ],
      rows: [
        {
          what: 'delivered',
          unit: `of ${SPANS} spans`,
          metric: 'delivered',
          pick: 'min',
          higherIsBetter: true,
          subject: OURS,
          atLeast: SPANS,
        },
        { what: 'life of the program', unit: 'ms', metric: 'lifeMillis', subject: OURS },
      ],
    })),
  );
}
