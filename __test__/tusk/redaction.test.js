'use strict';
// Rules on recordings: which are refused, where they look, that nothing they take leaves, and who gets nothing because of them.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const tusk = require('../../js/entries/tusk.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { CARDS, leakIn, WORD } = require('../helpers/processing/leaks.js');
const { API_KEY, apiExporter, apiReceiver, BlockedTraces, exported } = require('../helpers/tusk_exporter.js');
const { fileExporter, readTraceFiles, recordedSpan, temporaryDirectory } = require('../helpers/tusk_exporter.js');

const { ApiSpanAdapter, CallbackSpanAdapter, FilesystemSpanAdapter, InMemorySpanAdapter, TdSpanExporter } = tusk;
const HASH_KEY = new Uint8Array(32).fill(3);
const MAIL = `${WORD}@example.com`;
const AWS = `AKIA${WORD.toUpperCase().padEnd(16, 'A')}`;
const MATCH = { redact: [{ match: ['email', 'creditCard', 'awsKey'] }] };
const base64 = (value) => Buffer.from(value).toString('base64');
const shown = (value) => Buffer.from(inspect(value, { depth: 20, maxStringLength: null, showHidden: true }));

function withVariables(variables, work) {
  Object.assign(process.env, variables);
  try {
    return work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

/** Where a secret may stand -> attributes of a span that has it there, for the member names of one side. */
const PLACES = {
  text: (side) => ({ [`td.${side}Value`]: JSON.stringify({ a: { b: [`to ${MAIL}`] } }) }),
  escaped: (side) => ({ [`td.${side}Value`]: JSON.stringify({ a: MAIL }).replace('@', '\\u0040') }),
  root: (side) => ({ [`td.${side}Value`]: JSON.stringify(MAIL) }),
  'root of merges': (side) => ({ ...merged(side, { 0: { encoding: 1 } }), [`td.${side}Value`]: JSON.stringify(MAIL) }),
  key: (side) => ({ [`td.${side}Value`]: JSON.stringify({ [MAIL]: { [`x ${MAIL}`]: 1 } }) }),
  number: (side) => ({ [`td.${side}Value`]: `{"pan":[${CARDS[0]}]}` }),
  deep: (side) => ({ [`td.${side}Value`]: `${'['.repeat(700)}"${MAIL}"${']'.repeat(700)}` }),
  'deep in maps': (side) => ({ [`td.${side}Value`]: `${'{"k":'.repeat(700)}{"${MAIL}":"${MAIL}"}${'}'.repeat(700)}` }),
  'an encoded body': (side) => body(side, JSON.stringify({ user: { note: MAIL } })),
  'a key of an encoded body': (side) => body(side, JSON.stringify({ [MAIL]: 1 })),
  'an encoded text': (side) => body(side, `see ${MAIL}`),
  'encoded bytes': (side) => body(side, Buffer.concat([Buffer.from([0xff, 0xc0]), Buffer.from(MAIL)])),
  'JSON that is no UTF-8': (side) => body(side, Buffer.from(`{"a":"${MAIL}\xe9"}`, 'latin1')),
  'an encoded body of the other alphabet': (side) =>
    bodyText(side, Buffer.from(`{"a":"${MAIL} ~~~???"}`).toString('base64url')),
  'an encoded body in lines': (side) => bodyText(side, base64(`{"a":"${MAIL}"}`).replace(/(.{4})/g, '$1\r\n')),
  'no base64': (side) => bodyText(side, MAIL),
  'letters of base64': (side) => bodyText(side, AWS),
  'an encoded element': (side) => ({
    ...merged(side, { 1: { encoding: 1 } }),
    [`td.${side}Value`]: JSON.stringify(['a', base64(`{"a":"${MAIL}"}`)]),
  }),
  'a text that is JSON': (side) => ({
    ...merged(side, { body: { encoding: 2, decodedType: 1 } }),
    [`td.${side}Value`]: JSON.stringify({ body: JSON.stringify({ a: MAIL }).replace('@', '\\u0040') }),
  }),
  merges: (side) => ({ ...merged(side, { a: { note: MAIL } }), [`td.${side}Value`]: '{"a":1}' }),
  'a key of merges': (side) => ({ ...merged(side, { a: { [MAIL]: 1 } }), [`td.${side}Value`]: '{"a":1}' }),
  metadata: () => ({ 'td.metadata': JSON.stringify({ a: [MAIL], [MAIL]: 1 }) }),
  'metadata that is a list': () => ({ 'td.metadata': [JSON.stringify({ a: MAIL })] }),
  'metadata of the transform': () => ({ 'td.transformMetadata': JSON.stringify({ actions: [{ field: MAIL }] }) }),
  name: () => ({ 'td.name': MAIL }),
  'a name that is a list': () => ({ 'td.name': ['a', MAIL] }),
  'package name': () => ({ 'td.packageName': MAIL }),
  instrumentation: () => ({ 'td.instrumentationName': MAIL }),
  'instrumentation by package': () => ({ 'td.packageName': [MAIL], 'td.instrumentationName': '' }),
  submodule: () => ({ 'td.submodule': MAIL }),
  'package type': () => ({ 'td.packageType': MAIL }),
};
/** What protobuf has no place for. */
const ONLY_IN_FILES = new Set([
  'merges',
  'a key of merges',
  'metadata of the transform',
  'package type',
  'root of merges',
  'root',
  'number',
]);

function merged(side, merges) {
  return { [`td.${side}SchemaMerges`]: JSON.stringify(merges) };
}

function bodyText(side, text) {
  return {
    ...merged(side, { body: { encoding: 1, decodedType: 1 } }),
    [`td.${side}Value`]: JSON.stringify({ body: text }),
  };
}

const body = (side, value) => bodyText(side, base64(value));

function assertNoLeak(bytes, where) {
  const leak = leakIn(bytes);
  assert.equal(leak, null, `${where}: ${leak}`);
}

/** Every byte that leaves a recorder for one span: files, requests, what it says. */
async function leaving(t, config, span) {
  const directory = temporaryDirectory(t);
  const receiver = await apiReceiver(t);
  const failures = [];
  const own = { ...config, onError: (failure) => failures.push(failure) };
  const files = fileExporter(t, { directory, environment: 'e', ...own });
  const api = apiExporter(t, { receiver, ...own });
  const results = [];
  const said = await diagLines(async () => {
    for (const exporter of [files, api])
      results.push(await exported(exporter, [span]), exporter.getAdapters()[0].stats());
  });
  // Base64 in lines is not found by who searches for base64.
  const inOneLine = (text) => Buffer.from(text.replace(/\r\n|\\r\\n/g, ''), 'latin1');
  const text = inOneLine(Buffer.from(Object.values(readTraceFiles(directory)).flat().join('\n')).toString('latin1'));
  const sent = inOneLine(Buffer.concat(receiver.completed.map(({ wireBody }) => wireBody)).toString('latin1'));
  return { text, sent, rest: shown([said, results, failures, files, api]), results };
}

describe('rules on recordings', () => {
  for (const [place, plant] of Object.entries(PLACES)) {
    for (const side of plant.length > 0 ? ['input', 'output'] : ['input'])
      it(`P100 P101: nothing of a secret leaves: ${place}, ${side}`, async (t) => {
        const span = recordedSpan({ attributes: plant(side) });
        const { text, sent, rest, results } = await leaving(t, { process: MATCH }, span);
        assert.ok(text.length > 0, 'it was written');
        assertNoLeak(text, 'file');
        assertNoLeak(sent, 'request');
        assertNoLeak(rest, 'what was said');
        const { rules, failClosed } = results[1].process;
        assert.ok(rules['redact[0]'] + failClosed.base64 + failClosed.depth > 0, inspect(results[1]));
        const without = await leaving(t, {}, span);
        assert.notEqual(leakIn(without.text), null, 'the judge is blind');
        if (!ONLY_IN_FILES.has(place) && place !== 'letters of base64')
          assert.notEqual(leakIn(without.sent), null, 'request');
      });
  }

  it('P100: the message of a status and the name of a span that is too large', async (t) => {
    const failed = recordedSpan({ status: { code: 2, message: `no ${MAIL}` } });
    for (const config of [{ process: MATCH }, {}]) {
      const { text, sent, rest } = await leaving(t, config, failed);
      assert.deepEqual([text, sent, rest].map((bytes) => leakIn(bytes) === null), config.process ? [true, true, true] : [false, false, true]); // biome-ignore format: one thought
      const large = recordedSpan({ attributes: { 'td.inputValue': `"${'x'.repeat(1_100_000)}"` }, name: MAIL });
      const said = (await leaving(t, config, large)).rest;
      assert.equal(leakIn(said) === null, config.process !== undefined);
      assert.match(said.toString(), /Blocking trace/);
    }
  });

  it('P100: keys take values by their paths, and types stay', async (t) => {
    const input = { user: { name: 'ada', age: 36, ok: true, none: null, list: ['x', 1, {}], empty: '' }, id: 7 };
    const attributes = { 'td.inputValue': JSON.stringify(input), 'td.outputValue': '{"user":{"name":"b"},"id":"b"}' };
    for (const [rule, expected, output] of [
      [
        { keys: ['inputValue.user'] },
        { name: '[redacted]', age: 0, ok: false, none: null, list: ['[redacted]', 0, {}], empty: '[redacted]' },
        'b',
      ],
      [{ keys: ['**.name'] }, { ...input.user, name: '[redacted]' }, '[redacted]'],
      [{ keys: ['inputValue.user.list'], action: { truncate: 0 } }, { ...input.user, list: ['', 1, {}] }, 'b'],
      [
        { keys: ['inputValue.user'], action: { json: { mask: ['$.name'] } } },
        { name: '[redacted]', age: 0, ok: false, none: null, list: ['[redacted]', 0, {}], empty: '[redacted]' },
        'b',
      ],
      [
        { keys: ['**.user.*'], except: ['*.age'], unless: ['ada'] },
        { ...input.user, ok: false, list: ['[redacted]', 0, {}], empty: '[redacted]' },
        '[redacted]',
      ],
      [{ in: ['name'], match: ['email'] }, input.user, 'b'],
    ]) {
      const directory = temporaryDirectory(t);
      const exporter = fileExporter(t, { directory, process: { redact: [rule] } });
      const plain = temporaryDirectory(t);
      const span = recordedSpan({ attributes });
      await exported(exporter, [span]);
      await exported(fileExporter(t, { directory: plain }), [span]);
      const [[line], [before]] = [directory, plain].map((folder) =>
        Object.values(readTraceFiles(folder)).flat().map(JSON.parse),
      );
      assert.deepEqual(line.inputValue.user, expected, inspect(rule));
      assert.equal(line.outputValue.user.name, output, inspect(rule));
      assert.deepEqual([line.inputSchema, line.inputSchemaHash], [before.inputSchema, before.inputSchemaHash]);
    }
  });

  it('P101: a body in base64 is decoded, redacted by its paths and encoded again', async (t) => {
    const redact = [{ keys: ['**.body.user.password', '**.pin'] }, { keys: ['**.token'], action: 'hash' }];
    const given = { user: { password: WORD, id: 1 }, pin: 1234, token: WORD };
    const directory = temporaryDirectory(t);
    const exporter = fileExporter(t, { directory, process: { redact, hashKey: HASH_KEY } });
    const untouched = base64('{ "a" : 1.0 }').replace('=', '');
    const spans = [JSON.stringify(given), null].map((text) =>
      recordedSpan({ attributes: text === null ? bodyText('output', untouched) : body('output', text) }),
    );
    await exported(exporter, spans);
    const lines = Object.values(readTraceFiles(directory)).flat().map(JSON.parse);
    const [first, second] = lines.sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
    const { token, ...rest } = JSON.parse(Buffer.from(first.outputValue.body, 'base64'));
    assert.deepEqual(rest, { user: { password: '[redacted]', id: 1 }, pin: 0 });
    assert.match(token, /^h[0-9a-f]{4}:[0-9a-f]{32}$/);
    const reference = tusk.JsonSchemaHelper.generateSchemaAndHash(first.outputValue, {
      body: { encoding: 1, decodedType: 1 },
    });
    assert.deepEqual(
      [first.outputSchemaHash, first.outputValueHash],
      [reference.decodedSchemaHash, reference.decodedValueHash],
    );
    assert.equal(second.outputValue.body, untouched, 'what is not redacted is not encoded anew');
  });

  it('P101: what cannot be decoded becomes the marker, and is counted', async (t) => {
    const directory = temporaryDirectory(t);
    const exporter = fileExporter(t, { directory, process: { marker: '#?#', redact: [{ keys: ['nothing'] }] } });
    await exported(exporter, [recordedSpan({ attributes: bodyText('input', 'no base64!') })]);
    const [line] = Object.values(readTraceFiles(directory)).flat().map(JSON.parse);
    assert.equal(line.inputValue.body, '#?#');
    const [adapter] = exporter.getAdapters();
    assert.deepEqual(adapter.stats(), {
      process: { rules: { 'redact[0]': 0 }, failClosed: { json: 0, sql: 0, depth: 0, base64: 1 } },
    });
    await exporter.shutdown();
    assert.equal(adapter.stats().process.failClosed.base64, 1, 'counts outlive a shutdown');
    await exported(exporter, [recordedSpan({ attributes: bodyText('input', 'no base64!') })]);
    assert.equal(adapter.stats().process.failClosed.base64, 2);
  });

  it("P100: 'defaults' at work", async (t) => {
    const directory = temporaryDirectory(t);
    const exporter = fileExporter(t, { directory, process: { redact: ['defaults', 'pii'] } });
    const headers = { Authorization: WORD, cookie: [WORD], Host: 'h', referer: `https://u:${WORD}@h/` };
    const input = { method: 'GET', url: `/pay?sig=${WORD}&id=1`, headers, note: MAIL };
    await exported(exporter, [recordedSpan({ attributes: { 'td.inputValue': JSON.stringify(input) } })]);
    const [line] = Object.values(readTraceFiles(directory)).flat();
    assertNoLeak(Buffer.from(line), 'line');
    assert.deepEqual(JSON.parse(line).inputValue, {
      method: 'GET',
      url: '/pay?sig=REDACTED&id=1',
      headers: {
        Authorization: '[redacted]',
        cookie: ['[redacted]'],
        Host: 'h',
        referer: 'https://REDACTED:REDACTED@h/',
      },
      note: '[redacted]',
    });
  });

  it('P4 P100: variables hold the same rules, and code adds to them', async (t) => {
    const directory = temporaryDirectory(t);
    const variables = { OFFLOOP_PROCESS: JSON.stringify({ redact: [{ name: 'ops', keys: ['**.a'] }] }) };
    const process = { redact: [{ keys: ['**.b'] }] };
    const exporter = withVariables(variables, () => fileExporter(t, { directory, process }));
    await exported(exporter, [recordedSpan({ attributes: { 'td.inputValue': '{"a":"x","b":"y","c":"z"}' } })]);
    const [line] = Object.values(readTraceFiles(directory)).flat().map(JSON.parse);
    assert.deepEqual(line.inputValue, { a: '[redacted]', b: '[redacted]', c: 'z' });
    assert.deepEqual(exporter.getAdapters()[0].stats().process.rules, { 'environment.ops': 1, 'redact[0]': 1 });
  });

  for (const [process, expected] of [
    [{ redact: [{ keys: ['a'], action: 'delete' }] }, /process\.redact\[0\] is invalid, recordings keep their members/],
    [{ redact: [{ keys: ['a'], action: { allow: true } }] }, /recordings keep their members/],
    [{ redact: [{ keys: ['a'], keepType: false }] }, /recordings keep the types/],
    [{ redact: [{ match: ['email'], in: ['events', 'resource'] }] }, /recordings have none of its parts/],
    [{ redact: [{ keys: ['a'], in: ['scope', 'name'] }] }, /only the attributes of a recording have keys/],
    [{ drop: [{ name: 'x' }] }, /process\.drop is for spans/],
    [{ attributes: [{ delete: 'x' }] }, /process\.attributes is for spans/],
    [{ marker: 'null', redact: ['pii'] }, /process\.marker is invalid/],
    [{ redact: [{ keys: ['a'], action: 'hash' }] }, /expected hashKey/],
    [{ redacts: [] }, /process\.redacts is invalid/],
    ['text', /process/],
  ])
    it(`P100: ${inspect(process, { breakLength: Infinity, depth: 5 })} makes every sender throw`, (t) => {
      const common = { mode: 'RECORD', baseDirectory: temporaryDirectory(t), tuskBackendBaseUrl: 'http://127.0.0.1:9' };
      const full = { ...common, apiKey: API_KEY, observableServiceId: 's', sdkVersion: '1', sdkInstanceId: 'i' };
      for (const make of [
        (more) => new ApiSpanAdapter({ ...full, ...more }),
        (more) => new FilesystemSpanAdapter({ ...full, ...more }),
        (more) => new TdSpanExporter({ ...full, ...more }),
        (more) => new TdSpanExporter({ ...full, useRemoteExport: true, ...more }),
      ]) {
        make({ process: { redact: ['pii'] } });
        const refused = (error) => error.code === 'ERR_OFFLOOP_CONFIG' && expected.test(error.message);
        assert.throws(() => make({ process }), refused);
        if (typeof process === 'object')
          withVariables({ OFFLOOP_PROCESS: JSON.stringify(process) }, () => assert.throws(() => make({}), refused));
      }
    });

  it('P100: who gets spans as objects gets none, and the others get theirs', async (t) => {
    class Overriding extends FilesystemSpanAdapter {
      exportSpans(spans) {
        return super.exportSpans(spans);
      }
    }
    class Posting extends ApiSpanAdapter {
      postExportRequest() {
        return assert.fail('it has got a request');
      }
    }
    const taken = [];
    const memory = new InMemorySpanAdapter();
    const api = { apiKey: 'k', tuskBackendBaseUrl: 'http://127.0.0.1:9', observableServiceId: 's' };
    const more = { ...api, sdkVersion: '1', sdkInstanceId: 'i' };
    for (const [name, adapter] of [
      ['callback', new CallbackSpanAdapter((spans) => taken.push(...spans))],
      ['in-memory', memory],
      ['own', { name: 'own', exportSpans: async (spans) => taken.push(...spans), shutdown: async () => {} }],
      ['filesystem', new Overriding({ baseDirectory: temporaryDirectory(t) })],
      ['api', new Posting(more)],
    ]) {
      const directory = temporaryDirectory(t);
      for (const config of [{ process: MATCH }, { process: MATCH, ignoreSinkErrors: true }]) {
        const exporter = fileExporter(t, { directory, ...config });
        exporter.addAdapter(adapter);
        const said = await diagLines(async () => {
          const { code, error } = await exported(exporter, [recordedSpan({ attributes: { 'td.name': MAIL } })]);
          assert.deepEqual([code, error.code], [1, 'ERR_OFFLOOP_UNREDACTED']);
          assert.ok(error.message.includes(`'${name}'`), error.message);
        });
        assert.ok(said.some(([level]) => level === 'error'));
      }
      assert.equal(Object.values(readTraceFiles(directory)).flat().length, 2, 'the native adapter has got its spans');
    }
    assert.deepEqual([taken, memory.getAllSpans()], [[], []]);
    const unnamed = Object.defineProperty({ exportSpans: async () => {}, shutdown: async () => {} }, 'name', {
      get: () => assert.fail('mine'),
    });
    const exporter = fileExporter(t, { directory: temporaryDirectory(t), process: MATCH });
    exporter.addAdapter(unnamed);
    assert.equal((await exported(exporter, [recordedSpan()])).error.code, 'ERR_OFFLOOP_UNREDACTED');
  });

  it('P100: adapters with rules take no objects', async (t) => {
    const directory = temporaryDirectory(t);
    const receiver = await apiReceiver(t);
    const config = { apiKey: 'k', tuskBackendBaseUrl: receiver.origin, observableServiceId: 's', sdkVersion: '1' };
    const clean = tusk.SpanTransformer.transformSpanToCleanJSON(recordedSpan({ attributes: { 'td.name': MAIL } }));
    const api = new ApiSpanAdapter({ ...config, sdkInstanceId: 'i', process: MATCH });
    const files = new FilesystemSpanAdapter({ baseDirectory: directory, process: MATCH });
    for (let nth = 0; nth < 6; nth++)
      for (const adapter of [api, files]) {
        const { code, error } = await adapter.exportSpans([clean]);
        assert.deepEqual([code, error.code], [1, 'ERR_OFFLOOP_UNREDACTED']);
      }
    assert.equal(api.getHealthSnapshot().circuitState, 'closed', 'a refusal says nothing about the backend');
    await assert.rejects(api.postExportRequest(Buffer.from(MAIL)), { code: 'ERR_OFFLOOP_UNREDACTED' });
    assert.deepEqual([receiver.requests.length, fs.readdirSync(directory)], [0, []]);
    await Promise.all([api.shutdown(), files.shutdown()]);
  });

  it('P100: rules of an exporter hold for adapters without their own', async (t) => {
    const [first, second, third] = [1, 2, 3].map(() => temporaryDirectory(t));
    const shared = new FilesystemSpanAdapter({ baseDirectory: second });
    const owner = new FilesystemSpanAdapter({ baseDirectory: third, process: { redact: [{ keys: ['**.b'] }] } });
    const exporter = fileExporter(t, { directory: first, process: { redact: [{ keys: ['**.a'] }] } });
    const plain = new TdSpanExporter({
      mode: 'RECORD',
      baseDirectory: first,
      traceBlockingManager: new BlockedTraces(),
    });
    exporter.addAdapter(shared);
    exporter.addAdapter(owner);
    plain.clearAdapters();
    plain.addAdapter(shared);
    const span = recordedSpan({ attributes: { 'td.inputValue': '{"a":"x","b":"y"}' } });
    await exported(exporter, [span]);
    await exported(plain, [span]);
    const read = (directory) =>
      Object.values(readTraceFiles(directory))
        .flat()
        .map((line) => JSON.parse(line).inputValue);
    assert.deepEqual(read(first), [{ a: '[redacted]', b: 'y' }]);
    assert.deepEqual(read(second), [
      { a: '[redacted]', b: 'y' },
      { a: 'x', b: 'y' },
    ]);
    assert.deepEqual(read(third), [{ a: 'x', b: '[redacted]' }]);
    await plain.shutdown();
  });

  it('P100: a queue before the exporter changes nothing', async (t) => {
    const directory = temporaryDirectory(t);
    const exporter = fileExporter(t, { directory, process: MATCH });
    const config = { maxQueueSize: 10, maxExportBatchSize: 5, scheduledDelayMillis: 10 };
    const processor = new tusk.DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' });
    for (let nth = 0; nth < 7; nth++) processor.onEnd(recordedSpan({ attributes: { 'td.name': `${nth} ${MAIL}` } }));
    await processor.shutdown();
    const text = fs.readdirSync(directory).map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
    assert.equal(text.length, 7);
    assertNoLeak(Buffer.from(text.join('')), 'files');
  });
});
