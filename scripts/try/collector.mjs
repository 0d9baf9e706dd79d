// `node scripts/try/collector.mjs --endpoint <url> --collected <directory> --spans <directory>`: sends spans in every
// format and compression to a running OpenTelemetry Collector, and looks for each in what the Collector wrote.
// Owns the comparison; the Collector is the caller's (scripts/try/collector.yaml), as is removing what is written.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root } from '../build/project.mjs';

const require = createRequire(path.join(root, 'package.json'));
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } = require(root);

const LIMIT_MILLIS = 60_000;
const SPANS = 1000;
const CLIENT = 2; // OTLP counts kinds from one
const { values } = parseArgs({
  options: { endpoint: { type: 'string' }, collected: { type: 'string' }, spans: { type: 'string' } },
});
const url = `${values.endpoint}/v1/traces`;
await listening();

const ways = { files: new FileSpanExporter({ directory: values.spans }) };
for (const protocol of ['http/protobuf', 'http/json'])
  for (const compression of ['none', 'gzip', 'zstd'])
    ways[`${protocol} ${compression}`] = new OTLPTraceExporter({ url, protocol, compression });

for (const [way, exporter] of Object.entries(ways)) {
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  const tracer = provider.getTracer('end to end');
  for (let index = 0; index < SPANS; index += 1) {
    const span = tracer.startSpan(way, {
      kind: CLIENT,
      attributes: { index, text: 'Grüße ✓', list: [1, 2.5], flag: true },
    });
    span.addEvent('event', { step: index });
    span.end();
  }
  await provider.forceFlush();
  const { delivered, pending } = exporter.stats();
  if (delivered !== SPANS || pending !== 0) throw new Error(`${way}: ${JSON.stringify(exporter.stats())}`);
  await provider.shutdown();
}

const deadline = Date.now() + LIMIT_MILLIS;
let missing = missingWays();
while (missing.length > 0 && Date.now() < deadline) {
  await sleep(500);
  missing = missingWays();
}
if (missing.length > 0) throw new Error(`the Collector did not write: ${missing.join('; ')}`);
for (const way of Object.keys(ways)) console.log(`✔ ${way}: ${SPANS} spans`);

/** Ways whose spans are not all there, exactly once and as they were sent. */
function missingWays() {
  const found = new Map(Object.keys(ways).map((way) => [way, new Set()]));
  for (const span of collectedSpans()) {
    const attributes = Object.fromEntries(span.attributes.map(({ key, value }) => [key, value]));
    const isWhole =
      span.kind === CLIENT + 1 &&
      attributes.text.stringValue === 'Grüße ✓' &&
      attributes.flag.boolValue === true &&
      attributes.list.arrayValue.values.length === 2 &&
      span.events.length === 1;
    if (!isWhole) throw new Error(`arrived changed: ${JSON.stringify(span)}`);
    const seen = found.get(span.name);
    const index = Number(attributes.index.intValue);
    if (seen.has(index)) throw new Error(`arrived twice: ${span.name} ${index}`);
    seen.add(index);
  }
  return [...found].filter(([, seen]) => seen.size < SPANS).map(([way, seen]) => `${way} (${seen.size})`);
}

function collectedSpans() {
  return readdirSync(values.collected)
    .flatMap((name) => readFileSync(path.join(values.collected, name), 'utf8').split('\n'))
    .filter((line) => line.endsWith('}'))
    .flatMap((line) => JSON.parse(line).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
}

/** Until the Collector answers at all. */
async function listening() {
  for (const until = Date.now() + LIMIT_MILLIS; ; ) {
    try {
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"resourceSpans":[]}',
      });
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(500);
    }
  }
}
