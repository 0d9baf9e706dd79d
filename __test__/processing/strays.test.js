'use strict';
// Rules where nobody reads them make the constructor throw, whichever class is given them; what only looks a little like rules
// is told as any other unknown option.

const assert = require('node:assert/strict');
const os = require('node:os');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter, OTLPTraceExporter } = require('../../index.js');
const tusk = require('../../js/entries/tusk.js');

const directory = os.tmpdir();
const foreign = { export() {}, async shutdown() {} };
const RULES = { redact: ['pii'] };
const recorder = { mode: 'RECORD', baseDirectory: directory, exportTimeoutMillis: 1000 };
const remote = { ...recorder, apiKey: 'k', observableServiceId: 's', tuskBackendBaseUrl: 'http://h' };

/** Class -> what makes an instance with more options. */
const WITH_RULES = {
  OTLPTraceExporter: (given) => new OTLPTraceExporter(given),
  'OTLPTraceExporter over gRPC': (given) => new OTLPTraceExporter({ ...given, protocol: 'grpc' }),
  ...Object.fromEntries(
    ['otlp_proto', 'otlp_http', 'otlp_grpc'].map((entry) => [
      entry,
      (given) => new (require(`../../js/entries/${entry}.js`).OTLPTraceExporter)(given),
    ]),
  ),
  FileSpanExporter: (given) => new FileSpanExporter({ ...given, directory }),
  TdSpanExporter: (given) => new tusk.TdSpanExporter({ ...recorder, ...given }),
  ApiSpanAdapter: (given) => new tusk.ApiSpanAdapter({ ...remote, ...given }),
  FilesystemSpanAdapter: (given) => new tusk.FilesystemSpanAdapter({ ...recorder, ...given }),
};
const WITHOUT = {
  'BatchSpanProcessor, exporter apart': (given) => new BatchSpanProcessor(foreign, given),
  'BatchSpanProcessor, one object': (given) => new BatchSpanProcessor({ ...given, exporter: foreign }),
  EventLoopMonitor: (given) => new EventLoopMonitor(given),
  DriftBatchSpanProcessor: (given) =>
    new tusk.DriftBatchSpanProcessor({
      exporter: foreign,
      mode: 'RECORD',
      config: { maxQueueSize: 1, maxExportBatchSize: 1, scheduledDelayMillis: 60_000 },
      ...given,
    }).shutdown(),
};

/** What is given -> the name and the place that the error has. */
const STRAYS = [
  [{ proces: RULES }, 'proces', 'rules in process'],
  [{ proccess: {} }, 'proccess', 'rules in process'],
  [{ porcess: RULES }, 'porcess', 'rules in process'],
  [{ Process: RULES }, 'Process', 'rules in process'],
  [{ processing: RULES }, 'processing', 'rules in process'],
  [{ progress: RULES }, 'progress', 'rules in process'],
  [{ processInfo: { process: RULES } }, 'processInfo', 'rules in process'],
  [{ processRules: '{"redact":["pii"]}' }, 'processRules', 'rules in process'],
  [{ redact: ['pii'] }, 'redact', 'process.redact'],
  [{ redact: 'pii' }, 'redact', 'process.redact'],
  [{ redact: () => {} }, 'redact', 'process.redact'],
  [{ redact: true }, 'redact', 'process.redact'],
  [{ redaction: RULES }, 'redaction', 'process.redact'],
  [{ redactions: [] }, 'redactions', 'process.redact'],
  [{ drop: [{ name: 'GET /health' }] }, 'drop', 'process.drop'],
  [{ hashKey: new Uint8Array(32) }, 'hashKey', 'process.hashKey'],
  [{ marker: '***' }, 'marker', 'process.marker'],
  [{ attributes: [{ insert: 'a', value: 1 }] }, 'attributes', 'rules in process'],
  [{ rules: ['defaults'] }, 'rules', 'rules in process'],
  [{ rules: [{ keys: ['password'] }] }, 'rules', 'rules in process'],
  [{ scrub: { drop: [{ name: 'a' }] } }, 'scrub', 'rules in process'],
  [{ offloop: RULES }, 'offloop', 'rules in process'],
  [{ options: { hashKey: {} } }, 'options', 'rules in process'],
  [{ options: { process: RULES } }, 'options', 'rules in process'],
  [{ config: { proces: RULES } }, 'config', 'rules in process'],
  [
    { fine: 1, wrong: Object.create(null, { redact: { value: ['pii'], enumerable: true } }) },
    'wrong',
    'rules in process',
  ],
  [
    Object.defineProperty({}, 'redact', { get: () => assert.fail('read'), enumerable: true }),
    'redact',
    'process.redact',
  ],
  [
    Object.defineProperty({}, 'proces', { get: () => assert.fail('read'), enumerable: true }),
    'proces',
    'rules in process',
  ],
  [{ 'proces\n\u001b[31m': RULES }, 'proces', 'rules in process'],
];
const OF_SECTIONS = [
  [{ queue: RULES }, 'queue.redact', 'process.redact'],
  [{ limits: { process: RULES } }, 'limits.process', 'rules in process'],
  [{ exit: { rules: ['pii'] } }, 'exit.rules', 'rules in process'],
];

/** What is no rule, or may be somebody else's. */
const FINE = [
  { zebra: 1, processor: { onStart() {}, onEnd() {} }, processors: [{ onEnd() {} }] },
  { redact: undefined, drop: null, proces: undefined, marker: false },
  { process_id: 5, progress: 0.5, processName: 1 },
  { attributes: { 'service.name': 'a' }, metrics: {}, sample: 0.5, list: [1, 'a', {}, null] },
  { resource: { attributes: { redact: 'x' } } },
  { proxyy: { keys: ['a'] } },
  { host: { process, processor: { redact: 'x' } } },
  { table: { hashKey: 'id', rangeKey: 'at' }, cache: { hashKey: (key) => key } },
  { repositories: [{ insert() {}, update() {}, upsert() {} }], transports: [{ match: () => true }] },
  { jwks: [{ keys: [{ kty: 'RSA' }] }], empty: [{ keys: [] }] },
  { progress: 'bar', probes: { liveness: '/' }, prices: {} },
  { processId: '12', processName: 'shop', process_info: { pid: 12 }, processEnv: process.env },
];

function refusal(make) {
  try {
    make();
    return null;
  } catch (error) {
    return error;
  }
}

const shown = (given) => inspect(given, { breakLength: Infinity, getters: false }).slice(0, 80);

describe('P125: rules in a wrong place', () => {
  for (const [given, name, place] of [...STRAYS, ...OF_SECTIONS]) {
    it(shown(given), () => {
      for (const [Class, make] of Object.entries(WITH_RULES)) {
        // Spreading would run getters.
        const error = refusal(() => (Class === 'OTLPTraceExporter' ? make(given) : make(plain(given))));
        assert.equal(error?.code, 'ERR_OFFLOOP_CONFIG', Class);
        assert.ok(error.message.startsWith(`Configuration: ${name}`), error.message);
        assert.ok(error.message.includes(` is invalid, expected ${place} (actual: `), error.message);
        assert.doesNotMatch(error.message, /\p{Cc}|pii/u);
      }
    });
  }

  for (const [given] of [...STRAYS, [{ process: RULES }]]) {
    it(`of a class that has none: ${shown(given)}`, () => {
      for (const [Class, make] of Object.entries(WITHOUT)) {
        const error = refusal(() => make(plain(given)));
        assert.equal(error?.code, 'ERR_OFFLOOP_CONFIG', Class);
        assert.match(error.message, /OTLPTraceExporter or FileSpanExporter|asks for rules/, Class);
      }
    });
  }

  for (const given of FINE) {
    it(`what is none is an unknown option at most: ${shown(given)}`, () => {
      for (const [Class, make] of Object.entries({ ...WITH_RULES, ...WITHOUT }))
        assert.equal(
          refusal(() => make(given)),
          null,
          Class,
        );
    });
  }

  it('the plainest of them, and one in a section', () => {
    assert.equal(refusal(() => new OTLPTraceExporter({ proces: RULES })).code, 'ERR_OFFLOOP_CONFIG');
    assert.equal(refusal(() => new OTLPTraceExporter({ queue: RULES })).code, 'ERR_OFFLOOP_CONFIG');
  });

  it('no getter is called to find out', () => {
    const getter = Object.defineProperty({}, 'zebra', { get: () => RULES, enumerable: true });
    assert.equal(
      refusal(() => new OTLPTraceExporter(getter)),
      null,
    );
  });

  it('rules in an argument that no constructor reads', () => {
    for (const given of [RULES, { process: RULES }, { proces: RULES }]) {
      for (const [make, nth] of [
        [() => new OTLPTraceExporter({}, given), 2],
        [() => new (require('../../js/entries/otlp_grpc.js').OTLPTraceExporter)(undefined, undefined, given), 3],
        [() => new FileSpanExporter({ directory }, given), 2],
        [() => new BatchSpanProcessor(foreign, {}, given), 3],
        [() => new BatchSpanProcessor({ exporter: foreign }, given), 2],
      ]) {
        const error = refusal(make);
        assert.equal(error?.code, 'ERR_OFFLOOP_CONFIG', make);
        assert.ok(error.message.startsWith(`Configuration: argument ${nth} is invalid`), error.message);
      }
    }
    for (const other of [undefined, null, 5, 'process', { process: 5 }, { url: 'http://h' }, () => RULES])
      assert.equal(
        refusal(() => new OTLPTraceExporter({}, other)),
        null,
      );
  });

  it('rules that options inherit, or that a getter of their class has', () => {
    class Getter {
      get proces() {
        return assert.fail('read');
      }
    }
    class Below extends Getter {}
    for (const given of [
      Object.create({ proces: RULES }),
      Object.create({ redact: ['pii'] }),
      Object.create({ options: { process: RULES } }),
      new Getter(),
      new Below(),
    ])
      assert.equal(refusal(() => new OTLPTraceExporter(given))?.code, 'ERR_OFFLOOP_CONFIG', inspect(given));
    class Fine {
      get progress() {
        return assert.fail('read');
      }
      get processName() {
        return assert.fail('read');
      }
      process_() {}
      redact() {}
    }
    for (const given of [new Fine(), Object.create(null), new Map(), Object.create({ url: 'http://h' })])
      assert.equal(
        refusal(() => new OTLPTraceExporter(given)),
        null,
      );
  });

  it('options of a class of the application are its own, unless they are near to process and are rules', () => {
    class Own extends OTLPTraceExporter {}
    class Settings {
      redact = ['mine'];
    }
    assert.equal(
      refusal(() => new Own({ redact: true, drop: 5, scrub: RULES })),
      null,
    );
    assert.equal(
      refusal(() => new OTLPTraceExporter(new Settings())),
      null,
    );
    assert.equal(refusal(() => new Own({ proces: RULES })).code, 'ERR_OFFLOOP_CONFIG');
    assert.equal(
      refusal(() => new OTLPTraceExporter(Object.assign(new Settings(), { proces: RULES }))).code,
      'ERR_OFFLOOP_CONFIG',
    );
  });

  it('what cannot be looked at is no reason to refuse', () => {
    const thrower = () => {
      throw new Error('a trap');
    };
    for (const given of [
      new Proxy({}, { ownKeys: thrower }),
      { zebra: new Proxy({}, { getOwnPropertyDescriptor: thrower, has: thrower, get: thrower }) },
      { zebra: Proxy.revocable([], {}).proxy },
    ])
      assert.equal(
        refusal(() => new OTLPTraceExporter(given)),
        null,
      );
    const revoked = Proxy.revocable([], {});
    revoked.revoke();
    assert.equal(
      refusal(() => new OTLPTraceExporter({ zebra: revoked.proxy })),
      null,
    );
  });
});

/** The same with values in the place of getters. */
function plain(given) {
  const properties = Object.getOwnPropertyDescriptors(given);
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, property.get ? RULES : property.value]),
  );
}
