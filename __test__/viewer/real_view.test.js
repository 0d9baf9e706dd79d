'use strict';
// `offloop view` over the program that Cargo has built last, with files that FileSpanExporter has just written.

const assert = require('node:assert');
const { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { FileSpanExporter } = require('../..');
const { ask, root, skipReal, startReal, until } = require('../helpers/viewer/running_view.js');
const { scratchDirectory } = require('../helpers/viewer/scratch.js');

const isWindows = process.platform === 'win32';

/** A span as the SDK hands it over. */
function aSpan(number) {
  const id = {
    traceId: number.toString(16).padStart(32, '1'),
    spanId: number.toString(16).padStart(16, '2'),
    traceFlags: 1,
  };
  return {
    name: `GET /${number}`,
    kind: 1,
    spanContext: () => id,
    startTime: [1_764_000_000 + number, 0],
    endTime: [1_764_000_001 + number, 0],
    status: { code: 0 },
    attributes: { number },
    links: [],
    events: [],
    duration: [1, 0],
    ended: true,
    resource: { attributes: { 'service.name': 'shop' } },
    instrumentationScope: { name: 'test' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

async function write(directory, numbers) {
  const exporter = new FileSpanExporter({ directory });
  await new Promise((resolve) => exporter.export(numbers.map(aSpan), resolve));
  await exporter.shutdown();
}

const json = async (address, url) => JSON.parse((await ask(address, { url })).body);

test('it shows what the exporter has written, and what it writes from then on (V10, V95)', {
  skip: skipReal,
}, async (t) => {
  const directory = scratchDirectory(t, 'spans of a shop');
  await write(directory, [1, 2]);
  const view = startReal(t, [directory]);
  const address = await view.address();
  await view.until(/\n1 file, [\d.]+ (k?B): 2 spans in 2 traces\n$/);
  const names = async () => (await json(address, '/api/traces?sort=start&order=asc')).items.map(({ name }) => name);
  assert.deepStrictEqual(await names(), ['GET /1', 'GET /2']);
  await write(directory, [3]);
  await until(async () => (await names()).length === 3);
  const [file] = readdirSync(directory).sort();
  const line = readFileSync(path.join(directory, file), 'utf8');
  assert.ok(line.endsWith('\n'), 'the exporter writes whole lines');
  const { error, column } = await json(address, `/api/traces?filter=${encodeURIComponent('duration>1')}`);
  assert.deepStrictEqual([typeof error, typeof column], ['string', 'number'], 'the page shows where a filter is wrong');
});

test('with --once nothing that is written later is shown (V10)', { skip: skipReal }, async (t) => {
  const directory = scratchDirectory(t, 'spans');
  await write(directory, [1]);
  const view = startReal(t, [directory, '--once']);
  const address = await view.address();
  await view.until(/ 1 span in 1 trace\n$/);
  await write(directory, [2]);
  await new Promise((resolve) => setTimeout(resolve, 1200)); // files are looked at every half second
  assert.strictEqual((await json(address, '/api/files')).spans, 1);
});

test('an empty directory, or one that is not there yet, is waited for (V10)', { skip: skipReal }, async (t) => {
  const empty = scratchDirectory(t);
  for (const directory of [empty, path.join(empty, 'later')]) {
    const view = startReal(t, [directory]);
    const address = await view.address();
    await view.until(/ 0 spans in 0 traces; waits for files in .*, written by FileSpanExporter\n$/);
    await write(directory, [1]);
    await until(async () => (await json(address, '/api/files')).spans === 1);
  }
});

test('what the engine does not understand of the command line is exit code 2 and its sentence (V5)', {
  skip: skipReal,
}, async (t) => {
  const view = startReal(t, ['--max-memory', 'much', '.']);
  assert.deepStrictEqual(await view.end, { code: 2, signal: null });
  assert.deepStrictEqual(
    [view.out, view.err],
    ['', "offloop: --max-memory is a size such as 512MB or 2GiB; it is 'much'\n"],
  );
});

test('who reads no more than the address may leave, and the page is still served (V9)', {
  skip: skipReal || isWindows,
}, async (t) => {
  const directory = scratchDirectory(t, 'spans');
  await write(directory, [1]);
  const view = startReal(t, [directory]);
  view.child.stdout.once('data', () => view.child.stdout.destroy());
  const address = await view.address();
  for (let turn = 0; turn < 3; turn += 1) assert.strictEqual((await ask(address, { url: '/api/files' })).status, 200);
  assert.deepStrictEqual([view.child.exitCode, view.err], [null, '']);
});

test('Ctrl-C ends it while files are read, and the engine with it (V124)', {
  skip: skipReal || isWindows,
}, async (t) => {
  const directory = scratchDirectory(t, 'spans');
  await write(
    directory,
    Array.from({ length: 200 }, (_, number) => number + 1),
  );
  const [file] = readdirSync(directory);
  const line = readFileSync(path.join(directory, file));
  for (let copies = 0; copies < 300; copies += 1) appendFileSync(path.join(directory, file), line);
  const view = startReal(t, [directory], { detached: true });
  await view.address();
  process.kill(-view.child.pid, 'SIGINT');
  assert.deepStrictEqual(await view.end, { code: 130, signal: null });
  await until(() => {
    try {
      process.kill(-view.child.pid, 0);
      return false;
    } catch {
      return true; // nobody is left in the group
    }
  });
});

test('the event loop of the server is not blocked while files are indexed and questions asked (V36)', {
  skip: skipReal,
}, async (t) => {
  const directory = scratchDirectory(t, 'spans');
  mkdirSync(directory);
  const source = scratchDirectory(t, 'source');
  await write(
    source,
    Array.from({ length: 500 }, (_, number) => number + 1),
  );
  const [file] = readdirSync(source);
  const line = readFileSync(path.join(source, file));
  const grow = path.join(directory, 'grows.jsonl');
  writeFileSync(grow, '');
  const blocks = scratchDirectory(t, 'blocks');
  const preload = scratchDirectory(t, 'watched.cjs');
  // Blocks of the processor alone: on a busy machine a process also waits for its turn.
  writeFileSync(
    preload,
    `const { EventLoopMonitor } = require(${JSON.stringify(root)});
    const seen = [];
    const processor = { onEnd: (span) => seen.push(span), onStart() {}, forceFlush: async () => {}, shutdown: async () => {} };
    const monitor = new EventLoopMonitor({ processor, thresholdMillis: 50 });
    monitor.enable();
    process.on('exit', () => {
      const own = seen.map((span) => span.attributes).filter((each) => each['event_loop.block.cpu_ms'] >= 50 && each['event_loop.block.cause'] !== 'startup');
      require('node:fs').writeFileSync(${JSON.stringify(blocks)}, JSON.stringify(own));
    });`,
  );
  const view = startReal(t, [directory], { execArgv: ['--require', preload] });
  const address = await view.address();
  let bytes = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    for (let copies = 0; copies < 5; copies += 1) {
      appendFileSync(grow, line);
      bytes += line.length;
    }
    const asked = ['traces', 'latency', 'facets', 'files', 'export?format=otlp'].map((question) => `/api/${question}`);
    await Promise.all(asked.map((url) => ask(address, { url, headers: { Connection: 'close' } })));
  }
  await until(async () => (await json(address, '/api/files')).reading.bytes >= bytes, 60_000);
  view.child.kill('SIGINT');
  await view.end;
  assert.deepStrictEqual(JSON.parse(readFileSync(blocks, 'utf8')), []);
});

test('a span longer than 64 MiB is exported, and the program goes on (V77)', { skip: skipReal }, async (t) => {
  const directory = scratchDirectory(t);
  mkdirSync(directory, { recursive: true });
  const value = 'v'.repeat(65 * 1024 * 1024);
  const attributes = [{ key: 'long', value: { stringValue: value } }];
  const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), name: 'long', attributes };
  const line = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  writeFileSync(path.join(directory, 'long.jsonl'), `${line}\n`);
  const view = startReal(t, [directory]);
  const address = await view.address();
  await view.until(/: 1 span in 1 trace\n/);
  const { port, token } = address;
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/api/export`, { headers });
  let bytes = 0;
  for await (const chunk of response.body) bytes += chunk.length;
  assert.deepStrictEqual([response.status, bytes > value.length], [200, true]);
  assert.strictEqual((await json(address, '/api/files')).spans, 1);
});
