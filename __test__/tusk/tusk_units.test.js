'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const {
  ApiSpanAdapter,
  CircuitBreaker,
  DecodedType,
  DriftBatchSpanProcessor,
  EncodingType,
  JsonSchemaHelper,
  JsonSchemaType,
  NonRetryableError,
  TdSpanExporter,
  buildExportSpansRequestBytes,
  buildSpanProtoBytes,
  getRustCoreStartupStatus,
  processExportPayloadJsonable,
  withRetries,
} = require('../../js/entries/tusk.js');
const { spansOf } = require('../helpers/drift_request.js');
const { runProgram } = require('../helpers/child.js');
const {
  apiExporter,
  apiReceiver,
  fileExporter,
  recordedSpan,
  temporaryDirectory,
} = require('../helpers/tusk_exporter.js');

// The classes behind the exporter, one by one. The cases of the SDK's own unit tests for TdSpanExporter,
// JsonSchemaHelper, ApiSpanAdapter and DriftBatchSpanProcessor (v0.1.45, 31 of them) are among these, in other words; where
// one of them replaces `fetch` to see a time-out, there is a receiver that does not answer here.

const { NUMBER, STRING, BOOLEAN, NULL, UNDEFINED, OBJECT, ORDERED_LIST, UNORDERED_LIST, FUNCTION } = JsonSchemaType;

function leaf(type) {
  return { type, properties: {} };
}

function argumentsObject() {
  // biome-ignore lint/complexity/noArguments: the type under test
  return arguments;
}

test('types of live values', () => {
  const types = [
    [null, NULL],
    [undefined, UNDEFINED],
    ['text', STRING],
    [42, NUMBER],
    [3.14, NUMBER],
    [Number.NaN, NUMBER],
    [true, BOOLEAN],
    [123n, NUMBER],
    [Symbol('s'), STRING],
    [() => {}, FUNCTION],
    [class {}, FUNCTION],
    [{}, OBJECT],
    [Object.create(null), OBJECT],
    [[], ORDERED_LIST],
    [argumentsObject(1), ORDERED_LIST],
    [new Date(), STRING],
    [/x/, OBJECT],
    [new Error('e'), OBJECT],
    [new Set(), UNORDERED_LIST],
    [new Map(), OBJECT],
    [new WeakMap(), OBJECT],
    [Promise.resolve(), OBJECT],
    [Object(5), OBJECT],
    [Buffer.from('x'), STRING],
    [new DataView(new ArrayBuffer(8)), STRING],
    [new ArrayBuffer(8), STRING],
  ];
  for (const Typed of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]) {
    types.push([new Typed(1), STRING]);
  }
  types.push([new Float32Array(1), STRING], [new Float64Array(1), STRING], [new BigInt64Array(1), OBJECT]);
  for (const [value, type] of types) {
    assert.equal(JsonSchemaHelper.getDetailedType(value), type, Object.prototype.toString.call(value));
  }
  const mapping = JsonSchemaHelper.getTypeMapping();
  assert.equal(Object.keys(mapping).length, 30);
  assert.deepEqual([mapping.long, mapping.Set, mapping.Arguments], [NUMBER, UNORDERED_LIST, ORDERED_LIST]);
});

test('schemas: first elements, own keys, merges at the root only', () => {
  const schema = (...args) => JsonSchemaHelper.generateSchema(...args);
  assert.deepEqual(schema([]), leaf(ORDERED_LIST));
  assert.deepEqual(schema([{ id: 1 }, 'other']), {
    type: ORDERED_LIST,
    items: { type: OBJECT, properties: { id: leaf(NUMBER) } },
    properties: {},
  });
  assert.deepEqual(Object.keys(schema([1])), ['type', 'items', 'properties']);
  assert.deepEqual(schema(new Set()), leaf(UNORDERED_LIST));
  assert.deepEqual(schema(new Set([null])), leaf(UNORDERED_LIST));
  assert.deepEqual(schema(new Set(['a', 1])), { type: UNORDERED_LIST, items: leaf(STRING), properties: {} });
  const map = new Map([
    ['key', 'v'],
    [2, 42],
  ]);
  assert.deepEqual(schema(map), { type: OBJECT, properties: { key: leaf(STRING), 2: leaf(NUMBER) } });
  assert.deepEqual(schema(argumentsObject(1)), leaf(ORDERED_LIST));
  const merges = { body: { encoding: EncodingType.BASE64, decodedType: DecodedType.JSON } };
  assert.deepEqual(schema({ body: { title: 't', body: 'b' }, header: 'h' }, merges), {
    type: OBJECT,
    properties: {
      body: {
        type: OBJECT,
        properties: { title: leaf(STRING), body: leaf(STRING) },
        encoding: 1,
        decodedType: 1,
      },
      header: leaf(STRING),
    },
  });
});

test('canonical order and hashes', () => {
  const sorted = JsonSchemaHelper.sortObjectKeysRecursively({ z: 1, a: { y: 2, b: 3 }, m: [{ z: 4, a: 5 }, 's'] });
  assert.equal(JSON.stringify(sorted), '{"a":{"b":3,"y":2},"m":[{"a":5,"z":4},"s"],"z":1}');
  for (const value of [null, undefined, 'text', 42, true]) {
    assert.equal(JsonSchemaHelper.sortObjectKeysRecursively(value), value);
  }
  const hash = (value) => JsonSchemaHelper.generateDeterministicHash(value);
  assert.equal(hash({ b: 2, a: 1 }), hash({ a: 1, b: 2 }));
  assert.notEqual(hash({ a: 1, b: 2 }), hash({ a: 1, b: 3 }));
  assert.match(hash({ users: [{ name: 'n' }], metadata: { total: 2 } }), /^[0-9a-f]{64}$/);
  assert.equal(hash({}), '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
});

test('schema and hashes of a payload: as recorded, decoded', () => {
  const { schema } = JsonSchemaHelper.generateSchemaAndHash({
    name: 'J',
    age: undefined,
    city: 'N',
    empty: [],
    none: {},
  });
  assert.deepEqual(schema.properties, {
    name: leaf(STRING),
    city: leaf(STRING),
    empty: leaf(ORDERED_LIST),
    none: leaf(OBJECT),
  });
  const body = Buffer.from('{"message":"hi"}').toString('base64');
  const merges = { body: { encoding: 1, decodedType: 1 } };
  const decoded = JsonSchemaHelper.generateSchemaAndHash({ body, type: 'json' }, merges);
  assert.deepEqual(decoded.schema.properties.body, {
    type: OBJECT,
    properties: { message: leaf(STRING) },
    encoding: 1,
    decodedType: 1,
  });
  const plain = JsonSchemaHelper.generateSchemaAndHash({ body: { message: 'hi' }, type: 'json' });
  assert.equal(decoded.decodedValueHash, plain.decodedValueHash);
  const broken = JsonSchemaHelper.generateSchemaAndHash({ body: 'no base64!!!' }, merges);
  assert.deepEqual(broken.schema.properties.body, { ...leaf(STRING), encoding: 1, decodedType: 1 });
});

test('enums have the numbers of the schemas', () => {
  const decodedTypes = 'JSON HTML CSS JAVASCRIPT XML YAML MARKDOWN CSV SQL GRAPHQL PLAIN_TEXT FORM_DATA MULTIPART_FORM';
  const media = 'PDF AUDIO VIDEO GZIP BINARY JPEG PNG GIF WEBP SVG ZIP';
  const names = ['UNSPECIFIED', ...decodedTypes.split(' '), ...media.split(' ')];
  names.forEach((name, number) => {
    assert.equal(DecodedType[name], number);
    assert.equal(DecodedType[number], name);
  });
  assert.deepEqual([EncodingType.UNSPECIFIED, EncodingType.BASE64], [0, 1]);
  assert.deepEqual([JsonSchemaType.NUMBER, JsonSchemaType.FUNCTION], [1, 9]);
});

test('health sums over remote adapters, whoever made them; no latency stays no latency', (t) => {
  const exporter = new TdSpanExporter({ mode: 'RECORD', baseDirectory: temporaryDirectory(t) });
  assert.deepEqual(exporter.getHealthSnapshot(), {
    failureCount: 0,
    timeoutCount: 0,
    circuitOpen: false,
    lastExportLatencyMs: null,
  });
  const adapter = (snapshot) =>
    Object.assign(Object.create(ApiSpanAdapter.prototype), { getHealthSnapshot: () => snapshot });
  const first = { failureCount: 1, timeoutCount: 2, circuitState: 'half_open', lastExportLatencyMs: null };
  const second = { failureCount: 3, timeoutCount: 4, circuitState: 'open', lastExportLatencyMs: null };
  exporter.adapters = [adapter(first), adapter(second), { name: 'other', getHealthSnapshot: () => assert.fail() }];
  assert.deepEqual(exporter.getHealthSnapshot(), {
    failureCount: 4,
    timeoutCount: 6,
    circuitOpen: true,
    lastExportLatencyMs: null,
  });
  exporter.adapters = [adapter({ ...first, lastExportLatencyMs: 7 }), adapter({ ...first, lastExportLatencyMs: 0 })];
  assert.equal(exporter.getHealthSnapshot().lastExportLatencyMs, 7);
  assert.equal(exporter.getHealthSnapshot().circuitOpen, false, 'half open is not open');
});

test('one attempt that runs out of time is a time-out', async (t) => {
  const receiver = await apiReceiver(t, { otherwise: { stall: 'response' } });
  const adapter = new ApiSpanAdapter({ tuskBackendBaseUrl: receiver.origin, exportTimeoutMillis: 300 });
  await assert.rejects(adapter.postExportRequest(new Uint8Array([1])), /Remote export timed out/);
  assert.equal(adapter.getHealthSnapshot().timeoutCount, 1);
  assert.equal(receiver.requests.length, 1);
});

/** A processor over an exporter whose exports the test answers. */
function processorOver(t, answer, config, mode = 'RECORD') {
  const batches = [];
  let isShutDown = false;
  const exporter = {
    export(spans, done) {
      batches.push(spans.length);
      answer(done, spans);
    },
    async shutdown() {
      isShutDown = true;
    },
  };
  const processor = new DriftBatchSpanProcessor({
    exporter,
    config: { maxQueueSize: 10, maxExportBatchSize: 2, scheduledDelayMillis: 1000, ...config },
    mode,
  });
  t.after(() => processor.shutdown());
  return { processor, batches, isShutDown: () => isShutDown };
}

const succeed = (done) => done({ code: 0 });

test('processor: a full batch leaves in a microtask, the rest with the timer or a flush', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { processor, batches } = processorOver(t, succeed);
  processor.onEnd({ name: 'one' });
  processor.onEnd({ name: 'two' });
  processor.onEnd({ name: 'three' });
  assert.deepEqual(batches, []);
  await null;
  assert.deepEqual(batches, [2]);
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(1000);
  assert.deepEqual(batches, [2, 1]);
  processor.onEnd({ name: 'four' });
  await processor.forceFlush();
  assert.deepEqual(batches, [2, 1, 1]);
});

test('processor: one export at a time; spans under way do not count against the queue', async (t) => {
  const waiting = [];
  const { processor, batches } = processorOver(t, (done) => waiting.push(done), { maxQueueSize: 2 });
  for (let nth = 0; nth < 2; nth++) processor.onEnd({});
  await null;
  for (let nth = 0; nth < 3; nth++) processor.onEnd({});
  await null;
  assert.deepEqual(batches, [2]);
  assert.deepEqual(processor.getHealthSnapshot(), {
    queueSize: 2,
    maxQueueSize: 2,
    queueFillRatio: 1,
    droppedSpanCount: 1,
    exportFailureCount: 0,
    lastExportLatencyMs: null,
  });
  waiting.shift()({ code: 0 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(batches, [2, 2], 'a full batch follows at once');
  waiting.shift()({ code: 0 });
  assert.equal(typeof processor.getHealthSnapshot().lastExportLatencyMs, 'number');
});

test('processor: failures and throws cost their batch and no more', async (t) => {
  const answers = [
    (done) => done({ code: 1, error: new Error('no') }),
    () => {
      throw new Error('boom');
    },
    succeed,
  ];
  const { processor, batches } = processorOver(t, (done) => answers.shift()(done), { maxExportBatchSize: 1 });
  for (let nth = 0; nth < 3; nth++) processor.onEnd({});
  await processor.forceFlush();
  const { queueSize, exportFailureCount } = processor.getHealthSnapshot();
  assert.deepEqual([batches, queueSize, exportFailureCount], [[1, 1, 1], 0, 2]);
});

test('processor: a queue without room, and one without bound', (t) => {
  const { processor } = processorOver(t, succeed, { maxQueueSize: 1, maxExportBatchSize: 10 });
  processor.onEnd({});
  processor.onEnd({});
  const { queueSize, droppedSpanCount } = processor.getHealthSnapshot();
  assert.deepEqual([queueSize, droppedSpanCount], [1, 1]);
  const none = processorOver(t, succeed, { maxQueueSize: 0 }).processor;
  assert.equal(none.getHealthSnapshot().queueFillRatio, 0);
});

test('processor: shutdown drains, shuts the exporter down and takes no more; other modes take nothing', async (t) => {
  const { processor, batches, isShutDown } = processorOver(t, succeed, { maxExportBatchSize: 100, maxQueueSize: 100 });
  for (let nth = 0; nth < 5; nth++) processor.onEnd({});
  await processor.shutdown();
  processor.onEnd({});
  await processor.forceFlush();
  assert.deepEqual([batches, isShutDown()], [[5], true]);
  const replaying = processorOver(t, succeed, {}, 'REPLAY');
  for (let nth = 0; nth < 5; nth++) replaying.processor.onEnd({});
  await replaying.processor.forceFlush();
  assert.deepEqual(replaying.batches, []);
});

test('processor: an exporter that does not answer costs its batch after exportTimeoutMillis, and the queue goes on', async (t) => {
  const answers = [() => {}, succeed];
  const { processor, batches } = processorOver(t, (done) => answers.shift()(done), { exportTimeoutMillis: 50 });
  for (let nth = 0; nth < 4; nth++) processor.onEnd({});
  await assert.rejects(processor.forceFlush(), /^Error: Timeout/);
  await processor.forceFlush();
  const { queueSize, exportFailureCount, droppedSpanCount } = processor.getHealthSnapshot();
  assert.deepEqual([batches, queueSize, exportFailureCount, droppedSpanCount], [[2, 2], 0, 1, 0]);
});

test('processor: shutdown ends over an exporter that never answers; what it was not given is dropped and counted', async (t) => {
  const { processor, batches, isShutDown } = processorOver(t, () => {}, { exportTimeoutMillis: 50 });
  for (let nth = 0; nth < 5; nth++) processor.onEnd({});
  await assert.rejects(processor.shutdown(), /^Error: Timeout/);
  const { queueSize, exportFailureCount, droppedSpanCount } = processor.getHealthSnapshot();
  assert.deepEqual([batches, queueSize, exportFailureCount, droppedSpanCount], [[2], 0, 1, 3]);
  assert.equal(isShutDown(), true);
  const config = { maxQueueSize: 10, maxExportBatchSize: 2, scheduledDelayMillis: 1000, exportTimeoutMillis: 50 };
  const exporter = { export: (_spans, done) => succeed(done), shutdown: () => new Promise(() => {}) };
  const silent = new DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' });
  await assert.rejects(silent.shutdown(), /^Error: Timeout/);
});

test('processor: an export without an answer holds no process, whoever waits for it does', async () => {
  const program = (then) => `
    const { DriftBatchSpanProcessor } = require('./js/entries/tusk.js');
    const config = { maxQueueSize: 9, maxExportBatchSize: 1, scheduledDelayMillis: 9, exportTimeoutMillis: 500 };
    const exporter = { export() { console.log('given'); }, async shutdown() {} };
    const processor = new DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' });
    processor.onEnd({});
    ${then}`;
  const waiting = `processor.forceFlush().catch((error) => console.log(error.message));`;
  const [left, waited] = await Promise.all([runProgram(program('')), runProgram(program(waiting))]);
  assert.deepEqual([left.stdout, waited.stdout], ['given\n', 'given\nTimeout\n']);
});

test('processor: what the exporter counts is not counted twice, what nobody else counts is', async (t) => {
  const receiver = await apiReceiver(t, { otherwise: 400 });
  const config = { maxQueueSize: 10, maxExportBatchSize: 5, scheduledDelayMillis: 1000 };
  const toApi = apiExporter(t, { receiver });
  const directory = path.join(temporaryDirectory(t), 'base');
  const toFiles = fileExporter(t, { directory });
  fs.rmdirSync(directory);
  fs.writeFileSync(directory, 'not a directory');
  for (const [exporter, inExporter, inProcessor] of [
    [toApi, 1, 0],
    [toFiles, 0, 1],
  ]) {
    const processor = new DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' });
    processor.onEnd(recordedSpan());
    await processor.forceFlush();
    assert.equal(exporter.getHealthSnapshot().failureCount, inExporter);
    assert.equal(processor.getHealthSnapshot().exportFailureCount, inProcessor);
    await processor.shutdown();
  }
});

test('breaker: threshold, time, half open lets everybody through', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  const breaker = new CircuitBreaker({ failureThreshold: 2, resetTimeoutMs: 100 });
  breaker.recordFailure();
  breaker.recordSuccess();
  breaker.recordFailure();
  assert.equal(breaker.getState(), 'closed', 'a success between starts the count anew');
  breaker.recordFailure();
  assert.deepEqual([breaker.getState(), breaker.allowRequest()], ['open', false]);
  t.mock.timers.tick(99);
  assert.equal(breaker.allowRequest(), false);
  t.mock.timers.tick(1);
  assert.deepEqual([breaker.allowRequest(), breaker.allowRequest(), breaker.getState()], [true, true, 'half_open']);
  breaker.recordFailure();
  assert.deepEqual([breaker.getState(), breaker.allowRequest()], ['open', false]);
  t.mock.timers.tick(100);
  breaker.allowRequest();
  breaker.recordSuccess();
  assert.deepEqual([breaker.getState(), breaker.allowRequest()], ['closed', true]);
});

test('retries: doubled waits up to the cap, the last error, none for what is final', async (t) => {
  const waits = [];
  const { setTimeout: original } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (callback, millis) => {
    waits.push(millis);
    return original(callback, 0);
  });
  let made = 0;
  const failing = async () => {
    made += 1;
    throw new Error(`attempt ${made}`);
  };
  await assert.rejects(withRetries(failing, { maxAttempts: 5, initialDelayMs: 10, maxDelayMs: 30 }), /attempt 5/);
  assert.deepEqual(waits, [10, 20, 30, 30]);
  const final = async () => {
    throw new NonRetryableError('final');
  };
  await assert.rejects(withRetries(final, { maxAttempts: 5, initialDelayMs: 10, maxDelayMs: 30 }), NonRetryableError);
  assert.equal(waits.length, 4);
  assert.equal(await withRetries(async () => 'value', { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1 }), 'value');
  await assert.rejects(withRetries(failing, { maxAttempts: 0 }), /did not execute/);
});

test('native help for single payloads answers with the reference, or null', async () => {
  const status = getRustCoreStartupStatus();
  assert.deepEqual(status, {
    enabled: true,
    reason: 'default_on',
    rawEnv: null,
    bindingLoaded: true,
    bindingError: null,
  });
  const payload = { b: 1, a: { x: 'é' } };
  const { schema, decodedValueHash, decodedSchemaHash } = JsonSchemaHelper.generateSchemaAndHash(payload);
  assert.deepEqual(processExportPayloadJsonable(payload), {
    normalizedValue: payload,
    decodedValueHash,
    decodedSchema: schema,
    decodedSchemaHash,
  });
  const cyclic = {};
  cyclic.self = cyclic;
  assert.equal(processExportPayloadJsonable(cyclic), null);
  const bytes = buildSpanProtoBytes({ traceId: 't', spanId: 's', kind: 3, statusCode: 1, statusMessage: '' });
  assert.equal(bytes, null, 'times are missing');
  const span = buildSpanProtoBytes({
    traceId: 't',
    spanId: 's',
    kind: 3,
    statusCode: 1,
    statusMessage: '',
    timestampSeconds: 1,
    timestampNanos: 2,
    durationSeconds: 0,
    durationNanos: 0,
    inputValue: payload,
    inputSchema: schema,
  });
  const [fields] = spansOf(buildExportSpansRequestBytes('service', 'env', '1', 'i', [span]));
  assert.equal(fields.get(1).toString(), 't');
  assert.equal(fields.get(17), 3n);
  for (const [value, expected] of [
    [' OFF ', { enabled: false, reason: 'env_disabled', bindingLoaded: false }],
    ['Yes', { enabled: true, reason: 'env_enabled', bindingLoaded: true }],
    ['maybe', { enabled: true, reason: 'invalid_env_value_defaulted', bindingLoaded: true }],
  ]) {
    const program = `console.log(JSON.stringify(require('./js/entries/tusk.js').getRustCoreStartupStatus()))`;
    const { stdout } = await runProgram(program, { env: { TUSK_USE_RUST_CORE: value } });
    assert.deepEqual(JSON.parse(stdout), { ...expected, rawEnv: value, bindingError: null });
  }
});
