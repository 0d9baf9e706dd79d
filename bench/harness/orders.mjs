// Owns the demo's application as a load inside one process: requests that record two payloads of about 45 KB each, behind
// one processor, and what that costs the process. Refuses to time anything: the pages wait for a database that is a timer.
import { createRequire } from 'node:module';

import { tracerFor } from './contenders.mjs';
import { measure } from './meter.mjs';

const require = createRequire(import.meta.url);
const { context, ROOT_CONTEXT, trace } = require('@opentelemetry/api');
const { AsyncLocalContextManager } = require('../../demo/context.js');
const { createApplication, SPANS_PER_REQUEST } = require('../../demo/orders.js');

const SERVER_KIND = 1;
/** Not more than the queue of any batch processor has room for: who drops spans exports less. */
const REQUESTS = 240;
const CONNECTIONS = 20;

/** `serve()` answers a round of requests, and `provider` has to be shut down. */
export function createOrders(sdkModule, processor) {
  context.setGlobalContextManager(new AsyncLocalContextManager().enable());
  const { provider, tracer } = tracerFor(sdkModule, processor);
  const page = createApplication(tracer);

  async function request() {
    const span = tracer.startSpan('GET /orders', { kind: SERVER_KIND }, ROOT_CONTEXT);
    try {
      await context.with(trace.setSpan(ROOT_CONTEXT, span), page);
    } finally {
      span.end();
    }
  }

  async function serve() {
    let left = REQUESTS;
    const connection = async () => {
      while (left-- > 0) await request();
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    await provider.forceFlush();
  }
  return { provider, serve };
}

/** Spans that one round ends. */
export const SPANS_PER_ROUND = REQUESTS * SPANS_PER_REQUEST;

/** CPU of one round per request, its export included. */
export async function costPerRequest({ serve }) {
  const { mainMicros, processMicros } = await measure(serve);
  return {
    mainMillisPerRequest: mainMicros / REQUESTS / 1000,
    processMillisPerRequest: processMicros / REQUESTS / 1000,
  };
}
