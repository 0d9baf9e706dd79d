'use strict';
// What comes out of a recorder with rules is what it makes, without rules, of a recording that was redacted before: byte for byte,
// schemas and hashes included. What is redacted before is made by a second opinion (helpers/processing/recorded_reference.js).

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { RecordedReference } = require('../helpers/processing/recorded_reference.js');
const { Random } = require('../helpers/random.js');
const { Payloads } = require('../helpers/recorded_payloads.js');
const { apiExporter, apiReceiver, BlockedTraces } = require('../helpers/tusk_exporter.js');
const {
  exported,
  fileExporter,
  readTraceFiles,
  recordedSpan,
  temporaryDirectory,
} = require('../helpers/tusk_exporter.js');
const { cases, vectorSpan } = require('../helpers/tusk_vectors.js');

const PAYLOADS = process.env.OFFLOOP_TEST_LONG === '1' ? 100_000 : 6000;
const SPANS_PER_BATCH = 250;
const HASH_KEY = new Uint8Array(32).fill(7);
const secretOf = (random) => `AKIA${random.hex(16).toUpperCase()}`;

const KEYS = [
  'inputValue', 'outputValue', 'metadata', 'inputValue.a', 'outputValue.b', '**.a', '**.b', '**.id', '**.rows', '**.text', '**.0', '**.1',
  'inputValue.*', '**.body', 'inputValue.body.*', '**.password', '**.pin', '**.k', '**.list', 'outputValue.rows.*', '*Value.body.user.*',
  'metadata.*', 'transformMetadata.a', '**.constructor', '**.__proto__', 'nothing', '**.headers.authorization',
]; // biome-ignore format: a table

function randomRule(random) {
  const keys = random.times(1 + random.below(3), () => random.pick(KEYS));
  const except = random.chance(0.2) ? { except: [random.pick(KEYS)] } : {};
  switch (random.below(6)) {
    case 0:
      return { match: ['awsKey'] };
    case 1:
      return { match: ['awsKey'], keys };
    case 2:
      return { keys, ...except, action: 'hash' };
    case 3:
      return { keys, ...except, action: { truncate: random.below(6) } };
    default:
      return { keys, ...except };
  }
}

/** What an instrumentation of HTTP records, with secrets in it. */
function exchange(random) {
  const body = {
    user: { password: secretOf(random), pin: 1234, ok: true, none: null },
    list: ['a', secretOf(random), 2.5],
  };
  if (random.chance(0.2)) body[secretOf(random)] = [secretOf(random)];
  const texts = [
    JSON.stringify(body),
    JSON.stringify(body, null, 1),
    `note ${secretOf(random)} end`,
    '12',
    '"text"',
    secretOf(random),
  ];
  const bytes = random.chance(0.2)
    ? Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(random.pick(texts))])
    : Buffer.from(random.pick(texts));
  const value = {
    method: 'POST',
    headers: { authorization: secretOf(random), host: 'h' },
    body: random.pick([bytes.toString('base64'), bytes.toString('base64url'), random.pick(texts), secretOf(random)]),
    rows: [{ id: 1, text: secretOf(random) }, { id: 2 }, secretOf(random)],
  };
  const merge = { encoding: random.pick([1, 1, 1, 2, 0]), note: random.chance(0.2) ? secretOf(random) : 'n' };
  if (random.chance(0.7)) merge.decodedType = random.pick([1, 1, 11, 0]);
  return { value: JSON.stringify(value), merges: JSON.stringify({ body: merge }) };
}

function attributesOf(payloads, random) {
  const attributes = payloads.attributes();
  if (random.chance(0.4)) {
    const side = random.pick(['input', 'output']);
    const { value, merges } = exchange(random);
    Object.assign(attributes, { [`td.${side}Value`]: value, [`td.${side}SchemaMerges`]: merges });
  }
  if (random.chance(0.2)) attributes['td.metadata'] = JSON.stringify({ a: secretOf(random), [secretOf(random)]: 1 });
  if (random.chance(0.2)) attributes['td.name'] = `query ${secretOf(random)}`;
  return attributes;
}

async function linesOf(t, directory, config, spans) {
  const exporter = fileExporter(t, { directory, environment: 'fuzz', ...config });
  const { code } = await exported(exporter, spans);
  await exporter.shutdown();
  const lines = Object.values(readTraceFiles(directory)).flat();
  for (const name of fs.readdirSync(directory)) fs.rmSync(path.join(directory, name));
  return { code, lines };
}

test(`P100 P101 ${PAYLOADS} random payloads, redacted by the recorder and before it`, async (t) => {
  const payloads = new Payloads(20261130);
  const random = new Random(100);
  const directory = temporaryDirectory(t);
  let compared = 0;
  let changed = 0;
  let kept = 0;
  for (let left = PAYLOADS / 2; left > 0; left -= SPANS_PER_BATCH) {
    const redact = random.times(1 + random.below(4), () => randomRule(random));
    const process = { redact, hashKey: HASH_KEY };
    const traceId = left.toString(16).padStart(32, '0');
    const spans = Array.from({ length: Math.min(left, SPANS_PER_BATCH) }, () =>
      recordedSpan({ traceId, attributes: attributesOf(payloads, random) }),
    );
    const exempt = new Set();
    const before = spans.map((span) => {
      const reference = new RecordedReference(redact, HASH_KEY);
      const redacted = { ...span, attributes: reference.attributes(span.attributes) };
      if (reference.isExempt) exempt.add(span.spanContext().spanId);
      return redacted;
    });
    const [actual, expected, plain] = [
      await linesOf(t, directory, { process }, spans),
      await linesOf(t, directory, {}, before),
      await linesOf(t, directory, {}, spans),
    ];
    assert.equal(actual.code, 0);
    assert.equal(actual.lines.length, expected.lines.length);
    actual.lines.forEach((line, nth) => {
      const told = () => `rules ${JSON.stringify(redact)}, span ${JSON.stringify(spans[nth]?.attributes)}`;
      if (line !== expected.lines[nth]) assert.equal(line, expected.lines[nth], told());
      compared += 1;
      if (line === plain.lines[nth]) return;
      changed += 1;
      const [now, then] = [JSON.parse(line), JSON.parse(plain.lines[nth])];
      if (exempt.has(now.spanId)) return;
      kept += 1;
      for (const side of ['input', 'output']) {
        assert.deepEqual(now[`${side}Schema`], then[`${side}Schema`], told());
        assert.equal(now[`${side}SchemaHash`], then[`${side}SchemaHash`], told());
      }
    });
  }
  t.diagnostic(`${compared} lines equal, ${changed} of them redacted, ${kept} with schemas that stay`);
  assert.ok(changed > compared / 5 && kept > changed / 3);
});

test('P100 the recorded cases, redacted by the recorder and before it, in files and requests', async (t) => {
  const redact = [{ keys: ['**.name', '**.email', '**.body', '**.a'] }, { keys: ['**.id', '**.k'], action: 'hash' }];
  const process = { redact, hashKey: HASH_KEY };
  let changed = 0;
  for (const vector of cases) {
    const config = { ...vector.config, environment: vector.config.environment ?? undefined };
    const spans = vector.spans.map((span) => vectorSpan(span));
    // What blocks a trace by its size is judged before, on the thread that ends the span.
    const before = spans.map((span) => ({
      ...span,
      attributes: new RecordedReference(redact, HASH_KEY).attributes(span.attributes),
    }));
    const results = [];
    for (const [given, more] of [
      [spans, { process }],
      [before, {}],
      [spans, {}],
    ]) {
      const receiver = await apiReceiver(t);
      const shared = { ...config, ...more };
      const directory = temporaryDirectory(t);
      const traceBlockingManager = new BlockedTraces();
      const files = fileExporter(t, { ...shared, directory, traceBlockingManager });
      const api = apiExporter(t, { ...shared, receiver, traceBlockingManager: new BlockedTraces() });
      const codes = [(await exported(files, given)).code, (await exported(api, given)).code];
      results.push({
        codes,
        lines: readTraceFiles(directory),
        bodies: receiver.completed.map(({ wireBody }) => wireBody),
      });
      await files.shutdown();
      await api.shutdown();
    }
    if (vector.id.startsWith('size-limit')) continue;
    assert.deepEqual(results[0], results[1], vector.id);
    if (JSON.stringify(results[0].lines) !== JSON.stringify(results[2].lines)) changed += 1;
  }
  assert.ok(changed > 10, `${changed} cases have something to redact`);
});
