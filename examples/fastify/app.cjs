const { trace } = require('@opentelemetry/api');
const fastify = require('fastify')();

const tracer = trace.getTracer('shop');

fastify.get('/orders/:id', (request) =>
  tracer.startActiveSpan('load order', { attributes: { 'order.id': request.params.id } }, (span) => {
    span.end();
    return { id: request.params.id, items: 3 };
  }),
);

fastify.listen({ port: Number(process.env.PORT ?? 3000) }).then(() => {
  console.log(`http://localhost:${fastify.server.address().port}/orders/1`);
});
