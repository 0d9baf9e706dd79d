'use strict';
// What a program traces by itself, whoever has set tracing up: spans in spans, attributes of each type, an event, a link.

const { SpanStatusCode, trace } = require('@opentelemetry/api');

const ORDERS = 20;

exports.traced = function traced() {
  const tracer = trace.getTracer('shop', '1.2.3');
  let last;
  for (let nth = 0; nth < ORDERS; nth++) {
    tracer.startActiveSpan(`order ${nth}`, { attributes: { nth, ratio: nth / 4, isPaid: nth % 2 === 0 } }, (order) => {
      const links = last === undefined ? [] : [{ context: last, attributes: { why: 'before it' } }];
      const item = tracer.startSpan('item', { attributes: { names: ['é', 'ключ'], 'user.id': `u${nth}` }, links });
      item.addEvent('cache miss', { tries: [1, 2] });
      item.setStatus({ code: SpanStatusCode.ERROR, message: 'out of stock' });
      item.end();
      order.end();
      last = order.spanContext();
    });
  }
};
