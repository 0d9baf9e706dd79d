'use strict';
// Errors of exports over gRPC, built from plain facts, beside those of the stock exporter for the same answers.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { inspect } = require('node:util');
const grpc = require('@grpc/grpc-js');
const { OTLPTraceExporter: Stock } = require('@opentelemetry/exporter-trace-otlp-grpc');
const { loggingErrorHandler } = require('@opentelemetry/core');
const { GrpcMetadata } = require('../../js/config/grpc/metadata_values.js');
const { buildExportError } = require('../../js/exporter/errors.js');
const { recordDiag } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

let receiver;
before(async () => {
  receiver = await startGrpcReceiver();
});
after(() => receiver.close());

async function stockError(step) {
  receiver.reset({ script: [step] });
  const exporter = new Stock({ url: receiver.origin });
  const { error } = await new Promise((resolve) => exporter.export([span], resolve));
  await exporter.shutdown();
  return error;
}

/** What a native sink reports of the same answer. */
const oursOf = ({ status, message = '', trailers = {}, details }) =>
  buildExportError({
    kind: 'grpc',
    code: String(status),
    message: decodeURIComponent(message),
    metadata: [
      ...Object.entries(trailers),
      ...(details ? [['grpc-status-details-bin', details.toString('base64')]] : []),
    ].flatMap(([name, values]) => [values].flat().map((value) => [name, value])),
  });

const seen = (error) => ({
  name: error.name,
  kind: error.constructor.name,
  text: String(error),
  keys: Object.keys(error),
  own: Object.getOwnPropertyNames(error)
    .filter((name) => name !== 'stack')
    .sort(),
  code: error.code,
  details: error.details,
  metadata: error.metadata.toJSON(),
  map: error.metadata.getMap(),
  data: error.data,
});

/** What HTTP/2 itself adds to an answer of trailers only. */
function withoutHead(view) {
  for (const name of ['content-type', 'date']) {
    delete view.metadata[name];
    delete view.map[name];
  }
  return view;
}

describe("the error is the stock exporter's", () => {
  for (const [name, step] of Object.entries({
    unavailable: { status: 14, message: 'try%20later' },
    'a refusal without words': { status: 7 },
    'a status that nobody has named': { status: 99, message: 'x' },
    'metadata of several kinds': {
      status: 3,
      message: 'no',
      trailers: { 'x-one': 'a', 'x-two': ['b', 'c'], 'x-raw-bin': Buffer.from([0, 255]).toString('base64') },
    },
    'details as bytes': { status: 8, message: 'quota', details: Buffer.from([8, 8, 18, 1, 120]) },
  })) {
    it(name, async () => {
      const stock = withoutHead(seen(await stockError(step)));
      const ours = withoutHead(seen(oursOf(step)));
      assert.deepEqual(ours, stock);
    });
  }

  it('what the global error handler logs of it has the same keys', async () => {
    const keysOf = async (error) => {
      const { lines } = await recordDiag(() => loggingErrorHandler()(error));
      return Object.keys(JSON.parse(lines[0].replace(/^error: '?|'$/g, '').replaceAll("\\'", "'"))).sort();
    };
    const step = { status: 14, message: 'x' };
    try {
      assert.deepEqual(await keysOf(oursOf(step)), await keysOf(await stockError(step)));
    } catch (error) {
      assert.ok(!(error instanceof SyntaxError), inspect(error));
      throw error;
    }
  });
});

describe('metadata is used like that of @grpc/grpc-js', () => {
  const script = [
    ['set', 'A', '1'],
    ['add', 'a', '2'],
    ['add', 'b-bin', Buffer.from([1, 2])],
    ['set', 'c', 'x'],
    ['remove', 'C'],
  ];
  const filled = (Metadata) => {
    const metadata = new Metadata({ waitForReady: true });
    for (const [method, ...args] of script) metadata[method](...args);
    return metadata;
  };

  it('every method answers the same', () => {
    const [ours, stock] = [filled(GrpcMetadata), filled(grpc.Metadata)];
    const view = (metadata) => {
      const copy = metadata.clone();
      copy.merge(metadata);
      return {
        all: metadata.get('A'),
        none: metadata.get('c'),
        map: metadata.getMap(),
        json: metadata.toJSON(),
        wire: metadata.toHttp2Headers(),
        merged: copy.toJSON(),
        options: metadata.getOptions(),
        name: metadata.constructor.name,
      };
    };
    assert.deepEqual(view(ours), view(stock));
  });

  it('refuses the same, in the same words but for the value', () => {
    const words = (Metadata, args) => {
      try {
        new Metadata().set(...args);
        return 'taken';
      } catch ({ message }) {
        return message.replace(/value "[^"]*"/, 'value "***"');
      }
    };
    const cases = [
      ['a b', 'x'],
      ['a', 'ä'],
      ['a-bin', 'text'],
      ['a', Buffer.from('x')],
      ['a', ''],
      ['A.b_c-1', '~'],
      ['', 'x'],
    ];
    for (const args of cases) assert.equal(words(GrpcMetadata, args), words(grpc.Metadata, args), inspect(args));
  });
});
