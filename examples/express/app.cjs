const { trace } = require('@opentelemetry/api');
const express = require('express');

const tracer = trace.getTracer('shop');
const app = express();

app.get('/orders/:id', (request, response) => {
  tracer.startActiveSpan('load order', { attributes: { 'order.id': request.params.id } }, (span) => {
    response.json({ id: request.params.id, items: 3 });
    span.end();
  });
});

/** Blocks the event loop, as a large template or a synchronous parser does: the monitor names this function and the line. */
function renderReport(rows) {
  const until = Date.now() + 150;
  let text = '';
  while (Date.now() < until) text = JSON.stringify(rows);
  return text;
}

app.get('/report', (_request, response) => {
  response.send(renderReport(Array.from({ length: 1000 }, (_, id) => ({ id, items: 3 }))));
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}/orders/1`);
});
