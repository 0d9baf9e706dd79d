'use strict';

// The demo's service with a defect: an ordinary handler, and one that computes for a second. It watches itself, asks
// itself for both, and leaves its spans in files. What it says about the block is what a user would see.

const http = require('node:http');
const { ROOT_CONTEXT, SpanKind } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter } = require('offloop');

const BLOCK_MILLIS = 1000;
const ORDINARY_REQUESTS = 20;

const { directory } = JSON.parse(process.argv[2]);
const processor = new BatchSpanProcessor(new FileSpanExporter({ directory }));
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'orders', 'service.version': '1.0.0' }),
  spanProcessors: [processor],
});
const tracer = provider.getTracer('orders');
const monitor = new EventLoopMonitor({ processor });

/** The defect: it adds up a month of orders, one by one, in one go. */
function monthlyReport() {
  let total = 0;
  for (const until = performance.now() + BLOCK_MILLIS; performance.now() < until; ) {
    for (let order = 0; order < 1000; order++) total += (order * 7919) % 500;
  }
  return { total };
}

const handlers = {
  '/orders': () => ({ orders: [] }),
  '/report': () => monthlyReport(),
};

const server = http.createServer((request, response) => {
  const attributes = { 'http.request.method': 'GET', 'url.path': request.url };
  const span = tracer.startSpan(`GET ${request.url}`, { kind: SpanKind.SERVER, attributes }, ROOT_CONTEXT);
  response.end(JSON.stringify(handlers[request.url]()));
  span.end();
});

function get(path) {
  return new Promise((resolve, reject) => {
    const options = { port: server.address().port, path, agent: false };
    http.get(options, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
}

async function run() {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  monitor.enable();
  for (let nth = 0; nth < ORDINARY_REQUESTS; nth++) await get('/orders');
  await get('/report');
  await get('/orders');
  server.close();
  const stats = monitor.stats();
  monitor.disable();
  await provider.forceFlush();
  await provider.shutdown();
  process.send({ type: 'result', stats }, () => process.disconnect());
}

run();
