import { trace } from '@opentelemetry/api';

export const dynamic = 'force-dynamic';

export function GET() {
  return trace.getTracer('shop').startActiveSpan('order', (span) => {
    span.end();
    return Response.json({ orders: 1 });
  });
}
