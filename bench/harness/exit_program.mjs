// The program of the exit rows: ends its spans, then itself, in the way it is told.
import { offloop, OURS, STOCK, stock, tracerFor } from './contenders.mjs';
import { fillAttributes, makeSpans } from './spans.mjs';

const [who, path, ending, url, count] = process.argv.slice(2);
const exit = ending === 'SIGTERM' ? { signals: ['SIGTERM'] } : undefined;
const exporter =
  who === STOCK ? stock[STOCK].exporter({ url }) : new (offloop().OTLPTraceExporter)({ url, ...(exit && { exit }) });

if (path === 'exporter') {
  exporter.export(makeSpans({ count: Number(count), attributes: 8, textLength: 24 }), () => {});
} else {
  const sdk = stock[STOCK].sdkModule();
  const { BatchSpanProcessor } = who === OURS ? offloop() : sdk;
  const { tracer } = tracerFor(sdk, new BatchSpanProcessor(exporter));
  for (let index = 0; index < Number(count); index++) {
    const span = tracer.startSpan('GET /api/users/:id', { kind: 1 });
    fillAttributes(span, index, 8, 24);
    span.end();
  }
}

switch (ending) {
  case 'process.exit()':
    process.exit(0);
    break;
  case 'uncaught throw':
    throw new Error('the program ends here');
  case 'SIGTERM':
    process.stdout.write('ended\n');
    setInterval(() => {}, 60_000); // a server that would run on
    break;
  default:
}
