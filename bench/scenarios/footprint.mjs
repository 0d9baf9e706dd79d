// What the package weighs: the addon on disk, memory before the first span and 30 s after the last.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { NO_EXPORTER, offloopMissing, OURS, ROOT, STOCK } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { LEAST_ROUNDS } from '../harness/rounds.mjs';

export const name = 'footprint';
export const title = 'Footprint: addon size and memory';
export const heavy = false;

const OUTAGE_MEBIBYTES = 32;
/** What docs/adr/packages.md allows, in megabytes of 10⁶ bytes. */
const MOST_MEGABYTES = { addon: 5, addonPacked: 2.6, rootPacked: 0.22 };
const PROGRAM = fileURLToPath(new URL('../harness/memory_program.mjs', import.meta.url));

/** The addon of this checkout; the largest, where several platforms' lie there. */
function addonFile() {
  const files = readdirSync(join(ROOT, 'addon')).filter((file) => file.endsWith('.node'));
  const paths = files.map((file) => join(ROOT, 'addon', file));
  return paths.reduce((most, file) => (statSync(file).size > statSync(most).size ? file : most));
}

function runtimeDependencies() {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  // Its own addon, one package per platform, is no dependency on anybody.
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies)].filter((name) => !/^@?offloop/.test(name))
    .length;
}

/** What a user downloads: the root package as it is published, and the addon as gzip leaves it. */
function packedSizes() {
  const out = mkdtempSync(join(tmpdir(), 'offloop-packed-'));
  const words = [join('scripts', 'release', 'pack.mjs'), '--only-root', '--out', out];
  execFileSync(process.execPath, words, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const [tarball] = readdirSync(out).filter((file) => file.endsWith('.tgz'));
  const { size } = statSync(join(out, tarball));
  rmSync(out, { recursive: true });
  return { rootKilobytes: size / 1000, addonMegabytes: gzipSync(readFileSync(addonFile()), { level: 9 }).length / 1e6 };
}

function runProgram(words) {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', PROGRAM, ...words.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('close', (code) => {
      if (code === 0) settle(JSON.parse(text));
      else reject(new Error(`the memory program ended with ${code}`));
    });
  });
}

/** Growth of the resident set that `who` causes, in MiB. The rounds run side by side: most of their time is waiting. */
function memory(who, absent, { spans = 0, idleSeconds = 0, isOutage = false }) {
  return {
    name: who,
    absent,
    async setUp() {
      const receiver = await startReceiver({ status: isOutage ? 503 : 200 });
      const good = await startReceiver();
      const outage = isOutage ? JSON.stringify({ goodUrl: good.url, maxBytes: OUTAGE_MEBIBYTES * 2 ** 20 }) : '';
      const words = [who, receiver.url, spans, idleSeconds, outage];
      const samples = Array.from({ length: LEAST_ROUNDS }, () => runProgram(words));
      for (const sample of samples) sample.catch(() => {}); // the round that waits for it fails
      return { samples, stop: () => [receiver, good].map((each) => each.stop()) };
    },
    body: (round, { samples }) => samples[round % samples.length],
    tearDown: ({ stop }) => stop(),
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
      contenders: [
        { name: OURS, absent: missing, body: async () => ({ megabytes: statSync(addonFile()).size / 1e6 }) },
      ],
      rows: [{ what: 'size', unit: 'MB', metric: 'megabytes', subject: OURS, atMost: MOST_MEGABYTES.addon }],
    },
    {
      name: 'package',
      rounds: 1,
      warmUpRounds: 0,
      contenders: [{ name: OURS, absent: missing, body: async () => ({ dependencies: runtimeDependencies() }) }],
      rows: [{ what: 'runtime npm dependencies', unit: '', metric: 'dependencies', subject: OURS, atMost: 0 }],
    },
    {
      name: 'packed',
      rounds: 1,
      warmUpRounds: 0,
      note: 'the addon as it was built here; the release is built with Zig',
      contenders: [{ name: OURS, absent: missing, body: async () => packedSizes() }],
      rows: [
        {
          what: 'root package',
          unit: 'KB',
          metric: 'rootKilobytes',
          subject: OURS,
          atMost: MOST_MEGABYTES.rootPacked * 1000,
        },
        {
          what: 'addon, gzip',
          unit: 'MB',
          metric: 'addonMegabytes',
          subject: OURS,
          atMost: MOST_MEGABYTES.addonPacked,
        },
      ],
    },
    {
      name: 'before the first span',
      warmUpRounds: 0,
      contenders: [memory(OURS, missing, {}), memory(STOCK, null, {})],
      rows: [grown(4)],
    },
    {
      name: '30 s after 100,000 spans',
      warmUpRounds: 0,
      heavy: true,
      isWaiting: true,
      limitSeconds: 300,
      contenders: [
        memory(OURS, missing, { spans: 100_000, idleSeconds: 30 }),
        memory(STOCK, null, { spans: 100_000, idleSeconds: 30 }),
        memory(NO_EXPORTER, null, { spans: 100_000, idleSeconds: 30 }),
      ],
      note: 'over the same program without exporter, whose heap shrinks while it waits',
      rows: [{ ...grown(12), above: { [OURS]: NO_EXPORTER, [STOCK]: NO_EXPORTER } }],
    },
    {
      name: '35 s of nothing but 503',
      warmUpRounds: 0,
      heavy: true,
      isWaiting: true,
      limitSeconds: 300,
      note:
        `200,000 spans at once, then 512 each 200 ms; queue.maxSpans 1000000, maxBytes ${OUTAGE_MEBIBYTES} MiB, retries without end; ` +
        'grown over an exporter that has sent 200,000 spans',
      contenders: [
        memory(OURS, missing, { spans: 200_000, idleSeconds: 35, isOutage: true }),
        memory(STOCK, null, { spans: 200_000, idleSeconds: 35, isOutage: true }),
      ],
      rows: [
        grown(OUTAGE_MEBIBYTES),
        { what: 'spans waiting', unit: '', metric: 'pending', higherIsBetter: true, subject: OURS },
      ],
    },
  ];
}
