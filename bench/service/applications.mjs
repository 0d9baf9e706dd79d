// The two applications of the service rows: small JSON answers, and pages that read a real PostgreSQL through a pool.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const CLIENT_KIND = 2;
const STEPS = ['session.load', 'account.read', 'basket.price'];

/** A request is a server span and three inner ones of 8 attributes each; nothing waits for anything. */
async function createSmallPages({ tracer }) {
  let served = 0;
  return {
    async respond() {
      const request = served++;
      const answer = { request, steps: [] };
      for (const [index, name] of STEPS.entries()) {
        const span = tracer.startSpan(name, { kind: 0 });
        span.setAttribute('code.function.name', name);
        span.setAttribute('session.id', `session-${request % 977}`);
        span.setAttribute('enduser.id', `customer-${request % 4711}`);
        span.setAttribute('app.step.index', index);
        span.setAttribute('app.region', 'eu-central-1');
        span.setAttribute('app.cache.hit', request % 3 === 0);
        span.setAttribute('app.items', (request * 7) % 40);
        span.setAttribute('app.release', '2026.11.3-4f2a9c');
        answer.steps.push({ name, ok: true });
        span.end();
      }
      return JSON.stringify(answer);
    },
    reset() {},
    counts: () => ({}),
    async close() {},
  };
}

export const QUERIES_PER_PAGE = 20;
export const ROWS_PER_QUERY = 200;
export const ACQUIRE_LIMIT_MILLIS = 50;
const POOL_CLIENTS = 5; // half of the requests under way: whoever comes second waits for a query, some milliseconds

const QUERY_TEXT =
  'SELECT o.id, o.public_id, o.customer, o.email, o.ship_to, o.state, o.total, o.note, o.created_at ' +
  'FROM orders o WHERE o.account_id = $1 ORDER BY o.id LIMIT $2';

/** A page asks the database twenty times, one query after the other, each through a client of the pool. */
async function createDatabasePages({ tracer, database, isRecorded }) {
  const { Pool } = require('pg');
  const pool = new Pool({
    ...database,
    max: POOL_CLIENTS,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: ACQUIRE_LIMIT_MILLIS,
  });
  pool.on('error', () => {}); // an idle client that the server closed at the end
  await openClients(pool);
  let served = 0;
  let timeouts = 0;
  let failures = 0;

  async function query(account) {
    const span = tracer.startSpan('SELECT orders', {
      kind: CLIENT_KIND,
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': 'postgres',
        'db.operation.name': 'SELECT',
        'db.query.text': QUERY_TEXT,
        'db.query.parameter.0': String(account),
        'db.query.parameter.1': String(ROWS_PER_QUERY),
        'server.address': database.host,
        'server.port': database.port,
      },
    });
    try {
      const client = await pool.connect().catch((error) => {
        timeouts += 1;
        throw error;
      });
      try {
        const { rows } = await client.query({ name: 'orders', text: QUERY_TEXT, values: [account, ROWS_PER_QUERY] });
        if (rows.length !== ROWS_PER_QUERY) throw new Error(`${rows.length} rows`);
        const text = JSON.stringify(rows); // recorded, as for debugging and replay
        if (isRecorded) recordQuery(span, account, text);
        else span.setAttributes({ 'db.response.returned_rows': rows.length, 'db.response.rows': text });
        return rows;
      } finally {
        client.release();
      }
    } catch (error) {
      failures += 1;
      span.setStatus({ code: 2, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    async respond() {
      const request = served++;
      let rows = 0;
      for (let index = 0; index < QUERIES_PER_PAGE; index++) {
        rows += (await query((request * QUERIES_PER_PAGE + index) % ACCOUNTS)).length;
      }
      return JSON.stringify({ request, rows });
    },
    reset() {
      timeouts = 0;
      failures = 0;
    },
    counts: () => ({ poolTimeouts: timeouts, failedQueries: failures }),
    close: () => pool.end(),
  };
}

/** What a record/replay SDK puts on the span of a query. */
function recordQuery(span, account, rows) {
  span.setAttributes({
    'td.name': 'pg.query',
    'td.packageName': 'pg',
    'td.instrumentationName': 'PgInstrumentation',
    'td.submodule': 'query',
    'td.packageType': 4,
    'td.isPreAppStart': false,
    'td.inputValue': JSON.stringify({ text: QUERY_TEXT, values: [account, ROWS_PER_QUERY], clientType: 'pool' }),
    'td.outputValue': `{"command":"SELECT","rowCount":${ROWS_PER_QUERY},"rows":${rows}}`,
    'td.inputSchemaMerges': '{"values":{"matchImportance":0}}',
  });
  span.setStatus({ code: 1 });
}

/** The first connections may take longer than the limit for acquiring one. */
async function openClients(pool) {
  const until = performance.now() + 10_000;
  for (;;) {
    const clients = await Promise.allSettled(Array.from({ length: POOL_CLIENTS }, () => pool.connect()));
    for (const { value } of clients) value?.release();
    const failed = clients.find(({ status }) => status === 'rejected');
    if (!failed) return;
    if (performance.now() > until) throw failed.reason;
  }
}

const ACCOUNTS = 20;

/** The rows that the pages read: 200 for each account, about 45 KB as JSON. */
export const TABLE_SQL = `
CREATE TABLE orders (
  id bigint PRIMARY KEY, account_id integer NOT NULL, public_id uuid NOT NULL, customer text NOT NULL,
  email text NOT NULL, ship_to text NOT NULL, state text NOT NULL, total numeric(10, 2) NOT NULL, note text,
  created_at timestamptz NOT NULL
);
INSERT INTO orders
SELECT n, n % ${ACCOUNTS}, md5(n::text)::uuid, (ARRAY['Amélie Laurent', 'John Carter', 'Maria Lopes', 'Emma Stone'])[n % 4 + 1],
  'customer' || n || '@example.com', n % 180 || ' Market Street', (ARRAY['paid', 'packed', 'shipped'])[n % 3 + 1],
  n * 1.37 % 500, CASE WHEN n % 3 = 0 THEN 'Leave at the door' END, timestamptz '2026-01-01' + n * interval '61 s'
FROM generate_series(0, ${ACCOUNTS * ROWS_PER_QUERY - 1}) AS n;
CREATE INDEX ON orders (account_id, id);
ANALYZE orders;
`;

export const applications = { small: createSmallPages, database: createDatabasePages };
