'use strict';
// The sampler that leaves out whole traces, in real providers of all three SDK lines beside the same program without it, and with
// whatever code of an application may do to it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { DropSampler, FileSpanExporter } = require('../../index.js');
const { globOf } = require('../../js/sampler/glob.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { Random } = require('../helpers/random.js');
const { line3Unavailable, requireLine3 } = require('../helpers/sdk_spans.js');

const LINES = {
  '1.x': () => ({ api: require('@opentelemetry/api'), sdk: require('sdk-trace-1x'), Provider: 'BasicTracerProvider' }),
  '2.x': () => ({
    api: require('@opentelemetry/api'),
    sdk: require('@opentelemetry/sdk-trace-base'),
    Provider: 'BasicTracerProvider',
  }),
  '3.x': () => ({
    api: requireLine3('@opentelemetry/api'),
    sdk: requireLine3('@opentelemetry/sdk-trace'),
    Provider: 'TracerProvider',
  }),
};
const skipOf = (line) => (line === '3.x' && line3Unavailable()) || false;
const OPTIONS = { names: ['GET /healthz', 'poll *'], routes: ['/health', '/internal/*'] };
const ROOTS = [
  ['GET', { 'url.path': '/health' }, true],
  ['GET', { 'http.target': '/health?full=1' }, true],
  ['GET', { 'http.route': '/internal/:id', 'url.path': '/x' }, true],
  ['GET /healthz', {}, true],
  ['poll queue', undefined, true],
  ['GET', { 'url.path': '/pay', 'url.query': '/health' }, false],
  ['GET', { 'url.path': '/health/deep' }, false],
  ['poll', { 'http.route': 5 }, false],
  ['get /healthz', {}, false],
];

/** What a small service makes: names and ids of the spans that were exported, by the trace that they belong to. */
function serve({ api, sdk, Provider }, sampler, seed) {
  const random = new Random(seed);
  const ended = [];
  const collector = {
    onStart() {},
    onEnd: (span) => ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const idGenerator = { generateTraceId: () => random.hex(32), generateSpanId: () => random.hex(16) };
  const provider = new sdk[Provider]({ sampler, spanProcessors: [collector], idGenerator });
  const tracer = provider.getTracer('service');
  const remote = (traceFlags, traceId) =>
    api.trace.setSpanContext(api.ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags, isRemote: true });
  const inside = (span, context) => api.trace.setSpan(context, span);
  const roots = [];
  const request = (name, attributes, context, isLeftOut) => {
    const server = tracer.startSpan(name, { kind: api.SpanKind.SERVER, attributes }, context);
    const traceId = server.spanContext().traceId;
    roots.push({ traceId, isLeftOut });
    const here = inside(server, context);
    for (let nth = 0; nth < 3; nth++) {
      const middleware = tracer.startSpan(`middleware ${nth}`, {}, here);
      const deeper = inside(middleware, here);
      tracer
        .startSpan('GET /healthz', { kind: api.SpanKind.CLIENT, attributes: { 'url.path': '/health' } }, deeper)
        .end();
      // The service calls itself: what it sends along comes back as a remote parent.
      const { traceFlags } = middleware.spanContext();
      tracer
        .startSpan(
          'GET',
          { kind: api.SpanKind.SERVER, attributes: { 'url.path': '/pay' } },
          remote(traceFlags, traceId),
        )
        .end();
      const own = tracer.startSpan('job', { root: true }, deeper);
      roots.push({ traceId: own.spanContext().traceId, isLeftOut: false });
      own.end();
      middleware.end();
    }
    server.end();
  };
  for (let round = 0; round < 5; round++) {
    for (const [name, attributes, isLeftOut] of ROOTS) request(name, attributes, api.ROOT_CONTEXT, isLeftOut);
    request('GET', { 'url.path': '/health' }, remote(1, random.hex(32)), false);
    request('GET', { 'url.path': '/health' }, remote(0, random.hex(32)), false);
  }
  const leftOut = new Set(roots.filter((each) => each.isLeftOut).map(({ traceId }) => traceId));
  return { leftOut, spans: ended.map((span) => ({ name: span.name, ...span.spanContext() })) };
}

const ALIKE = 'the trees that it names vanish, and everything else is as without it';
const DELEGATES = 'also with delegates, those that ignore parents too';
const idsOf = (spans) => spans.map(({ traceId, spanId, name }) => `${traceId} ${spanId} ${name}`);

describe('P127: DropSampler in a provider', () => {
  for (const [line, load] of Object.entries(LINES)) {
    it(`${line}: ${ALIKE}`, { skip: skipOf(line) }, () => {
      const parts = load();
      const without = serve(parts, undefined, 117);
      const withIt = serve(parts, new DropSampler(OPTIONS), 117);
      assert.equal(without.leftOut.size, 25);
      const expected = without.spans.filter(({ traceId }) => !without.leftOut.has(traceId));
      assert.ok(expected.length < without.spans.length && expected.length > 100);
      assert.deepEqual(idsOf(withIt.spans), idsOf(expected));
    });

    it(`${line}: ${DELEGATES}`, { skip: skipOf(line) }, () => {
      const parts = load();
      const { AlwaysOnSampler, AlwaysOffSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = parts.sdk;
      for (const delegate of [
        new AlwaysOnSampler(),
        new TraceIdRatioBasedSampler(0.5),
        new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.5) }),
        new AlwaysOffSampler(),
      ]) {
        const without = serve(parts, delegate, 7);
        const withIt = serve(parts, new DropSampler({ ...OPTIONS, delegate }), 7);
        const expected = without.spans.filter(({ traceId }) => !without.leftOut.has(traceId));
        assert.deepEqual(idsOf(withIt.spans), idsOf(expected), String(delegate));
        assert.equal(String(new DropSampler({ names: ['a'], delegate })), `DropSampler{${delegate}}`);
      }
    });
  }
});

const context = (parent) => ({
  getValue: (key) =>
    key === Symbol.for('OpenTelemetry Context Key SPAN') && parent ? { spanContext: () => parent } : undefined,
});
const ID = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
const ask = (sampler, { parent, traceId = ID.traceId, name = 'a', attributes = {} } = {}) =>
  sampler.shouldSample(context(parent), traceId, name, 0, attributes, []);
const thrower = () => {
  throw new Error('plantedSecret');
};

describe('P128: DropSampler and code of the application', () => {
  it('a delegate that throws or answers nothing is told once, and the default decides', async () => {
    for (const shouldSample of [
      thrower,
      () => undefined,
      () => ({}),
      () => ({ decision: 7 }),
      () => Promise.resolve({}),
    ]) {
      const sampler = new DropSampler({ names: ['none'], delegate: { shouldSample, toString: thrower } });
      const lines = await diagLines(() => {
        assert.deepEqual(ask(sampler), { decision: 2 });
        assert.deepEqual(ask(sampler, { parent: ID }), { decision: 2 });
        assert.deepEqual(ask(sampler, { parent: { ...ID, traceFlags: 0 } }), { decision: 0 });
        assert.deepEqual(ask(sampler, { name: 'none', traceId: 'c'.repeat(32) }), { decision: 0 });
        assert.equal(String(sampler), 'DropSampler{a sampler}');
      });
      assert.equal(lines.filter(([level]) => level === 'warn').length, 1);
    }
  });

  it('what a delegate decides is handed on as it is', () => {
    const result = { decision: 1, attributes: { a: 1 }, traceState: {} };
    const given = [];
    const delegate = {
      shouldSample(...args) {
        assert.equal(this, delegate);
        given.push(args);
        return result;
      },
    };
    const sampler = new DropSampler({ names: ['none'], delegate });
    const args = [context(), ID.traceId, 'name', 3, { a: 1 }, []];
    assert.equal(sampler.shouldSample(...args), result);
    assert.deepEqual(given, [args]);
  });

  it('attributes, names and contexts may be anything', () => {
    const sampler = new DropSampler({ names: ['a'], routes: ['/health'] });
    const getter = {
      get 'http.route'() {
        return thrower();
      },
      'url.path': '/health',
    };
    assert.equal(ask(sampler, { name: 'b', attributes: getter }).decision, 0);
    const kept = [undefined, null, 5, new Proxy({}, { get: thrower }), { 'url.path': {} }, { 'url.path': Symbol('x') }];
    for (const [nth, attributes] of kept.entries())
      assert.equal(ask(sampler, { traceId: `${nth}`.repeat(32), name: 'b', attributes }).decision, 2);
    for (const name of [null, 5, Symbol('a'), { toString: thrower }])
      assert.equal(ask(sampler, { traceId: '9'.repeat(32), name }).decision, 2);
    for (const odd of [undefined, null, {}, { getValue: thrower }, { getValue: () => ({ spanContext: thrower }) }])
      assert.equal(sampler.shouldSample(odd, 'e'.repeat(32), 'a', 0, {}, []).decision, 0, 'a root');
    for (const parent of [{ ...ID, traceId: '0'.repeat(32) }, { ...ID, spanId: 'x' }, {}])
      assert.equal(ask(sampler, { parent, traceId: 'f'.repeat(32) }).decision, 0, 'no parent');
  });

  it('what it remembers has a bound, and what is asked for stays', () => {
    const delegate = { shouldSample: () => ({ decision: 2 }) };
    const sampler = new DropSampler({ names: ['health'], delegate });
    const idOf = (number) => `1${number.toString(16).padStart(31, '0')}`;
    const child = (number) =>
      ask(sampler, { parent: { ...ID, traceId: idOf(number) }, traceId: idOf(number) }).decision;
    for (let number = 0; number < 5000; number++) {
      assert.equal(ask(sampler, { name: 'health', traceId: idOf(number) }).decision, 0);
      assert.equal(child(0), 0, 'a trace that goes on');
      assert.equal(child(number), 0);
    }
    assert.deepEqual([child(4999), child(4000), child(1)], [0, 0, 2]);
  });

  it('what is wrong makes the constructor throw, with the path', () => {
    for (const [given, expected] of [
      [undefined, 'DropSampler is invalid'],
      [{}, 'DropSampler is invalid, expected names or routes'],
      [{ names: [] }, 'DropSampler.names'],
      [{ names: 'a' }, 'DropSampler.names'],
      [{ routes: ['a', /b/] }, 'DropSampler.routes[1]'],
      [{ names: ['a'.repeat(257)] }, 'DropSampler.names[0]'],
      [{ names: Array.from({ length: 101 }, (_, nth) => `${nth}`) }, '100 names and routes at most'],
      [{ name: ['a'] }, 'DropSampler.name is invalid, expected names, routes, delegate'],
      [{ names: ['a'], delegate: {} }, 'DropSampler.delegate'],
      [{ names: ['a'], delegate: 'always_on' }, 'DropSampler.delegate'],
      [
        {
          names: ['a'],
          delegate: {
            get shouldSample() {
              return thrower();
            },
          },
        },
        'DropSampler.delegate',
      ],
    ]) {
      assert.throws(
        () => new DropSampler(given),
        (error) => error.code === 'ERR_OFFLOOP_CONFIG' && error.message.includes(expected),
        expected,
      );
    }
  });

  it('a variable that would have chosen a sampler is told of', async (t) => {
    t.after(() => delete process.env.OTEL_TRACES_SAMPLER);
    for (const [value, count] of [
      ['traceidratio', 1],
      ['parentbased_always_on', 0],
      ['', 0],
    ]) {
      process.env.OTEL_TRACES_SAMPLER = value;
      const lines = await diagLines(() => [
        new DropSampler({ names: ['a'] }),
        new DropSampler({ names: ['a'], delegate: { shouldSample() {} } }),
      ]);
      assert.equal(lines.filter(([level]) => level === 'warn').length, count, value);
    }
  });
});

describe('P129: patterns of the sampler are those of the rules', () => {
  it('every pattern of a random list takes the names that a rule takes', async (t) => {
    const random = new Random(119);
    const letters = ['a', 'b', '.', '*', '?', '**.', 'é', '🚀', '/', 'A'];
    const word = (most, from) => random.times(1 + random.below(most), () => random.pick(from)).join('');
    const plain = letters.filter((letter) => !/[*?]/.test(letter));
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-glob-'));
    t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
    const spans = new PlainSpans(119);
    let met = 0;
    for (let round = 0; round < 60; round++) {
      const pattern = word(5, letters);
      const texts = random.times(60, () => word(6, plain));
      const exporter = new FileSpanExporter({ directory, process: { drop: [{ name: pattern }] } });
      const glob = globOf(pattern);
      const results = await Promise.all(texts.map((name) => exporter.exportSpans([spans.span({ name })])));
      texts.forEach((name, nth) => {
        assert.equal(glob(name), results[nth].filtered === 1, `${pattern} ${name}`);
        met += results[nth].filtered;
      });
      await exporter.shutdown();
    }
    assert.ok(met > 100, `${met}`);
  });

  it('no pattern and no name take more than a moment', () => {
    const glob = globOf(`*${'a'.repeat(250)}b`);
    const started = process.cpuUsage().user;
    for (let round = 0; round < 20; round++) {
      assert.equal(glob('a'.repeat(1024)), false);
      assert.equal(glob('a'.repeat(1 << 20)), false);
    }
    assert.ok(process.cpuUsage().user - started < 20 * 20_000);
  });
});
