'use strict';
// The same program with the stock exporter and with ours, seen from outside, over the whole scenario table and both wire
// formats. Only differences on purpose are allowed (the rows X of docs/spec/otlp.md); each is named below.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it, test } = require('node:test');
const { issue } = require('../helpers/config/certificates.js');
const { startRecorder } = require('../helpers/config/recorder.js');
const { observe, withoutOurCode, withoutOurNotices } = require('../helpers/config/runner.js');
const { scenarios, SECRET } = require('../helpers/config/scenarios.js');
const { OURS, STOCK } = require('../helpers/config/subjects.js');
const { repeated } = require('../helpers/repeated.js');
const { localSocket } = require('../helpers/local_socket.js');

const context = {};

before(async () => {
  context.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-differential-'));
  fs.writeFileSync(path.join(context.dir, 'ca.pem'), issue({ commonName: 'a CA', authority: true }).cert);
  context.socket = localSocket(context.dir);
  const tcp = await startRecorder();
  const unix = await startRecorder({ listen: { path: context.socket } });
  Object.assign(context, { origin: tcp.origin, port: tcp.port, recorders: [tcp, unix] });
});

after(async () => {
  for (const recorder of context.recorders) await recorder.close();
  fs.rmSync(context.dir, { recursive: true });
});

/** Takes out of both observations what differs on purpose. */
function withoutListedDifferences(scenario, stock, observed) {
  for (const observation of [stock, observed]) {
    for (const { error } of observation.results ?? []) {
      // Exhausted retries keep the status code (X6).
      if (error?.message === 'Export failed with retryable status') error.code = 'any';
    }
    // Concurrent first exports share one pool instead of racing for one each (X7).
    // Where the stock exporter's next wait does not fit into the time left, we make one last attempt sooner.
    if (scenario.concurrent || scenario.retried) {
      observation.connections = 'any';
      for (const request of observation.requests) request.connection = 'any';
    }
    if (scenario.retried) {
      observation.requests = observation.requests.slice(0, 1);
      observation.lines = observation.lines.filter(
        (line) => !/^(verbose: Scheduling export retry|info: Export retry time)/.test(line),
      );
    }
    // An HTTP client of ours says what leaving it out means too (RFC 9110 §12.5.1).
    for (const { headers } of observation.requests) if (headers.accept === '*/*') delete headers.accept;
    // The response that could not be read is described in other words.
    observation.lines = observation.lines.map((line) =>
      line.replace(/(specification compliant\?|parse trace export response:).*/s, '$1'),
    );
    observation.lines = withoutOurNotices(observation.lines);
    // A log line or an error never repeats the credentials of an unusable URL.
    observation.lines = observation.lines.map(mask);
    if (observation.thrown) observation.thrown = withoutOurCode(observation.thrown);
    if (observation.thrown) observation.thrown.message = mask(observation.thrown.message);
  }
  // Without a limit in its options an exporter of ours has none (X18), so concurrent scenarios have to set one.
  assert.ok(!scenario.concurrent || scenario.config(context).concurrencyLimit !== undefined);
}

const mask = (text) => text.replace(/\/\/user:.*@/, '//***@');

async function compare(scenario, protocol, subject) {
  const stock = await observe(STOCK[protocol], scenario, context);
  const observed = await observe(subject, scenario, context);
  if (subject !== STOCK[protocol]) {
    const visible = JSON.stringify([observed.lines, observed.results, observed.thrown]);
    assert.ok(!visible.includes(SECRET), `a planted secret shows in ${visible}`);
  }
  withoutListedDifferences(scenario, stock, observed);
  assert.deepEqual(observed, stock);
  return stock;
}

for (const protocol of Object.keys(STOCK)) {
  describe(`${protocol}: stock beside ours`, () => {
    for (const scenario of scenarios) {
      it(scenario.name, async () => {
        const seen = await repeated(scenario.retried, () => compare(scenario, protocol, OURS[protocol]));
        const somethingHappened =
          scenario.elsewhere || seen.thrown || seen.requests.length > 0 || seen.results.length > 0;
        assert.ok(somethingHappened, 'a scenario that observes nothing proves nothing');
      });
    }
  });
}

for (const protocol of Object.keys(STOCK)) {
  it(`an IPv6 address, ${protocol}`, async (t) => {
    let recorder;
    try {
      recorder = await startRecorder({ listen: { port: 0, host: '::1' } });
    } catch (error) {
      t.skip(`this machine has no IPv6 loopback: ${error.message}`);
      return;
    }
    const over6 = { recorders: [recorder] };
    const scenario = { env: () => ({}), config: () => ({ url: `http://[::1]:${recorder.port}/x` }), exports: 2 };
    const stock = await observe(STOCK[protocol], scenario, over6);
    const observed = await observe(OURS[protocol], scenario, over6);
    await recorder.close();
    withoutListedDifferences(scenario, stock, observed);
    assert.equal(stock.requests.length, 2);
    assert.deepEqual(observed, stock);
  });
}

test('the table is as large as promised', () => {
  assert.ok(scenarios.filter((scenario) => !scenario.elsewhere).length >= 150);
  assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
});

describe('the runner sees a difference in', () => {
  const Stock = STOCK['http/json'];
  const row = { env: () => ({}), config: ({ origin }) => ({ url: `${origin}/x`, headers: { a: '1' } }) };
  const subjects = {
    'a header': class extends Stock {
      constructor(config) {
        super({ ...config, headers: { a: '2' } });
      }
    },
    'the path': class extends Stock {
      constructor(config) {
        super({ ...config, url: `${config.url}/y` });
      }
    },
    'the body': class extends Stock {
      export(spans, callback) {
        super.export([...spans, ...spans], callback);
      }
    },
    'the number of connections': class extends Stock {
      constructor(config) {
        super({ ...config, keepAlive: false });
      }
    },
    'the result': class extends Stock {
      export(spans, callback) {
        super.export(spans, () => callback({ code: 1, error: new Error('x') }));
      }
    },
    'when the callback runs': class extends Stock {
      export(_spans, callback) {
        callback({ code: 0 });
      }
    },
    'how often the callback runs': class extends Stock {
      export(spans, callback) {
        super.export(spans, (result) => {
          callback(result);
          callback(result);
        });
      }
    },
    'a diag line': class extends Stock {
      constructor(config) {
        super({ ...config, metadata: {} });
      }
    },
    'a constructor that throws': class extends Stock {
      constructor(config) {
        super({ ...config, timeoutMillis: -1 });
      }
    },
  };
  for (const [name, subject] of Object.entries(subjects)) {
    it(name, async () => {
      await assert.rejects(compare({ ...row, exports: 2 }, 'http/json', subject), assert.AssertionError);
    });
  }
});
