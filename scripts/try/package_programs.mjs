// Owns the programs that are run against the packed tarballs: a span by the public API, over protobuf and JSON.

import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** `app.cjs`, `app.mjs` and `app.ts`: the same program three times, which prints how many spans of two exports were delivered;
 * `spans.cjs` writes one into files. */
export function writePrograms(project) {
  const span = (typed) => `
const id = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
const span${typed ? ': ReadableSpan' : ''} = {
  name: 'tried', kind: 0, spanContext: () => id, startTime: [1700000000, 0], endTime: [1700000001, 0],
  status: { code: 0 }, attributes: { answer: 42 }, links: [], events: [], duration: [1, 0], ended: true,
  resource: { attributes: { 'service.name': 'tried' } }, instrumentationScope: { name: 'try' },
  droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0,
};
`;
  const body = (typed) => `${span(typed)}
const url = process.argv[2];
const exporter = new OTLPTraceExporter({ url, compression: 'gzip' });
const json = new OTLPTraceExporter({ url, protocol: 'http/json' });
Promise.all([exporter.exportSpans([span]), json.exportSpans([span])]).then(async (outcomes) => {
  await Promise.all([exporter.shutdown(), json.shutdown()]);
  console.log(JSON.stringify(outcomes.map(({ delivered }) => delivered)));
});
`;
  const required = `
const { OTLPTraceExporter } = require('offloop');
for (const name of ['offloop/otlp-proto', 'offloop/otlp-http', 'offloop/otlp-grpc', 'offloop/register', 'offloop/package.json', 'offloop/tusk'])
  if (require(name) === undefined) throw new Error(name);
`;
  writeFileSync(path.join(project, 'app.cjs'), required + body(false));
  const written = `
const { FileSpanExporter } = require('offloop');
const exporter = new FileSpanExporter({ directory: process.argv[2] });
exporter.export([span], () => exporter.shutdown());
`;
  writeFileSync(path.join(project, 'spans.cjs'), span(false) + written);
  writeFileSync(path.join(project, 'app.mjs'), `import { OTLPTraceExporter } from 'offloop';\n${body(false)}`);
  const types = "import { OTLPTraceExporter, type ReadableSpan } from 'offloop';\n";
  writeFileSync(path.join(project, 'app.ts'), types + body(true));
}
