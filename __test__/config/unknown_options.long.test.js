'use strict';
// An option that does not exist is told, whichever class is given it; what the stock classes, the SDK and its distributions
// hand over is not, and nothing of the application's is run to find out.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const vm = require('node:vm');
const typescript = require('typescript');
const { recordDiag } = require('../helpers/config/recorder.js');
const { OPTIONS } = require('../../js/config/options/table.js');
const { Patches } = require('../../js/register/patches.js');
const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter, OTLPTraceExporter } = require('../..');
const tusk = require('../../js/entries/tusk.js');

const root = path.join(__dirname, '..', '..');
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-unknown-'));
after(() => fs.rmSync(directory, { recursive: true, force: true }));

const foreign = { export() {}, async shutdown() {} };
const drift = { maxQueueSize: 1, maxExportBatchSize: 1, scheduledDelayMillis: 60_000 };
const recorder = { mode: 'RECORD', baseDirectory: directory, exportTimeoutMillis: 1000 };
const remote = {
  ...recorder,
  useRemoteExport: true,
  apiKey: 'k',
  observableServiceId: 's',
  tuskBackendBaseUrl: 'http://h',
};

const without = ({ ...rows }, name) => delete rows[name] && rows;

/** Class -> `{ make, typo, meant }`: an option that is misspelt and what was meant. */
const CLASSES = {
  OTLPTraceExporter: {
    make: (given) => new OTLPTraceExporter(given),
    typo: 'timeoutMilis',
    meant: 'timeoutMillis',
    rows: OPTIONS.OTLPTraceExporter,
  },
  ...Object.fromEntries(
    ['otlp_proto', 'otlp_http', 'otlp_grpc'].map((entry) => [
      `OTLPTraceExporter of ${entry}`,
      {
        make: (given) => new (require(`../../js/entries/${entry}.js`).OTLPTraceExporter)(given),
        typo: 'quee',
        meant: 'queue',
        rows: OPTIONS.OTLPTraceExporter,
      },
    ]),
  ),
  'OTLPTraceExporter over gRPC': {
    make: (given) => new OTLPTraceExporter(Object.assign(given, { protocol: 'grpc' })),
    typo: 'meta_data',
    meant: 'metadata',
    rows: OPTIONS.OTLPTraceExporter,
  },
  FileSpanExporter: {
    make: (given) => new FileSpanExporter(Object.assign(given, { directory })),
    typo: 'maxfiles',
    meant: 'maxFiles',
    rows: OPTIONS.FileSpanExporter,
  },
  'BatchSpanProcessor, exporter apart': {
    make: (given) => new BatchSpanProcessor(foreign, given),
    typo: 'maxQueueSzie',
    meant: 'maxQueueSize',
    rows: without(OPTIONS.BatchSpanProcessor, 'exporter'),
  },
  'BatchSpanProcessor, one object': {
    make: (given) => new BatchSpanProcessor(Object.assign(given, { exporter: foreign })),
    typo: 'exportTimeout',
    meant: 'exportTimeoutMillis',
    rows: OPTIONS.BatchSpanProcessor,
  },
  EventLoopMonitor: {
    make: (given) => new EventLoopMonitor(Object.assign(given, { isAutomatic: true, heartbeatOnly: true })),
    typo: 'treshold',
    meant: null,
    rows: OPTIONS.EventLoopMonitor,
  },
  'TdSpanExporter, to files': {
    make: (given) => new tusk.TdSpanExporter(Object.assign(given, recorder)),
    typo: 'baseDir',
    meant: 'baseDirectory',
    rows: { ...OPTIONS.TdSpanExporter, ...OPTIONS.ApiSpanAdapter, ...OPTIONS.FilesystemSpanAdapter },
  },
  'TdSpanExporter, remote': {
    make: (given) => new tusk.TdSpanExporter(Object.assign(given, remote)),
    typo: 'sdkversion',
    meant: 'sdkVersion',
    rows: { ...OPTIONS.TdSpanExporter, ...OPTIONS.ApiSpanAdapter, ...OPTIONS.FilesystemSpanAdapter },
  },
  ApiSpanAdapter: {
    make: (given) => new tusk.ApiSpanAdapter(Object.assign(given, remote)),
    typo: 'apikey',
    meant: 'apiKey',
    rows: { ...OPTIONS.TdSpanExporter, ...OPTIONS.ApiSpanAdapter },
  },
  FilesystemSpanAdapter: {
    make: (given) => new tusk.FilesystemSpanAdapter(Object.assign(given, recorder)),
    typo: 'onEror',
    meant: 'onError',
    rows: { ...OPTIONS.TdSpanExporter, ...OPTIONS.FilesystemSpanAdapter },
  },
  DriftBatchSpanProcessor: {
    make: (given) => {
      const processor = new tusk.DriftBatchSpanProcessor(
        Object.assign(given, { exporter: foreign, mode: 'RECORD', config: { ...given.config, ...drift } }),
      );
      processor.shutdown();
    },
    typo: 'confg',
    meant: 'config',
    rows: OPTIONS.DriftBatchSpanProcessor,
  },
};

const linesOf = async (work) => (await recordDiag(work)).lines.filter((line) => /^(warn|error): /.test(line));
const unknown = (name, meant) =>
  `warn: Configuration: ${name} is unknown and will be ignored${meant === null ? '' : `, did you mean '${meant}'?`}`;

describe('X25: an option that does not exist is told once at WARN', () => {
  for (const [name, { make, typo, meant, rows }] of Object.entries(CLASSES)) {
    it(`${name}: ${typo}`, async () => {
      assert.deepEqual(await linesOf(() => make({ [typo]: {}, zebra: 1 })), [
        unknown(typo, meant),
        unknown('zebra', null),
      ]);
    });

    it(`${name}: no option of its own`, async () => {
      const given = {};
      for (const each of Object.keys(rows)) {
        const [first, second] = each.split('.');
        given[first] = second === undefined ? undefined : { ...given[first], [second]: undefined };
      }
      assert.deepEqual(await linesOf(() => make(given)), []);
    });
  }

  it('of a section, with what was probably meant', async () => {
    const given = { queue: { maxSpan: 1 }, retry: { attempts: 2 }, exit: { signal: [] }, maxSpans: 3 };
    assert.deepEqual(await linesOf(() => new OTLPTraceExporter(given)), [
      unknown('queue.maxSpan', 'queue.maxSpans'),
      unknown('retry.attempts', null),
      unknown('exit.signal', 'exit.signals'),
      unknown('maxSpans', 'queue.maxSpans'),
    ]);
  });

  it('names of other exporters, beginnings and other letters', async () => {
    const names = {
      endpoint: 'url',
      hostname: 'url',
      timeout: 'timeoutMillis',
      URL: 'url',
      urls: 'url',
      Header: 'headers',
    };
    const given = Object.fromEntries(Object.keys(names).map((name) => [name, 'x']));
    const wanted = Object.entries(names).map(([name, meant]) => unknown(name, meant));
    assert.deepEqual(await linesOf(() => new OTLPTraceExporter(given)), wanted);
  });

  it('also from another realm, without a prototype, frozen, and for each object that is made', async () => {
    const makers = [
      () => vm.runInNewContext('({ quee: 1 })'),
      () => Object.assign(Object.create(null), { quee: 1 }),
      () => Object.freeze({ quee: 1 }),
    ];
    for (const make of makers) {
      const given = make();
      const twice = () => [new OTLPTraceExporter(given), new OTLPTraceExporter(given)];
      assert.deepEqual(await linesOf(twice), [unknown('quee', 'queue'), unknown('quee', 'queue')]);
    }
  });

  it('through offloop/register, whose instances have a class in between', async () => {
    class Stock {
      export() {}
    }
    const patches = new Patches(Stock, ['export']);
    assert.deepEqual(await linesOf(() => patches.construct(OTLPTraceExporter, [{ quee: 1 }])), [
      unknown('quee', 'queue'),
    ]);
  });

  it('thousands of them: some lines and their number, names cut', async () => {
    const given = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`${'long'.repeat(100)}\n${n}`, n]));
    const lines = await linesOf(() => new OTLPTraceExporter(given));
    assert.equal(lines.length, 9);
    assert.equal(lines[8], 'warn: Configuration: 4992 more options are unknown and will be ignored');
    for (const line of lines) assert.ok(line.length < 140 && !line.includes('\n'), line);
    const [control] = await linesOf(() => new OTLPTraceExporter({ 'a\n\u001b[31mb': 1 }));
    assert.equal(control, unknown('a??[31mb', null));
  });
});

describe('X25: what is no option and no mistake is not told', () => {
  const quiet = (name, make) => it(name, async () => assert.deepEqual(await linesOf(make), []));
  const boom = () => assert.fail('code of the application ran');

  quiet('symbols, inherited and hidden members', () => {
    const hidden = Object.defineProperty({ [Symbol('x')]: 1 }, 'hidden', { value: 1 });
    return [new OTLPTraceExporter(hidden), new OTLPTraceExporter(Object.create({ inherited: 1 }))];
  });

  quiet('members of an instance of a class', () => {
    class Settings {
      url = 'http://h/';
      tenant = 'a';
    }
    return new OTLPTraceExporter(new Settings());
  });

  quiet('options of a subclass', () => {
    for (const [Base, given] of [
      [OTLPTraceExporter, {}],
      [require('../../js/entries/otlp_grpc.js').OTLPTraceExporter, {}],
      [FileSpanExporter, { directory }],
      [BatchSpanProcessor, { exporter: foreign }],
      [EventLoopMonitor, {}],
      [tusk.TdSpanExporter, recorder],
      [tusk.ApiSpanAdapter, remote],
      [tusk.FilesystemSpanAdapter, recorder],
    ]) {
      const Sub = class extends Base {};
      new Sub({ ...given, tenant: 'a' });
    }
  });

  quiet('no object at all', () => {
    new OTLPTraceExporter();
    new OTLPTraceExporter('text');
    new BatchSpanProcessor(foreign);
    new BatchSpanProcessor(foreign, null);
    new EventLoopMonitor();
  });

  quiet('a Proxy that does not name its members, a class that cannot be looked at', () => {
    new OTLPTraceExporter(new Proxy({}, { ownKeys: boom }));
    new OTLPTraceExporter(new Proxy({}, { getPrototypeOf: boom }));
    Reflect.construct(OTLPTraceExporter, [{ zebra: 1 }], function plain() {}.bind(null));
  });

  it('a getter of an unknown name is not called, in any class', async () => {
    for (const [name, { make }] of Object.entries(CLASSES)) {
      const given = Object.defineProperty({}, 'zebra', { get: boom, enumerable: true });
      assert.deepEqual(await linesOf(() => make(given)), [unknown('zebra', null)], name);
    }
  });

  quiet('the SDK reads an option of browsers nowhere else', () => {
    new BatchSpanProcessor(foreign, { disableAutoFlushOnDocumentHide: true });
  });
});

/** Names of all members of an interface of a declaration file, inherited ones included. */
function membersOf(file, name) {
  const options = { skipLibCheck: true, noResolve: false, types: [] };
  const program = typescript.createProgram([file], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const found = checker.getExportsOfModule(checker.getSymbolAtLocation(source)).find((each) => each.name === name);
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(found)).map((each) => each.name);
}

describe('X25: every option in the types of the stock classes is known', () => {
  const http = 'otlp-exporter-base/build/src/configuration/legacy-node-configuration.d.ts';
  const grpc = 'otlp-grpc-exporter-base/build/src/types.d.ts';
  const types = [
    [`node_modules/@opentelemetry/${http}`, 'OTLPExporterNodeConfigBase', 'OTLPTraceExporter'],
    [
      `node_modules/otlp-http-1x/node_modules/@opentelemetry/${http}`,
      'OTLPExporterNodeConfigBase',
      'OTLPTraceExporter',
    ],
    [`node_modules/@opentelemetry/${grpc}`, 'OTLPGRPCExporterConfigNode', 'OTLPTraceExporter'],
    [
      `node_modules/otlp-grpc-1x/node_modules/@opentelemetry/${grpc}`,
      'OTLPGRPCExporterConfigNode',
      'OTLPTraceExporter',
    ],
    ['node_modules/sdk-trace-1x/build/src/types.d.ts', 'BufferConfig', 'BatchSpanProcessor, exporter apart'],
    [
      'node_modules/@opentelemetry/sdk-trace/build/src/types.d.ts',
      'BatchSpanProcessorOptions',
      'BatchSpanProcessor, one object',
    ],
  ];
  for (const [file, name, Class] of types) {
    it(`${name} of ${file.replace(/build.*/, '')}`, async () => {
      const names = membersOf(path.join(root, file), name);
      assert.ok(names.length >= 4, names.join());
      const given = Object.fromEntries(names.map((each) => [each, undefined]));
      assert.deepEqual(await linesOf(() => CLASSES[Class].make(given)), []);
    });
  }

  // As their sources have it: sdk-node 0.57.2, 0.223.0 and 0.301.0, declarative configuration included.
  it('what NodeSDK and declarative configuration hand over is known', async () => {
    const ofConfiguration = [
      'compression',
      'url',
      'headers',
      'timeoutMillis',
      'httpAgentOptions',
      'credentials',
      'metadata',
    ];
    const ofProcessor = [
      'exporter',
      'selfObsMeterProvider',
      'maxQueueSize',
      'maxExportBatchSize',
      'scheduledDelayMillis',
    ];
    for (const [Class, names] of [
      ['OTLPTraceExporter', ofConfiguration],
      ['BatchSpanProcessor, one object', [...ofProcessor, 'exportTimeoutMillis']],
    ]) {
      const given = Object.fromEntries(names.map((each) => [each, undefined]));
      assert.deepEqual(await linesOf(() => CLASSES[Class].make(given)), []);
    }
  });
});

describe('X25: options of a call', () => {
  it('a misspelt one is told once, what a chain of promises hands over is not', async () => {
    const exporter = new OTLPTraceExporter();
    const results = [
      { code: 0 },
      { delivered: 1, rejected: 0, dropped: {}, attempts: 1 },
      { timedOut: false, outstanding: 0 },
    ];
    assert.deepEqual(await linesOf(() => Promise.all(results.map((result) => exporter.forceFlush(result)))), []);
    const misspelt = () =>
      Promise.all([exporter.forceFlush({ timeoutMilis: 1 }), exporter.forceFlush({ timeoutMilis: 1 })]);
    assert.deepEqual(await linesOf(misspelt), [unknown('timeoutMilis', 'timeoutMillis')]);
    assert.deepEqual(await linesOf(() => exporter.shutdown({ timeoutMills: 1, zebra: 2 })), [
      unknown('timeoutMills', 'timeoutMillis'),
    ]);
  });
});
