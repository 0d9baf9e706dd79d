'use strict';

// Owns the demo's application: an orders page that asks a database three things. The rows have the shape that `pg`
// returns; they come from memory after a delay like a database's, so the demo needs no server. Each query span carries
// its statement and parameters. Two payloads of about 45 KB each are recorded per request, as teams do who debug or
// replay from traces: the rows on the span of the page query, the response body on the server span.

const { SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');

const PAGES = 20;
const ROWS_PER_PAGE = 92;
const CUSTOMERS = [
  'Amélie Laurent',
  'John Carter',
  'Jürgen Vogel',
  'Maria Lopes',
  'Søren Dahl',
  'Priya Nair',
  'Emma Stone',
];
const STREETS = ['Rue de la Paix', 'Market Street', 'Lindenstraße', 'Avenida Central', 'Nørregade', 'High Street'];
const PRODUCTS = [
  'Ceramic mug 350 ml',
  'Wool blanket 130 × 170',
  'Desk lamp, brass',
  'Notebook A5, dotted',
  'Tea, 200 g',
];
const STATES = ['paid', 'packed', 'shipped', 'delivered', 'returned'];

/** A small deterministic generator, so that every phase serves the same rows with the same delays. */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function createTable() {
  const random = createRandom(20_26);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const hex = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
  const row = (id, page) => ({
    id: String(id), // bigint columns arrive as text
    public_id: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    customer: { name: pick(CUSTOMERS), email: `customer${id}@example.com`, vip: random() < 0.1 },
    ship_to: `${1 + Math.floor(random() * 180)} ${pick(STREETS)}`,
    state: pick(STATES),
    total: (random() * 500).toFixed(2), // numeric columns too
    currency: 'EUR',
    items: Array.from({ length: 2 }, () => ({
      sku: hex(8),
      name: pick(PRODUCTS),
      quantity: 1 + Math.floor(random() * 4),
    })),
    // One page in five has text outside Latin-1, as real notes do.
    note: random() < 0.3 ? (page % 5 === 0 ? 'Leave at the door, thank you 🙏' : 'Leave at the door') : null,
    created_at: new Date(1.76e12 + id * 61_000).toISOString(),
  });
  return Array.from({ length: PAGES }, (_, page) =>
    Array.from({ length: ROWS_PER_PAGE }, (_, index) => row(100_000 + page * ROWS_PER_PAGE + index, page)),
  );
}

function createApplication(tracer) {
  const table = createTable();
  const random = createRandom(7);
  let served = 0;

  function query(operation, collection, text, parameters, minimumMillis, produce) {
    const attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': 'shop',
      'db.operation.name': operation,
      'db.collection.name': collection,
      'db.query.text': text,
      'server.address': 'db.internal.example.com',
      'server.port': 5432,
    };
    parameters.forEach((value, index) => {
      attributes[`db.query.parameter.${index}`] = value;
    });
    return tracer.startActiveSpan(`${operation} ${collection}`, { kind: SpanKind.CLIENT, attributes }, async (span) => {
      try {
        await new Promise((resolve) => setTimeout(resolve, minimumMillis + random() * minimumMillis));
        const rows = produce();
        span.setAttribute('db.response.returned_rows', rows.length);
        if (rows.length > 1) span.setAttribute('db.response.rows', JSON.stringify(rows));
        return rows;
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  /** One page of orders, as the body of the response. */
  return async function ordersPage() {
    const request = served++;
    const page = request % PAGES;
    const token = `session-${request % 977}`;
    const [session] = await query(
      'SELECT',
      'sessions',
      'SELECT user_id, expires_at FROM sessions WHERE token = $1',
      [token],
      2,
      () => [{ user_id: request % 977, expires_at: '2026-12-31T00:00:00.000Z' }],
    );
    const rows = await query(
      'SELECT',
      'orders',
      'SELECT o.id, o.public_id, c.customer, o.ship_to, o.state, o.total, o.currency, i.items, o.note, o.created_at ' +
        'FROM orders o JOIN customers c ON c.id = o.customer_id JOIN LATERAL ' +
        '(SELECT json_agg(x) AS items FROM items x WHERE x.order_id = o.id) i ON true ' +
        'WHERE o.account_id = $1 ORDER BY o.id LIMIT $2 OFFSET $3',
      [String(session.user_id), String(ROWS_PER_PAGE), String(page * ROWS_PER_PAGE)],
      6,
      () => table[page].map((row) => ({ ...row, requested_by: session.user_id })),
    );
    await query(
      'UPDATE',
      'sessions',
      'UPDATE sessions SET last_seen_at = now() WHERE token = $1',
      [token],
      2,
      () => [],
    );
    const body = JSON.stringify({ page, orders: rows });
    trace.getActiveSpan().setAttribute('http.response.body', body);
    return body;
  };
}

module.exports = { createApplication, SPANS_PER_REQUEST: 4 };
