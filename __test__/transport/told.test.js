'use strict';

const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { OTLPTraceExporter } = require('../..');
const { PlainSpans } = require('../helpers/plain_spans.js');

// What one exporter is told by an endpoint is its own: a throttle, and that its credentials are refused.

const plain = new PlainSpans(29);
const oneSpan = [plain.span()];

async function collector(t, answer) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.headers);
    request.resume().on('end', () => {
      const { status, headers } = answer(request.headers);
      response.writeHead(status, headers).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/v1/traces`, requests };
}

function open(t, config) {
  const exporter = new OTLPTraceExporter({ timeoutMillis: 8000, ...config });
  t.after(() => exporter.shutdown({ timeoutMillis: 10 }));
  return exporter;
}

for (const transport of ['native', 'node']) {
  test(`a tenant that is throttled is alone with it: ${transport}`, async (t) => {
    const { url, requests } = await collector(t, ({ tenant }) =>
      tenant === 'a' ? { status: 429, headers: { 'Retry-After': '30' } } : { status: 200 },
    );
    const [a, b] = ['a', 'b'].map((tenant) => open(t, { url, transport, headers: { tenant } }));
    for (let n = 0; n < 3; n += 1) a.exportSpans(oneSpan);
    while (requests.length === 0) await sleep(5);
    await sleep(100);
    const asked = requests.filter(({ tenant }) => tenant === 'a').length;
    const results = await Promise.all([1, 2, 3].map(() => b.exportSpans(oneSpan)));
    assert.deepEqual(
      results.map(({ delivered }) => delivered),
      [1, 1, 1],
    );
    assert.ok(asked <= 3, `${asked}`);
    assert.equal(requests.filter(({ tenant }) => tenant === 'a').length, asked, 'it is not asked again meanwhile');
  });

  for (const kind of ['object', 'function']) {
    test(`new credentials end the hold, also for what waits already: ${transport}, ${kind}`, async (t) => {
      const { url, requests } = await collector(t, ({ authorization }) => ({
        status: authorization === 'new' ? 200 : 401,
      }));
      const headers = { authorization: 'old' };
      const exporter = open(t, { url, transport, headers: kind === 'object' ? headers : async () => ({ ...headers }) });
      const refused = await exporter.exportSpans(oneSpan);
      assert.equal(refused.error.httpStatus, 401);
      const held = exporter.exportSpans(oneSpan);
      await sleep(50);
      assert.equal(requests.length, 1, 'a bad key must not hammer');
      headers.authorization = 'new';
      // Nothing is exported after it that could make somebody look.
      assert.equal((await held).delivered, 1);
      assert.equal((await exporter.exportSpans(oneSpan)).delivered, 1);
      assert.equal(requests.length, 3);
    });
  }
}
