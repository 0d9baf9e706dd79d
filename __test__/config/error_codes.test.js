'use strict';
// Whatever a constructor throws because of its options has one code, for every option of every class and every odd value;
// where the stock exporter throws in the same place, class and message are still the stock exporter's.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { OTLPTraceExporter: StockGrpcExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { ODD_VALUES, optionsWith } = require('../helpers/odd_values.js');
const { OPTIONS } = require('../../js/config/options/table.js');
const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter, OTLPTraceExporter } = require('../..');
const {
  ApiSpanAdapter,
  DriftBatchSpanProcessor,
  FilesystemSpanAdapter,
  TdSpanExporter,
} = require('../../js/entries/tusk.js');

const CODE = 'ERR_OFFLOOP_CONFIG';
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-codes-'));
const before = process.cwd();
process.chdir(directory); // odd texts are names of directories
after(() => {
  process.chdir(before);
  fs.rmSync(directory, { recursive: true, force: true });
});

const recorder = { mode: 'RECORD', baseDirectory: directory };
const exporter = { export() {}, async shutdown() {} };
const config = { maxQueueSize: 1, maxExportBatchSize: 1, scheduledDelayMillis: 60_000 };

/** What is made, of which rows, and what it needs beside the option. */
const CLASSES = {
  'OTLPTraceExporter, protobuf': [OTLPTraceExporter, OPTIONS.OTLPTraceExporter, {}],
  'OTLPTraceExporter, gRPC': [OTLPTraceExporter, OPTIONS.OTLPTraceExporter, { protocol: 'grpc' }],
  FileSpanExporter: [FileSpanExporter, OPTIONS.FileSpanExporter, { directory }],
  BatchSpanProcessor: [BatchSpanProcessor, OPTIONS.BatchSpanProcessor, { exporter }],
  EventLoopMonitor: [EventLoopMonitor, OPTIONS.EventLoopMonitor, {}],
  TdSpanExporter: [TdSpanExporter, OPTIONS.TdSpanExporter, recorder],
  ApiSpanAdapter: [ApiSpanAdapter, OPTIONS.ApiSpanAdapter, {}],
  FilesystemSpanAdapter: [FilesystemSpanAdapter, OPTIONS.FilesystemSpanAdapter, recorder],
  DriftBatchSpanProcessor: [
    DriftBatchSpanProcessor,
    OPTIONS.DriftBatchSpanProcessor,
    { exporter, mode: 'RECORD', config },
  ],
};

function thrownBy(make) {
  try {
    make()
      ?.shutdown?.()
      ?.catch?.(() => {}); // the recorder's processor has a timer
    return null;
  } catch (error) {
    return error;
  }
}

/** `given` and the option, in a section that keeps its others. */
function withOption(given, name, value) {
  const [first] = name.split('.');
  const option = optionsWith(name, value);
  const isSection = first !== name;
  return { ...given, [first]: isSection ? { ...given[first], ...option[first] } : option[first] };
}

describe('X26: what a constructor throws has the code', () => {
  for (const [name, [Class, rows, given]] of Object.entries(CLASSES)) {
    it(`${name}: every option with every odd value`, () => {
      let thrown = 0;
      for (const option of Object.keys(rows)) {
        for (const [what, make] of Object.entries(ODD_VALUES)) {
          const error = thrownBy(() => new Class(withOption(given, option, make())));
          if (error === null) continue;
          // What the system says of a directory is no matter of options.
          if (error.syscall === 'mkdir') continue;
          assert.equal(error.code, CODE, `${option}, ${what}: ${error.stack}`);
          thrown += 1;
        }
      }
      assert.ok(thrown > 20, `${thrown} errors`);
    });

    it(`${name}: odd arguments, and options that cannot be read`, () => {
      const unreadable = () => Object.fromEntries(Object.keys(rows).map((option) => [option.split('.')[0], undefined]));
      const getters = Object.keys(unreadable()).map((option) =>
        Object.defineProperty({ ...given }, option, {
          enumerable: true,
          get() {
            throw new RangeError('of a getter');
          },
        }),
      );
      for (const argument of [...Object.values(ODD_VALUES).map((make) => make()), ...getters]) {
        const error = thrownBy(() => new Class(argument));
        if (error === null || error.syscall === 'mkdir') continue;
        assert.equal(error.code, CODE, error.stack);
      }
    });
  }

  it('two options that exclude each other, TLS that only Node has, half a client pair', () => {
    const made = [
      () => new EventLoopMonitor({ exporter, processor: { onEnd() {} } }),
      () => new OTLPTraceExporter({ url: 'https://h/', transport: 'native', httpAgentOptions: { lookup() {} } }),
      () => new OTLPTraceExporter({ protocol: 'grpc', credentials: { certChain: 'x' } }),
      () => new OTLPTraceExporter({ protocol: 'grpc', credentials: { rootCerts: 5 } }),
      () => new FileSpanExporter({ directory: 'a\0b' }),
      () => new BatchSpanProcessor(),
    ];
    for (const make of made) assert.equal(thrownBy(make)?.code, CODE, String(make));
  });

  it('and so have the options of a call', async () => {
    const exporter = new OTLPTraceExporter();
    await assert.rejects(exporter.forceFlush({ timeoutMillis: 'soon' }), { code: CODE });
    await assert.rejects(exporter.forceFlush({ mode: 'x' }), { code: CODE });
    await assert.rejects(exporter.shutdown({ timeoutMillis: {} }), { code: CODE });
    await exporter.shutdown();
  });

  it("an error of the application's that has a code keeps it, one that cannot be changed comes as it is", () => {
    const thrower = (error) => ({
      get url() {
        throw error;
      },
    });
    for (const error of [
      Object.assign(new Error('x'), { code: 'MINE' }),
      Object.freeze(new Error('x')),
      'a text',
      null,
    ]) {
      const code = error?.code;
      let thrown;
      try {
        new OTLPTraceExporter(thrower(error));
      } catch (caught) {
        thrown = { caught };
      }
      assert.equal(thrown.caught, error);
      assert.equal(error?.code, code);
    }
  });
});

describe('X26: class and message are those of the stock exporter where it throws', () => {
  const stock = {
    'OTLPTraceExporter, protobuf': [StockExporter, ['url', 'timeoutMillis']],
    'OTLPTraceExporter, gRPC': [StockGrpcExporter, ['url', 'timeoutMillis']],
  };
  for (const [name, [Stock, options]] of Object.entries(stock)) {
    it(name, () => {
      const [Class, , given] = CLASSES[name];
      let compared = 0;
      const arguments_ = options.flatMap((option) =>
        Object.values(ODD_VALUES).map((make) => () => withOption(given, option, make())),
      );
      for (const make of [...arguments_, () => ({ ...given, url: 'http://a b/' })]) {
        const { protocol, ...others } = make();
        const theirs = thrownBy(() => new Stock(others));
        const ours = thrownBy(() => new Class(make()));
        if (theirs === null || ours === null) continue;
        assert.equal(ours.code, CODE);
        // Where the stock exporter converts a value, which runs code of it or cannot be done, ours does not.
        if (!/^Configuration|^Invalid URL/.test(theirs.message)) continue;
        assert.equal(ours.constructor, theirs.constructor, theirs.message);
        assert.equal(ours.message, theirs.message);
        compared += 1;
      }
      assert.ok(compared > 10, `${compared} errors`);
    });
  }
});
