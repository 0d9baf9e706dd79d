'use strict';
// This file measures memory of processes of their own.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiver } = require('../helpers/receiver.js');

// What exporters and processors keep when they have nothing to do: the memory of an application must not grow with the number
// of those that it has made. Bytes of blocks are in `external`. The control does the same with the stock classes.

const TENANTS = 200;
const MAX_GROWTH = 8 * 2 ** 20; // a block for each would be 50 MiB
const options = { skip: subjectName === 'stock' && 'about our memory' };

const BEGINNING = `
  const { BasicTracerProvider, BatchSpanProcessor: StockProcessor } = require('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
  const { BatchSpanProcessor } = subject;
  const isStock = process.env.TENANTS === 'stock';
  const kept = [];
  const look = () => { global.gc(); const { external, rss } = process.memoryUsage(); return { external, rss }; };
  const newExporter = (config) => (isStock ? new StockExporter({ url }) : new OTLPTraceExporter({ url, ...config }));
  const newTenant = (config) => {
    const exporter = newExporter(config);
    const processor = isStock ? new StockProcessor(exporter) : new BatchSpanProcessor(exporter);
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('kept');
    const tenant = { exporter, processor, end: (attributes) => tracer.startSpan('one', { attributes }).end() };
    kept.push(tenant);
    return tenant;
  };
  const tell = (value) => process.stdout.write(JSON.stringify(value));
  const until = async (isSo) => {
    const deadline = Date.now() + 10_000;
    while (!isSo() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  };`;

async function run(t, source, env = {}) {
  const receiver = await startReceiver({ record: 'none' }, t);
  const { code, stdout, stderr } = await runProgram(`${BEGINNING}(async () => {${source}})();`, {
    url: receiver.url,
    env,
    nodeArguments: ['--expose-gc'],
    limitMillis: 60_000,
  });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Bytes by which memory grows while `oneMore` runs for each tenant; by how much less it does with the stock classes. */
async function growth(t, oneMore) {
  const source = `
    const one = async () => {${oneMore}};
    for (let nth = 0; nth < 5; nth++) await one();
    const before = look();
    for (let nth = 0; nth < ${TENANTS}; nth++) await one();
    tell(look().external - before.external);
    await Promise.all(kept.map(({ processor }) => processor.shutdown()));`;
  const [ours, stock] = await Promise.all([run(t, source), run(t, source, { TENANTS: 'stock' })]);
  t.diagnostic(`external memory grew by ${ours >> 10} KiB, with the stock classes by ${stock >> 10} KiB`);
  return ours - stock;
}

describe('nobody holds a block without spans', options, () => {
  test('processors that are shut down and kept', async (t) => {
    const bytes = await growth(t, 'const { end, processor } = newTenant(); end(); await processor.shutdown();');
    assert.ok(bytes < MAX_GROWTH, `${bytes} bytes`);
  });

  test('processors that wait for their next span', async (t) => {
    const bytes = await growth(t, 'const { end, processor } = newTenant(); end(); await processor.forceFlush();');
    assert.ok(bytes < MAX_GROWTH, `${bytes} bytes`);
  });

  test('exporters that wait for their next batch, with texts that are copied in later turns', async (t) => {
    const bytes = await growth(
      t,
      `const { exporter } = newTenant();
       const spans = makeSpans(1);
       if (!isStock) spans[0].attributes.text = 'x'.repeat(300_000);
       await new Promise((resolve) => exporter.export(isStock ? [] : spans, resolve));`,
    );
    assert.ok(bytes < MAX_GROWTH, `${bytes} bytes`);
  });
});

test('the last shutdown gives everything back', options, async (t) => {
  const { start, queued, end } = await run(
    t,
    `const config = { url: 'http://127.0.0.1:1/v1/traces', queue: { maxSpans: 65_536, maxBytes: 2 ** 28 } };
     const tenants = [newTenant(config), newTenant(config)];
     const text = 'x'.repeat(5000);
     const start = look();
     for (let nth = 0; nth < 16_000; nth++) {
       tenants[nth % 2].end({ text });
       if (nth % 500 === 0) await new Promise(setImmediate);
     }
     const queued = look();
     await Promise.all(tenants.map(({ exporter }) => exporter.shutdown({ timeoutMillis: 50 })));
     await until(() => look().external - start.external < 2 ** 20);
     tell({ start, queued, end: look() });`,
  );
  const [most, left] = [queued, end].map(({ external }) => external - start.external);
  t.diagnostic(
    `blocks: ${most >> 20} MiB, then ${left >> 20} MiB; resident memory: ${(end.rss - start.rss) >> 20} MiB more`,
  );
  assert.ok(most > 2 * 2 ** 20, `${most} bytes: the burst was too small to tell anything`);
  assert.ok(left < 2 ** 20, `${left} bytes are left`);
});

test('a block that holds one span costs no more than its pages', options, async (t) => {
  const source = `
    for (let nth = 0; nth < 5; nth++) newTenant().end();
    const before = look();
    for (let nth = 0; nth < 2 * ${TENANTS}; nth++) newTenant().end();
    tell({ before, after: look() });
    await Promise.all(kept.map(({ processor }) => processor.shutdown()));`;
  const grown = ({ before, after }) => ['external', 'rss'].map((name) => after[name] - before[name]);
  const [[blocks, ours], [, stock]] = [grown(await run(t, source)), grown(await run(t, source, { TENANTS: 'stock' }))];
  t.diagnostic(
    `${blocks >> 20} MiB of blocks, ${ours >> 20} MiB of resident memory, with the stock classes ${stock >> 20}`,
  );
  assert.ok(blocks > 64 * 2 ** 20, 'each has a block while its span waits');
  if (process.platform === 'linux') assert.ok(ours - stock < blocks / 2, `${ours - stock} bytes`);
});
