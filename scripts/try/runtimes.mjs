// `node scripts/try/runtimes.mjs [bun] [deno]`: runs one program on other runtimes, taken from the npm registry into
// .cache/. Owns what is claimed of them in docs/runtimes.md; it refuses to hold them to more than that.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../build/project.mjs';
import { fetched } from '../build/fetched.mjs';

const run = promisify(execFile);
const exe = process.platform === 'win32' ? '.exe' : '';
const RUNTIMES = {
  bun: {
    version: '1.4.5',
    name: `@oven/bun-${{ win32: 'windows' }[process.platform] ?? process.platform}-${cpu('aarch64')}`,
    file: `bin/bun${exe}`,
    words: [],
  },
  deno: {
    version: '2.9.6',
    name: `@deno/${process.platform}-${cpu('arm64')}${{ linux: '-glibc' }[process.platform] ?? ''}`,
    file: `deno${exe}`,
    words: ['run', '-A'],
  },
};

const PROGRAM = `
const { OTLPTraceExporter, BatchSpanProcessor, EventLoopMonitor, FileSpanExporter } = require(process.argv[2]);
const { Worker, isMainThread } = require('node:worker_threads');
const id = (n) => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: String(n).padStart(16, '1'), traceFlags: 1 });
const span = (n) => ({
  name: 'span ' + n, kind: 0, spanContext: () => id(n), startTime: [1700000000, 0], endTime: [1700000001, 0],
  status: { code: 0 }, attributes: { n, text: 'äöü'.repeat(n * 20) }, links: [], events: [], duration: [1, 0], ended: true,
  resource: { attributes: { 'service.name': 'runtime' } }, instrumentationScope: { name: 'try' },
  droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0,
});
const url = process.argv[3];
(async () => {
  const exporter = new OTLPTraceExporter({ url, compression: 'gzip' });
  const { delivered } = await exporter.exportSpans([span(1), span(2)]);
  const files = new FileSpanExporter({ directory: process.argv[4] });
  const processor = new BatchSpanProcessor(files);
  for (let n = 0; n < 100; n += 1) processor.onEnd(span(n));
  await processor.forceFlush();
  const written = files.stats().delivered;
  const refused = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/v1/traces', retry: { maxAttempts: 1 } });
  const { dropped } = await refused.exportSpans([span(3)]);
  await Promise.all([processor.shutdown(), exporter.shutdown(), refused.shutdown()]);
  const blocks = [];
  const toMemory = { export: (spans, done) => { blocks.push(...spans); done({ code: 0 }); }, shutdown: async () => {} };
  const monitor = new EventLoopMonitor({ exporter: toMemory });
  const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
  monitor.enable();
  await pause(100);
  for (const until = Date.now() + 500; Date.now() < until; );
  await pause(100);
  monitor.disable();
  console.log(JSON.stringify({ delivered, written, dropped, blocks: blocks.length }));
})();
`;

const wanted = process.argv.slice(2);
for (const runtime of wanted.length > 0 ? wanted : Object.keys(RUNTIMES)) await tryOn(runtime);

async function tryOn(runtime) {
  const { version, words } = RUNTIMES[runtime];
  const command = install(runtime);
  const directory = mkdtempSync(path.join(tmpdir(), `offloop-${runtime}-`));
  let requests = 0;
  const server = http.createServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => response.end());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const file = path.join(directory, 'program.cjs');
    writeFileSync(file, PROGRAM);
    const url = `http://127.0.0.1:${server.address().port}/v1/traces`;
    const args = [...words, file, root, url, path.join(directory, 'spans')];
    const { stdout } = await run(command, args, { cwd: directory, timeout: 60_000 });
    const { delivered, written, dropped, blocks } = JSON.parse(stdout);
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    const spans = readdirSync(path.join(directory, 'spans')).length;
    if (delivered !== 2 || written !== 100 || lost !== 1 || requests !== 1 || spans !== 1 || blocks !== 1)
      throw new Error(stdout);
    console.log(`✔ ${runtime} ${version}: exported 2 spans, wrote 100, counted 1 refused, saw 1 block`);
  } finally {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function install(runtime) {
  const { name, version, file } = RUNTIMES[runtime];
  const directory = fetched(`${runtime}-${version}`, [`${name}@${version}`]);
  return path.join(directory, 'node_modules', ...name.split('/'), file);
}

function cpu(arm64) {
  return process.arch === 'arm64' ? arm64 : process.arch;
}
