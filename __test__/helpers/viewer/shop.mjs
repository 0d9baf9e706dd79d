// Owns the spans of a made-up shop, as FileSpanExporter writes them: five services, ten minutes of requests, a few that fail, a query
// in a loop, and a regular expression that blocks the event loop. The same seed gives the same bytes.

import { randomNumbers } from '../../../viewer/bench/make_spans.mjs';

const MILLIS = 1_000_000n;
const FIRST_START = 1_795_298_340_000_000_000n; // 21 November 2026, 21:59 UTC
const MONITOR = 'offloop/event-loop-monitor';
const STACK = `at parseCoupon (/app/src/coupons.js:88:24)
at applyCoupons (/app/src/coupons.js:41:12)
at priceCart (/app/src/cart.js:117:20)
at async POST /checkout (/app/src/routes/checkout.js:33:17)`;
const PATHS = ['/', '/products', '/products/:id', '/cart', '/search'];
const NAMES = ['walnut desk', 'reading lamp', 'wool "rug"', 'oak shelf', 'linen chair'];

/** Lines of OTLP/JSON. @param {{ requests?: number, seed?: number, start?: bigint }} [options] */
export function shopLines({ requests = 160, seed = 7, start = FIRST_START } = {}) {
  const shop = new Shop(randomNumbers(seed));
  for (let nth = 0; nth < requests; nth++) shop.request(nth, start + BigInt(nth) * 3_700n * MILLIS);
  return shop.lines();
}

class Shop {
  /** Spans by service, instance and scope. */
  #spans = new Map();

  constructor(random) {
    this.random = random;
  }

  hex(words) {
    return Array.from({ length: words }, () => this.random().toString(16).padStart(8, '0')).join('');
  }

  /** A whole number from `low` to `high`, more often near `low`. */
  between(low, high) {
    const share = (this.random() / 2 ** 32) ** 2;
    return Math.round(low + share * (high - low));
  }

  pick(list) {
    return list[this.random() % list.length];
  }

  /** @returns the span, so that it can be the parent of others */
  span(service, name, kind, parent, start, micros, attributes = {}, more = {}) {
    const {
      scope = kind === 1 ? 'shop' : '@opentelemetry/instrumentation-http',
      events = [],
      links = [],
      status = { code: 0 },
    } = more;
    const span = {
      traceId: parent?.traceId ?? this.hex(4),
      spanId: this.hex(2),
      ...(parent && { parentSpanId: parent.spanId }),
      name,
      kind,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(Math.round(micros * 1000))),
      attributes: attributesOf(attributes),
      droppedAttributesCount: 0,
      events,
      droppedEventsCount: 0,
      status,
      links,
      droppedLinksCount: 0,
      flags: 257,
    };
    const key = `${service} ${scope}`;
    this.#spans.set(key, [...(this.#spans.get(key) ?? []), span]);
    return span;
  }

  request(nth, start) {
    if (nth % 4 === 1) this.checkout(nth, start);
    else this.browse(this.pick(PATHS), start);
  }

  browse(route, start) {
    const micros = this.between(4_000, 90_000);
    const root = this.span('web', `GET ${route}`, 2, undefined, start, micros, {
      'http.request.method': 'GET',
      'http.route': route,
      'http.response.status_code': 200,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
    });
    const [first, rest] = [this.between(300, 900), this.between(500, micros * 0.5)];
    this.span('web', 'session', 1, root, start + BigInt(first) * 1000n, rest * 0.2);
    const call = this.span('web', 'GET catalogue', 3, root, start + BigInt(first) * 2000n, micros * 0.6, {
      'server.address': 'catalogue.internal',
    });
    this.query('catalogue', 'SELECT products', call, start + BigInt(first) * 2600n, micros * 0.3);
    this.span('web', `render ${route}`, 1, root, start + BigInt(Math.round(micros * 700)), micros * 0.25, {
      'app.items': this.between(1, 40),
    });
  }

  query(service, name, parent, start, micros) {
    const attributes = {
      'db.system.name': 'postgresql',
      'db.query.text': `${name} WHERE id = $1`,
      'db.response.returned_rows': this.between(0, 30),
    };
    return this.span(service, name, 3, parent, start, micros, attributes, {
      scope: '@opentelemetry/instrumentation-pg',
    });
  }

  checkout(nth, start) {
    const at = (millis) => start + BigInt(Math.round(millis * 1e6));
    const isBlocked = nth % 24 === 5;
    const isDeclined = nth % 20 === 9;
    const slow = isBlocked ? 214 + this.between(0, 120) : 0;
    const lines = isBlocked ? 24 + this.between(0, 20) : 3 + this.between(0, 5);
    const each = 1.3 + this.between(0, 900) / 1000;
    const queries = lines * (each + 0.3);
    const total = 64 + slow + queries + this.between(4, 60);
    const error = isDeclined ? { code: 2, message: 'card declined' } : { code: 0 };
    const root = this.span(
      'web',
      'POST /checkout',
      2,
      undefined,
      start,
      total * 1000,
      {
        'http.request.method': 'POST',
        'http.route': '/checkout',
        'http.response.status_code': isDeclined ? 402 : 200,
        'app.cart.value': this.between(900, 42_000) / 100,
      },
      { status: error },
    );
    this.span('web', 'session', 1, root, at(0.6), 1_900);
    const price = this.span('web', 'price cart', 1, root, at(3), (slow + 9) * 1000, {
      'app.cart.lines': lines,
      'app.cart.json': JSON.stringify({
        currency: 'EUR',
        lines: Array.from({ length: 6 }, () => ({
          sku: this.hex(1),
          name: this.pick(NAMES),
          count: this.between(1, 4),
        })),
      }),
    });
    if (isBlocked) this.block(price, at(6), slow);
    const after = slow + 14;
    const orders = this.span('web', 'POST orders', 3, root, at(after), (queries + 12) * 1000, {
      'server.address': 'orders.internal',
      'url.path': '/orders',
    });
    const created = this.span('orders', 'POST /orders', 2, orders, at(after + 1.2), (queries + 9) * 1000, {
      'http.route': '/orders',
      'http.response.status_code': 201,
    });
    for (let line = 0; line < lines; line++)
      this.query('orders', 'SELECT stock', created, at(after + 3 + line * (each + 0.3)), each * 1000);
    this.query('orders', 'INSERT orders', created, at(after + 4 + queries), 3_100);
    this.pay(root, at(after + queries + 16), isDeclined);
    const sent = this.span('web', 'order placed publish', 4, root, at(total - 7), 1_200, {
      'messaging.system': 'rabbitmq',
      'messaging.destination.name': 'orders',
    });
    if (isDeclined) return;
    const link = { traceId: sent.traceId, spanId: sent.spanId, attributes: [], droppedAttributesCount: 0 };
    const mail = this.span(
      'mailer',
      'order placed process',
      5,
      undefined,
      at(total + 40),
      31_000,
      { 'messaging.system': 'rabbitmq' },
      { links: [link] },
    );
    this.span('mailer', 'SMTP send', 3, mail, at(total + 46), 22_000, { 'server.address': 'smtp.internal' });
  }

  pay(root, start, isDeclined) {
    const event = (name, millis, attributes) => ({
      timeUnixNano: String(start + BigInt(millis) * MILLIS),
      name,
      attributes: attributesOf(attributes),
      droppedAttributesCount: 0,
    });
    const call = this.span('web', 'POST payments', 3, root, start, 33_000, { 'server.address': 'payments.internal' });
    const events = [event('card tokenised', 6, { 'card.network': 'visa' })];
    if (isDeclined)
      events.push(
        event('exception', 19, {
          'exception.type': 'CardDeclined',
          'exception.message': 'do not honour',
          'exception.stacktrace': 'CardDeclined: do not honour\n    at charge (/app/src/charge.js:52:11)',
        }),
      );
    this.span(
      'payments',
      'POST /charges',
      2,
      call,
      start + 2n * MILLIS,
      28_000,
      { 'http.route': '/charges', 'http.response.status_code': isDeclined ? 402 : 201, 'app.attempt': 1 },
      { events, status: isDeclined ? { code: 2, message: 'card declined' } : { code: 0 } },
    );
  }

  block(parent, start, millis) {
    const attributes = {
      label: 'EventLoopMonitor',
      asyncType: 'unknown',
      'event_loop.block.duration_ms': millis,
      'event_loop.block.cpu_ms': millis - 0.5,
      'event_loop.block.cause': 'cpu',
      'event_loop.block.ongoing': false,
      'event_loop.block.severity': millis > 300 ? 'critical' : 'warning',
      'event_loop.block.gc_ms': 3.25,
      'thread.id': 0,
      'code.function.name': 'parseCoupon',
      'code.file.path': '/app/src/coupons.js',
      'code.line.number': 88,
      'code.column.number': 24,
      'code.stacktrace': STACK,
    };
    this.span('web', 'event-loop-blocked', 1, parent, start, millis * 1000, attributes, { scope: MONITOR });
    // Requests that were open meanwhile, in the same process.
    this.span('web', 'GET /health', 2, undefined, start + 20n * MILLIS, (millis - 15) * 1000, {
      'http.route': '/health',
      'http.response.status_code': 200,
    });
    this.browse('/products/:id', start - 9n * MILLIS);
  }

  lines() {
    return [...this.#spans].map(([key, spans]) => {
      const [service, scope] = key.split(' ');
      const resource = {
        attributes: attributesOf({
          'service.name': service,
          'service.version': '2.14.0',
          'host.name': `${service}-1`,
          'process.pid': 4242,
        }),
        droppedAttributesCount: 0,
      };
      return JSON.stringify({
        resourceSpans: [{ resource, scopeSpans: [{ scope: { name: scope, version: '0.223.0' }, spans }] }],
      });
    });
  }
}

/** As JavaScript's values are written. */
export function attributesOf(values) {
  return Object.entries(values).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
}
