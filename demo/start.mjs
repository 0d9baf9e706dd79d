// `npm start`: installs and builds what is missing, runs the demo and leaves table, spans and report in a folder.

import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  ensureAddon,
  ensureViewer,
  ensureDependencies,
  ensureNode,
  root,
  runWithSetup,
  SetupError,
} from '../scripts/build/project.mjs';

const DEFAULT_SECONDS = 15;
const LONGEST_SECONDS = 20; // more would outgrow the ten files of 64 MiB that the file exporter keeps
const WARMUP_SECONDS = 2;
const FREE_BYTES = 1e9;

function secondsPerPhase() {
  const text = process.env.OFFLOOP_DEMO_SECONDS;
  if (!text?.trim()) return DEFAULT_SECONDS;
  const seconds = Number(text);
  if (seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
  throw new SetupError(
    `OFFLOOP_DEMO_SECONDS is the length of a phase, from 1 to ${LONGEST_SECONDS} seconds; it is '${text}'.`,
    'BAD_SECONDS',
  );
}

// A terminal gets one line that changes; a log gets a line every few seconds.
function progressLine() {
  const terminal = process.stdout.isTTY;
  let shownAt = performance.now();
  return {
    show(text) {
      if (terminal) process.stdout.write(`\r\x1b[2K  ${text}`);
      else if (performance.now() - shownAt > 4_900) process.stdout.write(`  ${text}\n`);
      else return;
      shownAt = performance.now();
    },
    clear() {
      shownAt = performance.now();
      if (terminal) process.stdout.write('\r\x1b[2K');
    },
  };
}

function version() {
  return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version;
}

function machine() {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}, ${release()}`,
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} available`,
    memoryGiB: totalmem() / 2 ** 30,
  };
}

async function main() {
  ensureNode();
  const seconds = secondsPerPhase();
  await ensureDependencies();
  await ensureAddon();
  await ensureViewer();

  const demo = (name) => import(pathToFileURL(path.join(root, 'demo', name)).href);
  const [{ LOAD, PHASES, runPhases }, { count, summarize, tableText }, { reportHtml }, { blockedText, runBlocked }] =
    await Promise.all(['phases.mjs', 'summary.mjs', 'report.mjs', 'blocked.mjs'].map(demo));
  const output = path.resolve(process.env.OFFLOOP_DEMO_DIRECTORY ?? path.join(root, 'offloop-demo'));
  mkdirSync(output, { recursive: true });
  const { bavail, bsize } = statfsSync(output);
  if (bavail * bsize < FREE_BYTES)
    throw new SetupError(
      `The demo leaves up to 1 GB of spans in ${output}; there is less than that free.`,
      'DISK_FULL',
    );
  const warmupSeconds = Math.min(WARMUP_SECONDS, seconds);

  console.log(
    `A service under ${LOAD.requestsPerSecond} requests/s on ${LOAD.connections} connections, ` +
      `${PHASES.length} phases of ${seconds} s after ${warmupSeconds} s of warm-up.`,
  );
  const line = progressLine();
  const startedAt = new Date();
  const results = await runPhases({
    seconds,
    warmupSeconds,
    directory: path.join(output, 'spans'),
    onPhase: (phase, index) => {
      line.clear();
      console.log(`${index + 1}/${PHASES.length} ${phase.title}`);
    },
    onProgress: (_phase, seen) =>
      line.show(
        `${seen.requests === 0 ? 'warming up' : `${count(seen.requests)} requests`}, ` +
          `${count(seen.ended)} spans ended, longest loop delay just now ${seen.recentMaxMillis.toFixed(0)} ms`,
      ),
    onResult: () => line.clear(),
  });

  const block = await runBlocked(path.join(output, 'spans-blocked'));
  const rows = summarize(results);
  const run = {
    startedAt: startedAt.toISOString(),
    seconds,
    warmupSeconds,
    load: LOAD,
    offloop: version(),
    machine: machine(),
  };
  writeFileSync(path.join(output, 'result.json'), `${JSON.stringify({ run, rows, block, results }, null, 2)}\n`);
  writeFileSync(path.join(output, 'report.html'), reportHtml({ run, rows, block, results }));
  console.log(`\n${tableText(rows)}\n`);
  console.log(blockedText(block));
  for (const note of notes(rows, results)) console.log(note);
  const relative = (name) => path.relative(process.cwd(), path.join(output, name)) || '.';
  console.log(`Report ${relative('report.html')} · spans ${relative('spans')} · numbers ${relative('result.json')}`);
  // The blocked handler's spans are beside the others.
  console.log(`Look at the spans: npx --no-install offloop view ${relative('spans')} ${relative('spans-blocked')}`);
}

function notes(rows, results) {
  const said = [];
  for (const row of rows) {
    if (row.requestErrors > 0) said.push(`${row.title}: ${row.requestErrors} requests failed.`);
    if (row.undecodable > 0) said.push(`${row.title}: ${row.undecodable} bodies or lines could not be decoded.`);
    if (row.delivered !== null && row.delivered !== row.ended)
      said.push(`${row.title}: ${row.ended - row.delivered} of ${row.ended} spans were not delivered.`);
  }
  const { mainThreadCpuExact, mainThreadCpuSource } = results[0].service;
  if (!mainThreadCpuExact)
    said.push(`CPU is from ${mainThreadCpuSource}, because this platform has no clock per thread.`);
  return said;
}

await runWithSetup(main);
