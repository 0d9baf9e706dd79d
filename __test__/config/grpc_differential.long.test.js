'use strict';
// The same program with the stock exporters over gRPC and with ours, seen from outside, over the whole scenario table. Only
// differences on purpose are allowed (Y1 to Y14 in docs/spec/otlp-grpc.md); each scenario that shows one names it.

const assert = require('node:assert/strict');
const { after, before, describe, it, test } = require('node:test');
const { hold, differences } = require('../helpers/grpc/differences.js');
const { loadOurs, STOCK } = require('../helpers/grpc/subjects.js');
const { makeContext } = require('../helpers/grpc/context.js');
const { observe } = require('../helpers/grpc/observe.js');
const { scenarios } = require('../helpers/grpc/scenarios.js');
const { repeated } = require('../helpers/repeated.js');

let context;
before(async () => {
  context = await makeContext();
});
after(() => context.close());

async function compare(scenario, version, subject) {
  const { load, grpc, span } = STOCK[version];
  Object.assign(context, { grpc: grpc(), span });
  const stock = await observe(load(), scenario, context);
  const ours = await observe(subject, scenario, context);
  hold(scenario, stock, ours, version);
  return stock;
}

for (const version of ['0.57.2', '0.223.1']) {
  describe(`OTLP over gRPC: stock ${version} beside ours`, () => {
    for (const scenario of scenarios) {
      if (scenario.since && version === '0.57.2') continue; // it came with the 0.2xx versions
      it(scenario.name, async () => {
        // A stock client that was refused connects again when its scenario is over: that may be seen in the next one.
        const { thrown, results } = await repeated(true, () => compare(scenario, version, loadOurs()));
        assert.ok(thrown || results.length > 0, 'a scenario that observes nothing proves nothing');
      });
    }
  });
}

test('the table of OTLP over gRPC is as large as promised', () => {
  assert.ok(scenarios.length >= 550, `${scenarios.length} scenarios`);
  assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
});

test('every difference that a scenario shows is one of the list', () => {
  const { rows } = require('../helpers/grpc/difference_list.js');
  for (const { name, differs } of scenarios)
    if (differs) assert.ok(rows.includes(differs.row), `${name}: ${differs.row}`);
  for (const row of Object.keys(differences)) assert.ok(rows.includes(row), row);
});

describe('the runner over gRPC sees a difference in', () => {
  const version = '0.223.1';
  const Stock = STOCK[version].load();
  const { grpc } = STOCK[version];
  const row = {
    name: 'a control',
    exports: 2,
    env: () => ({ OTEL_EXPORTER_OTLP_HEADERS: 'a=1' }),
    config: ({ origin }) => ({ url: origin }),
  };
  const changed = (change) =>
    class extends Stock {
      constructor(config) {
        super({ ...config, ...change(config) });
      }
    };
  const withMetadata = () => {
    const metadata = new (grpc().Metadata)();
    metadata.set('a', '2');
    return { metadata };
  };
  const subjects = {
    metadata: changed(withMetadata),
    'the address': changed(() => ({ url: 'http://elsewhere:1' })),
    'TLS or none': changed(() => ({
      credentials: grpc().credentials.createSsl(null, null, null, { rejectUnauthorized: false }),
    })),
    'the compression': changed(() => ({ compression: 'gzip' })),
    'the deadline': changed(() => ({ timeoutMillis: 5000 })),
    'the message': class extends Stock {
      export(spans, callback) {
        super.export([...spans, ...spans], callback);
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
    'a diag line': changed(() => {
      require('@opentelemetry/api').diag.warn('one more');
      return {};
    }),
    'a constructor that throws': changed(() => ({ timeoutMillis: -1 })),
  };
  for (const [name, subject] of Object.entries(subjects)) {
    it(name, async () => {
      await assert.rejects(compare(row, version, subject), assert.AssertionError);
    });
  }

  const refusing = { ...row, exports: 1, respond: { status: 5, message: 'no', trailers: { 'x-a': '1' } } };
  const telling = (change) =>
    class extends Stock {
      export(spans, callback) {
        super.export(spans, ({ code, error }) => callback({ code, error: Object.assign(error, change) }));
      }
    };
  for (const [name, change] of Object.entries({
    'the code of an error': { code: 6 },
    'the details of an error': { details: 'yes' },
    'the metadata of an error': { metadata: undefined },
    'the message of an error': { message: 'another' },
    'a further property of an error': { more: 1 },
  })) {
    it(name, async () => {
      await assert.rejects(compare(refusing, version, telling(change)), assert.AssertionError);
    });
  }
});
