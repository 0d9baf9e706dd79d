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

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}/orders/1`);
});
