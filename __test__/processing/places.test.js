'use strict';
// Rules hold wherever spans come from: the three SDK lines, workers, child processes, and values of other shapes than texts.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const vm = require('node:vm');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../../index.js');
const { runProgram } = require('../helpers/child.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { line3Unavailable, requireLine3 } = require('../helpers/sdk_spans.js');

const root = path.join(__dirname, '..', '..');
const MAIL = 'ada@example.com';
const PROTOCOLS = ['http/protobuf', 'http/json'];

const LINES = {
  '1.x': () => ({
    api: require('@opentelemetry/api'),
    Provider: require('sdk-trace-1x').BasicTracerProvider,
    resourceOf: (attributes) => new (require('resources-1x').Resource)(attributes),
  }),
  '2.x': () => ({
    api: require('@opentelemetry/api'),
    Provider: require('@opentelemetry/sdk-trace-base').BasicTracerProvider,
    resourceOf: require('@opentelemetry/resources').resourceFromAttributes,
  }),
  '3.x': () => ({
    api: requireLine3('@opentelemetry/api'),
    Provider: requireLine3('@opentelemetry/sdk-trace').TracerProvider,
    resourceOf: requireLine3('@opentelemetry/resources').resourceFromAttributes,
  }),
};
const lines = Object.keys(LINES).filter((line) => line !== '3.x' || line3Unavailable() === null);

const RULES = {
  redact: [
    'pii',
    { keys: ['token', 'list'] },
    { keys: ['gone'], action: 'delete' },
    { keys: ['cut'], action: { truncate: 3 } },
    { keys: ['db.query.text'], action: { sql: 'auto' } },
  ],
  drop: [{ name: 'noise *' }, { kind: ['producer'], attributes: { tier: 'low' } }],
  attributes: [
    { insert: 'team', value: 'pay' },
    { rename: 'old', to: 'new' },
    { delete: 'nothing', where: { status: ['error'] } },
  ],
};

/** The same spans, made and ended by a real SDK. */
function spansOf(line) {
  const { api, Provider, resourceOf } = LINES[line]();
  const ended = [];
  const collector = {
    onStart() {},
    onEnd: (span) => ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  let number = 0;
  const next = (digits) => (++number).toString(16).padStart(digits, '1');
  const idGenerator = { generateTraceId: () => next(32), generateSpanId: () => next(16) };
  const resource = resourceOf({ 'service.name': 'shop', owner: MAIL });
  const tracer = new Provider({ resource, spanProcessors: [collector], idGenerator }).getTracer(`of ${MAIL}`, '1');
  for (let nth = 0; nth < 40; nth++) {
    const name = nth % 5 === 0 ? `noise ${nth}` : `GET /pay ${nth % 7 === 0 ? MAIL : ''}`;
    const kind = nth % 5;
    const attributes = {
      token: nth % 2 ? 'abc' : nth,
      list: ['a', 'b'],
      gone: true,
      cut: 'longer than three',
      'db.system.name': 'mysql',
      'db.query.text': `SELECT ${nth} FROM a WHERE b = 'x'`,
      tier: nth % 3 ? 'low' : 'high',
      old: nth + 0.5,
      note: `mail to ${MAIL}`,
      mails: [MAIL, 'none'],
    };
    const traceState = api.createTraceState?.(`a=${nth}`);
    const link = { traceId: next(32), spanId: next(16), traceFlags: 1, traceState };
    const links = [{ context: link, attributes: { token: 'x', note: MAIL } }];
    const span = tracer.startSpan(name, { kind, attributes, links, startTime: 1_700_000_000_000 }, api.ROOT_CONTEXT);
    span.addEvent(`sent to ${MAIL}`, { token: 'x', gone: 1 }, 1_700_000_000_001);
    const code = nth % 3;
    span.setStatus(code === 2 ? { code, message: `failed for ${MAIL}` } : { code });
    span.end(1_700_000_000_002);
  }
  return ended;
}

async function sent(t, spans, protocol) {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, protocol, process: RULES });
  const outcome = await exporter.exportSpans(spans);
  const { rules } = exporter.stats().process;
  await exporter.shutdown();
  const [{ body, headers }] = receiver.requests;
  assert.equal(body.includes(MAIL), false);
  return { outcome, rules, request: decodeRequest(body, headers['content-type']) };
}

/** Each line has attributes of its own in a resource. */
function withoutResource({ outcome, rules, request }) {
  const { pii, ...counted } = rules;
  assert.ok(pii > 0);
  for (const { resource } of request)
    assert.deepEqual(new Map(resource.attributes).get('owner'), ['string', '[redacted]']);
  return { outcome, rules: counted, scopes: request.map(({ scopes }) => scopes) };
}

describe('where spans come from', () => {
  it('P24: spans of all lines are processed alike', async (t) => {
    assert.ok(lines.length >= 2);
    for (const protocol of PROTOCOLS) {
      const results = [];
      for (const line of lines) results.push(withoutResource(await sent(t, spansOf(line), protocol)));
      const [first, ...others] = results;
      assert.ok(first.outcome.filtered > 8 && first.outcome.delivered > 8, JSON.stringify(first.outcome));
      for (const name of ['redact[1]', 'redact[2]', 'redact[3]', 'redact[4]', 'attributes[0]', 'attributes[1]'])
        assert.ok(first.rules[name] > 0, name);
      for (const other of others) assert.deepEqual(other, first);
    }
  });

  it('P11: what writes spans into native memory knows nothing of rules', () => {
    const files = fs.readdirSync(path.join(root, 'js', 'handoff'));
    assert.ok(files.length > 10);
    for (const name of files) {
      const text = fs.readFileSync(path.join(root, 'js', 'handoff', name), 'utf8');
      assert.doesNotMatch(text, /redact|OFFLOOP_PROCESS|filtered|require\('\.\.\/config\/process/i, name);
    }
  });

  it('P104: rules hold in workers, in forked processes and in those of a cluster', async (t) => {
    const receiver = await startReceiver({}, t);
    const program = `
      const { fork } = require('node:child_process');
      const cluster = require('node:cluster');
      const { Worker } = require('node:worker_threads');
      const send = ${String(sendFrom)};
      const source = 'const send = ' + String(send) + '; send(process.env.RECEIVER_URL, ';
      const ended = (emitter) => new Promise((resolve) => emitter.once('exit', resolve));
      const file = require('node:path').join(require('node:fs').mkdtempSync(require('node:path').join(require('node:os').tmpdir(), 'offloop-fork-')), 'child.js');
      require('node:fs').writeFileSync(file, source.replaceAll('./index.js', process.cwd() + '/index.js').replaceAll('./__test__', process.cwd() + '/__test__') + 'process.argv[2]).then(() => process.exit(0));');
      cluster.setupPrimary({ exec: file, args: ['cluster'], execArgv: [] });
      (async () => {
        await send(url, 'main');
        await ended(new Worker(source + '"worker");', { eval: true }));
        await ended(fork(file, ['fork'], { execArgv: [] }));
        await ended(cluster.fork());
        require('node:fs').rmSync(require('node:path').dirname(file), { recursive: true });
        process.exit();
      })();`;
    for (const rules of [{}, { OFFLOOP_PROCESS: '{"redact":["pii"]}' }]) {
      const env = { ...rules, OFFLOOP_TEST_MAIL: MAIL };
      const { code, stderr } = await runProgram(program, { url: receiver.url, env, limitMillis: 60_000 });
      assert.deepEqual([code, stderr], [0, '']);
      const bodies = receiver.requests.splice(0).map(({ body }) => body.toString('latin1'));
      for (const place of ['main', 'worker', 'fork', 'cluster']) {
        const ofPlace = bodies.filter((body) => body.includes(`from ${place}`));
        assert.equal(ofPlace.length, 1, place);
        assert.equal(ofPlace[0].includes(MAIL), rules.OFFLOOP_PROCESS === undefined, place);
      }
    }
  });
});

/** Runs in another process or thread. */
function sendFrom(url, place) {
  const { OTLPTraceExporter: Exporter } = require('./index.js');
  const { PlainSpans: Spans } = require('./__test__/helpers/plain_spans.js');
  const span = new Spans(1).span({ name: `from ${place}`, attributes: { mail: process.env.OFFLOOP_TEST_MAIL } });
  const exporter = new Exporter({ url });
  return exporter.exportSpans([span]).then(() => exporter.shutdown());
}

describe('P132: String objects', () => {
  const TEXTS = 'they are their texts for rules and for whoever receives them';
  const LONG = `${'x'.repeat(5000)} ${MAIL}`;
  class Text extends String {}
  const OBJECTS = {
    plain: () => new String(`to ${MAIL}`),
    'of a class': () => new Text(MAIL),
    'of another realm': () => vm.runInNewContext(`new String('${MAIL}')`),
    'with members': () => Object.assign(new String(MAIL), { more: MAIL }),
    'that lies': () =>
      Object.assign(new String(MAIL), {
        toString: () => 'fine',
        valueOf: () => 'fine',
        [Symbol.toPrimitive]: () => 'fine',
      }),
    long: () => new String(LONG),
    empty: () => new String(''),
  };
  const textOf = (given) => Function.prototype.call.call(String.prototype.valueOf, given);
  const holders = (make) => ({ direct: make(), list: [make(), 'b'], map: { deep: [make()] } });

  for (const [title, make] of Object.entries(OBJECTS)) {
    it(`${title}: ${TEXTS}`, async (t) => {
      const receiver = await startReceiver({}, t);
      const spans = () => [
        new PlainSpans(1).span({
          attributes: holders(make),
          events: [{ name: 'e', time: [1, 1], attributes: holders(make) }],
          resource: { attributes: holders(make) },
        }),
      ];
      const same = () => [
        new PlainSpans(1).span({
          attributes: holders(() => textOf(make())),
          events: [{ name: 'e', time: [1, 1], attributes: holders(() => textOf(make())) }],
          resource: { attributes: holders(() => textOf(make())) },
        }),
      ];
      for (const protocol of PROTOCOLS) {
        const exporter = new OTLPTraceExporter({ url: receiver.url, protocol, process: { redact: ['pii'] } });
        await exporter.exportSpans(spans());
        await exporter.exportSpans(same());
        const processor = new BatchSpanProcessor(exporter);
        for (const span of spans()) processor.onEnd(span);
        await processor.shutdown();
        const [one, other, captured] = receiver.requests.splice(0).map(({ body }) => body);
        assert.ok(one.equals(other) && captured.equals(one), protocol);
        assert.equal(one.includes(MAIL), false);
      }
    });
  }

  it('without rules they leave as from the stock exporter, as maps of their characters', async (t) => {
    const receiver = await startReceiver({}, t);
    const exporter = new OTLPTraceExporter({ url: receiver.url });
    await exporter.exportSpans([new PlainSpans(1).span({ attributes: { a: new String('xy') } })]);
    await exporter.shutdown();
    const [{ scopes }] = decodeRequest(receiver.requests[0].body, 'application/x-protobuf');
    const map = [
      'kvlist',
      [
        ['0', ['string', 'x']],
        ['1', ['string', 'y']],
      ],
    ];
    assert.deepEqual(scopes[0].spans[0].attributes, [['a', map]]);
  });
});
