// Next.js makes a span of its own for each request; this one is ours.
import { trace } from '@opentelemetry/api';

export const dynamic = 'force-dynamic';

export function GET() {
  return trace.getTracer('app').startActiveSpan('say hello', (span) => {
    span.end();
    return Response.json({ hello: 'world' });
  });
}
