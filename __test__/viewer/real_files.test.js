'use strict';
// Files that FileSpanExporter and EventLoopMonitor have just written, read by the program that Cargo has built last.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const api = require('@opentelemetry/api');
const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter } = require('../..');

const root = path.resolve(__dirname, '..', '..');
const name = process.platform === 'win32' ? 'offloop-viewer.exe' : 'offloop-viewer';
const viewer = ['debug', 'release'].map((profile) => path.join(root, 'target', profile, name)).find(existsSync);
const skip = viewer === undefined ? 'cargo build -p offloop-viewer has not been run' : false;

/** Processor time, not time: on a busy machine the turn would be one without a processor, which is no block. */
function blockTheLoop() {
  const started = process.cpuUsage();
  for (let spent = { user: 0, system: 0 }; spent.user + spent.system < 150_000; ) spent = process.cpuUsage(started);
}

function offloop(...words) {
  const { status, stdout, stderr } = spawnSync(viewer, words, { encoding: 'utf8' });
  assert.strictEqual(status, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

test('what the exporter and the monitor write is read: figures, filter, tree, block (V14, V63, V64)', {
  skip,
}, async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-real-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const processor = new BatchSpanProcessor(new FileSpanExporter({ directory }));
  const resource = resourceFromAttributes({ 'service.name': 'shop' });
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [processor] }).getTracer('test');
  const monitor = new EventLoopMonitor({ processor });
  monitor.enable();
  const root = tracer.startSpan('GET /cart', {
    kind: api.SpanKind.SERVER,
    attributes: { 'http.route': '/cart', n: 2 ** 40 },
  });
  for (let number = 0; number < 600; number++)
    tracer.startSpan('query', { attributes: { number } }, api.trace.setSpan(api.ROOT_CONTEXT, root)).end();
  const waiting = tracer.startSpan('GET /waits', { kind: api.SpanKind.SERVER });
  await new Promise((resolve) => setTimeout(() => resolve(blockTheLoop()), 20));
  await new Promise((resolve) => setTimeout(resolve, 20));
  waiting.end();
  root.end();
  monitor.disable();
  await processor.shutdown();

  const stats = JSON.parse(offloop('stats', '--json', '--strict', directory));
  const counts = new Map(stats.groups.map((group) => [group.name, group.count]));
  assert.deepStrictEqual([counts.get('query'), counts.get('GET /cart'), counts.get('GET /waits')], [600, 1, 1]);
  const rows = offloop('query', '--format', 'csv', '--fields', 'number', '--filter', 'number>=598', directory);
  assert.strictEqual(rows, 'number\n598\n599\n');
  assert.match(offloop('query', '--fields', 'n', '--filter', `n=${2 ** 40}`, directory), /1099511627776/);
  const { traceId } = root.spanContext();
  assert.match(offloop('trace', traceId, directory), / {2}shop query × 600 · total /);
  const { blocks } = JSON.parse(offloop('blocks', '--json', directory));
  const block = blocks.find(({ function: called }) => called === 'blockTheLoop') ?? blocks[0];
  assert.match(block.place, /real_files\.test\.js:\d+$/);
  assert.deepEqual(
    block.routes.map(({ route, count }) => [route, count]),
    [['GET /waits', 1]],
  );
  const open = blocks.flatMap((line) => line.open.map(({ operation }) => operation));
  assert.ok(
    open.some((operation) => operation === 'shop GET /waits' || operation === 'shop GET /cart'),
    open.join(),
  );
});
