// What the package weighs: the addon on disk, memory before the first span and 30 s after the last.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { offloopMissing, OURS, ROOT, STOCK } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';

export const name = 'footprint';
export const title = 'Footprint: addon size and memory';
export const heavy = false;

const OUTAGE_MEBIBYTES = 32;
const PROGRAM = fileURLToPath(new URL('../harness/memory_program.mjs', import.meta.url));

function addonMebibytes() {
  const files = readdirSync(join(ROOT, 'addon')).filter((file) => file.endsWith('.node'));
  return Math.max(...files.map((file) => statSync(join(ROOT, 'addon', file)).size)) / 2 ** 20;
}

function runtimeDependencies() {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  // Its own addon, one package per platform, is no dependency on anybody.
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies)].filter((name) => !/^@?offloop/.test(name))
    .length;
}

/** Growth of the resident set that `who` causes over a process that loads no exporter, in MiB. */
function memory(who, absent, spans, idleSeconds, outage) {
  return {
    name: who,
    absent,
    async body() {
      const receiver = await startReceiver({ status: outage ? 503 : 200 });
      const child = spawn(
        process.execPath,
        ['--expose-gc', PROGRAM, who, receiver.url, String(spans), String(idleSeconds), outage ?? ''],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
      });
      const code = await new Promise((settle) => child.on('close', settle));
      receiver.stop();
      if (code !== 0) throw new Error(`the memory program ended with ${code}`);
      return JSON.parse(text);
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  const missing = offloopMissing();
  const grown = (atMost) => ({
    what: 'resident set, grown',
    unit: 'MiB',
    metric: 'grownMiB',
    pick: 'median',
    subject: OURS,
    atMost,
  });
  return [
    {
      name: 'addon on disk',
      rounds: 1,
      warmUpRounds: 0,
      contenders: [{ name: OURS, absent: missing, body: async () => ({ mebibytes: addonMebibytes() }) }],
      rows: [{ what: 'size', unit: 'MiB', metric: 'mebibytes', subject: OURS, atMost: 4 }],
    },
    {
      name: 'package',
      rounds: 1,
      warmUpRounds: 0,
      contenders: [{ name: OURS, absent: missing, body: async () => ({ dependencies: runtimeDependencies() }) }],
      rows: [{ what: 'runtime npm dependencies', unit: '', metric: 'dependencies', subject: OURS, atMost: 0 }],
    },
    {
      name: 'before the first span',
      warmUpRounds: 0,
      contenders: [memory(OURS, missing, 0, 0), memory(STOCK, null, 0, 0)],
      rows: [grown(4)],
    },
    {
      name: '30 s after 100,000 spans',
      warmUpRounds: 0,
      heavy: true,
      limitSeconds: 600,
      contenders: [memory(OURS, missing, 100_000, 30), memory(STOCK, null, 100_000, 30)],
      rows: [grown(12)],
    },
    {
      name: 'outage: 200,000 spans meet nothing but 503',
      warmUpRounds: 0,
      note: `queue.maxBytes ${OUTAGE_MEBIBYTES} MiB, retries without end; grown over loading the exporter`,
      limitSeconds: 300,
      contenders: [
        memory(OURS, missing, 200_000, 1, `${OUTAGE_MEBIBYTES}`),
        memory(STOCK, null, 200_000, 1, `${OUTAGE_MEBIBYTES}`),
      ],
      rows: [grown(OUTAGE_MEBIBYTES), { ...grown(), what: 'spans waiting', unit: '', metric: 'pending' }],
    },
  ];
}
