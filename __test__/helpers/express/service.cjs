'use strict';
// A small Express service that knows nothing of us: routes with middleware, a body, a call to itself, a failure and
// spans of its own. It prints its port, and ends by itself after `GET /quit`.

const http = require('node:http');
const { SpanStatusCode, trace } = require('@opentelemetry/api');
const express = require('express');

const app = express();
const tracer = trace.getTracer('service', '1.2.3');
let port;

app.use(express.json());

app.get('/users/:id', async (request, response) => {
  const user = await tracer.startActiveSpan('load user', { attributes: { 'user.id': request.params.id } }, (span) => {
    span.addEvent('cache miss', { tries: [1, 2], key: 'naïve ключ' });
    span.end();
    return { id: request.params.id, name: 'Zoë' };
  });
  response.json(user);
});

app.post('/orders', (request, response) => {
  http.get({ port, path: `/stock/${request.body.items.length}`, agent: false }, (answer) => {
    answer.resume().once('end', () => response.status(201).json({ stock: answer.statusCode }));
  });
});

app.get('/stock/:count', (request, response) => {
  const span = tracer.startSpan('count', { links: [{ context: trace.getActiveSpan().spanContext() }] });
  span.setAttributes({ count: Number(request.params.count), ratio: 0.5, known: true });
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'out of stock' });
  span.end();
  response.sendStatus(204);
});

app.get('/broken', () => {
  throw new Error('broken on purpose');
});

app.get('/quit', (_request, response) => {
  response.end();
  server.close();
});

app.use((error, _request, response, _next) => {
  trace.getActiveSpan().recordException({ name: error.name, message: error.message });
  response.status(500).end();
});

const server = app.listen(0, '127.0.0.1', () => {
  ({ port } = server.address());
  console.log(`port ${port}`);
});
