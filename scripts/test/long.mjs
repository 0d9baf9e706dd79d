// `npm run test:long`: owns what takes too long for `npm test`: many scenarios, every defect, the long forms of suites.
// It refuses to stop at the first failing step; every step is bounded in time.
//
//   node scripts/test/long.mjs [--only weather,lives,late,schedule,address,thread,node,browser,proxies,zero-code,windows,macos,defects] [--shard i/n]
//
// `--shard` divides the defects; the other steps are run by the first shard only.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ensureAddon, ensureDependencies, ensureNode, root, runWithSetup, useCargo } from '../build/project.mjs';
import { allTestFiles, isOfSecondStage, runNodeTests, sourceOf } from './node_tests.mjs';
import { testSanitized } from './sanitizers.mjs';
import { exitNote, run, rustTotals, summarize, timed } from './steps.mjs';

const MINUTE_MILLIS = 60_000;
const SCENARIOS = 500;
const LIVES = 100_000;
const LATE_RUNS = 100_000;
const SCHEDULE_RUNS = 50;
const testDirectory = path.join(root, '__test__');

const steps = {
  weather: [`weather, ${SCENARIOS} scenarios`, testWeather],
  lives: [`lives that overlap, ${LIVES} schedules`, testLives],
  late: [`results that come late, ${LATE_RUNS} runs`, testLate],
  schedule: [`schedule tests, ${SCHEDULE_RUNS} runs under load`, testSchedule],
  address: ['Rust tests, AddressSanitizer', () => testSanitized('address')],
  thread: ['Rust tests, ThreadSanitizer', () => testSanitized('thread')],
  node: ['Node tests, long form', testNode],
  browser: ['the page of offloop view, in Chromium', testBrowser],
  proxies: ['squid and tinyproxy', () => runScript('proxies', 20)],
  'zero-code': ['zero-code, every combination', () => runScript('zero_code', 30)],
  windows: ['Windows, under Wine', () => runScript('windows', 240)],
  macos: ['macOS, compiled', () => runScript('macos', 60)],
  defects: ['committed defects', testDefects],
};
const { values } = parseArgs({ options: { only: { type: 'string' }, shard: { type: 'string', default: '1/1' } } });
const isFirstShard = values.shard.startsWith('1/');
const wanted = values.only?.split(',') ?? (isFirstShard ? Object.keys(steps) : ['defects']);

await runWithSetup(async () => {
  await timed('set-up', setUp);
  for (const [key, [name, step]] of Object.entries(steps)) if (wanted.includes(key)) await timed(name, step);
  summarize();
});

async function setUp() {
  ensureNode();
  useCargo();
  await ensureDependencies();
  if (wanted.includes('defects') || wanted.includes('proxies')) await ensureAddon();
  if (!wanted.includes('node')) return;
  for (const { name } of readdirSync(testDirectory, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    if (readdirSync(path.join(testDirectory, name)).includes('package-lock.json'))
      await ensureDependencies({ directory: path.join(testDirectory, name) });
  }
  await ensureAddon();
}

async function testWeather() {
  const args = ['test', '--lib', '--test', 'weather', 'weather', '--', '--nocapture'];
  const env = { OFFLOOP_WEATHER_SCENARIOS: String(SCENARIOS) };
  const { code, output } = await run('cargo', args, { limitMillis: 20 * MINUTE_MILLIS, env });
  return { ok: code === 0, note: `${rustTotals(output)}${exitNote(code)}` };
}

/** Random schedules of everything that begins, ends and fails in a process, in virtual time; optimised, with assertions. */
async function testLives() {
  const args = [
    'test',
    '--profile',
    'dev-release',
    '--config',
    'profile.dev-release.debug-assertions=true',
    '--lib',
    'lives',
  ];
  const env = { OFFLOOP_LIVES_SCHEDULES: String(LIVES), RUST_BACKTRACE: '0' };
  const { code, output } = await run('cargo', args, { limitMillis: 60 * MINUTE_MILLIS, env });
  return { ok: code === 0, note: `${rustTotals(output)}${exitNote(code)}` };
}

async function testLate() {
  const env = { OFFLOOP_LATE_RUNS: String(LATE_RUNS) };
  const { code, output } = await run('cargo', ['test', '--lib', 'tests::late'], {
    limitMillis: 30 * MINUTE_MILLIS,
    env,
  });
  return { ok: code === 0, note: `${rustTotals(output)}${exitNote(code)}` };
}

/** The tests in virtual time again and again, while another thread of this process keeps a core busy. */
async function testSchedule() {
  const build = ['test', '--lib', '--no-run', '--message-format=json'];
  const { status, stdout } = spawnSync('cargo', build, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
    timeout: 15 * MINUTE_MILLIS,
  });
  if (status !== 0) return { ok: false, note: `the build ended with ${status}` };
  const artifacts = stdout.split('\n').filter(Boolean).map(JSON.parse);
  const { executable } = artifacts.findLast(({ executable: file, profile }) => file && profile?.test);
  const load = new Worker('for (;;);', { eval: true });
  const times = [];
  try {
    for (let nth = 1; nth <= SCHEDULE_RUNS; nth++) {
      const started = performance.now();
      const result = spawnSync(executable, ['pipeline::'], { cwd: root, encoding: 'utf8', timeout: MINUTE_MILLIS });
      if (result.status !== 0) {
        process.stdout.write(result.stdout);
        return { ok: false, note: `run ${nth} of ${SCHEDULE_RUNS} ended with ${result.status ?? result.signal}` };
      }
      times.push((performance.now() - started) / 1000);
    }
  } finally {
    await load.terminate();
  }
  times.sort((a, b) => a - b);
  const [fastest, median, slowest] = [0, times.length >> 1, times.length - 1].map((nth) => times[nth].toFixed(2));
  return { ok: true, note: `${times.length} green, ${fastest} to ${slowest} s, median ${median} s` };
}

/** The second stage, and the files that have more rounds to offer; a gigabyte of spans is for the viewer as it is shipped. */
async function testNode() {
  useCargo();
  const build = await run('cargo', ['build', '--release', '-p', 'offloop-viewer'], { limitMillis: 30 * MINUTE_MILLIS });
  if (build.code !== 0) return { ok: false, note: `the build of the viewer${exitNote(build.code)}` };
  const isLong = (name) => isOfSecondStage(name) || sourceOf(name).includes('OFFLOOP_TEST_LONG');
  const files = allTestFiles().filter(isLong);
  const limits = { limitMillis: 40 * MINUTE_MILLIS, env: { OFFLOOP_TEST_LONG: '1' } };
  return runNodeTests(process.execPath, files, limits);
}

/** Without a browser the last line says how to get one. */
async function testBrowser() {
  const { code, output } = await run(process.execPath, ['scripts/test/browser.mjs'], {
    limitMillis: 10 * MINUTE_MILLIS,
  });
  const note = /^skipped: .*$/m.exec(output)?.[0] ?? /\d+ passed.*$/m.exec(output)?.[0] ?? '';
  return { ok: code === 0, note: `${note}${exitNote(code)}` };
}

/** A script of scripts/try, which says itself, in its last line, where it cannot be done on this machine. */
async function runScript(name, minutes) {
  const args = [`scripts/try/${name}.mjs`];
  const { code, output } = await run(process.execPath, args, { limitMillis: minutes * MINUTE_MILLIS });
  return { ok: code === 0, note: `${output.trim().split('\n').at(-1)}${exitNote(code)}` };
}

async function testDefects() {
  const args = ['scripts/test/defects.mjs', '--shard', values.shard];
  const { code, output } = await run(process.execPath, args, { limitMillis: 180 * MINUTE_MILLIS });
  return { ok: code === 0, note: `${output.trim().split('\n').at(-1)}${exitNote(code)}` };
}
