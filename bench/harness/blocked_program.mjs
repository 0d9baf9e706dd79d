// The program of the blocked-loop rows: ends spans, then holds its event loop; says when the spans had ended.
import { processors, tracerFor } from './contenders.mjs';
import { fillAttributes } from './spans.mjs';

const [who, url, count, blockMillis] = process.argv.slice(2);
const { sdkModule, create } = processors().find(({ name }) => name === who);
const { provider, tracer } = tracerFor(sdkModule(), create({ url }));

function endSpans(spans) {
  for (let index = 0; index < spans; index++) {
    const span = tracer.startSpan('GET /api/users/:id', { kind: 1 });
    fillAttributes(span, index, 8, 24);
    span.end();
  }
}

endSpans(1);
await provider.forceFlush(); // connections and code are there, as in a service that has run for a while
endSpans(Number(count));
const endedAt = Date.now();
const until = performance.now() + Number(blockMillis);
while (performance.now() < until);
await provider.shutdown();
process.stdout.write(JSON.stringify({ endedAt }), () => process.exit(0));
