'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { test } = require('node:test');
const { CallbackSpanAdapter } = require('../../js/entries/tusk.js');
const { canonical } = require('../helpers/drift_request.js');
const {
  API_KEY,
  apiExporter,
  apiReceiver,
  BlockedTraces,
  exported,
  fileExporter,
  readTraceFiles,
  temporaryDirectory,
} = require('../helpers/tusk_exporter.js');
const { cases, vectorSpan } = require('../helpers/tusk_vectors.js');

// The 104 cases recorded from the SDK's own exporter (its TypeScript path), through ours: natively, and from objects made
// on this thread; with the options that bring the old behaviour back, and without them.

const PATH = '/api/drift/tusk.drift.backend.v1.SpanExportService/ExportSpans';
const OLD_BEHAVIOUR = { failBatchOnBadSpan: true, ignoreSinkErrors: true };

// Where one span that cannot be read costs the recorded exporter its batch, and ours that span only: spans that are
// written without the options. With them the result is the recorded one.
const SPANS_SAVED = {
  'metadata-malformed': [],
  'merge-null-member': [],
  'merge-malformed': [],
  'malformed-input-in-batch': [0, 2],
  'malformed-output': [1],
  'missing-input': [],
  'empty-input-string': [],
  'non-string-input': [],
};

// Its only span cannot be a protobuf message. The recorded exporter fails inside its adapter and reports a success; ours
// says that nothing was left.
const NOT_PROTOBUF = 'merge-string-enums';

/** A batch of which no span can be recorded has failed, and nothing of it is sent. */
function expectedResult(saved) {
  return { code: saved?.length === 0 ? 1 : 0 };
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

function configOf({ config }) {
  return { ...config, environment: config.environment ?? undefined };
}

function spansOf({ spans }, shape) {
  return spans.map((span) => vectorSpan(span, shape));
}

function assertResult(result, expected) {
  assert.equal(result.code, expected.code);
  if (expected.code === 0) assert.equal(result.error, undefined);
  else assert.ok(result.error instanceof Error);
}

function assertLines(directory, expected) {
  const written = readTraceFiles(directory);
  const count = Object.values(written).reduce((sum, lines) => sum + lines.length, 0);
  assert.equal(count, expected.length);
  for (const { traceId, indexInFile, text, bytes, sha256: hash } of expected) {
    const line = written[traceId][indexInFile];
    if (text !== undefined) assert.equal(line, text);
    assert.equal(Buffer.byteLength(line), bytes);
    assert.equal(sha256(line), hash);
  }
}

function assertRequests(requests, expected) {
  assert.equal(requests.length, expected.length);
  requests.forEach((request, nth) => {
    const { bytes, headers, canonicalSha256 } = expected[nth];
    assert.equal(request.method, 'POST');
    assert.equal(request.target, PATH);
    for (const [name, value] of Object.entries(headers)) assert.equal(request.headers[name], value, name);
    assert.equal(request.headers['x-api-key'], API_KEY);
    assert.equal(request.wireBody.length, bytes);
    assert.equal(sha256(canonical(request.wireBody)), canonicalSha256);
  });
}

async function toFiles(t, vector, way, shape, options) {
  const directory = temporaryDirectory(t);
  const traceBlockingManager = new BlockedTraces();
  const exporter = fileExporter(t, { ...configOf(vector), directory, way, traceBlockingManager, ...options });
  const result = await exported(exporter, spansOf(vector, shape));
  return { directory, result, blocked: [...traceBlockingManager] };
}

async function toApi(t, vector, way, shape, options) {
  const receiver = await apiReceiver(t);
  const exporter = apiExporter(t, { ...configOf(vector), receiver, way, ...options });
  const result = await exported(exporter, spansOf(vector, shape));
  return { requests: receiver.completed, result };
}

for (const way of ['native', 'objects']) {
  for (const shape of ['1.x', '2.x']) {
    test(`R82 R102 R103 the recorded lines, byte for byte: ${way}, spans of SDK ${shape}`, async (t) => {
      for (const vector of cases) {
        await t.test(vector.id, async (t) => {
          const { directory, result, blocked } = await toFiles(t, vector, way, shape, OLD_BEHAVIOUR);
          assertResult(result, vector.js.result);
          assert.deepEqual(blocked, vector.js.blockedTraceIds);
          assertLines(directory, vector.js.lines);
        });
      }
    });
  }

  test(`R102 the recorded requests: ${way}`, async (t) => {
    for (const vector of cases) {
      await t.test(vector.id, async (t) => {
        const { requests, result } = await toApi(t, vector, way, '1.x', OLD_BEHAVIOUR);
        const isDeviation = vector.id === NOT_PROTOBUF && way === 'native';
        assertResult(result, isDeviation ? { code: 1 } : vector.js.remote.result);
        assertRequests(requests, vector.js.remote.requests);
      });
    }
  });

  test(`R77 without the old behaviour a bad span costs only itself: ${way}`, async (t) => {
    const failing = cases.filter(({ js }) => js.result.code !== 0).map(({ id }) => id);
    assert.deepEqual(Object.keys(SPANS_SAVED).sort(), failing.sort(), 'every deviation is listed');
    for (const vector of cases) {
      await t.test(vector.id, async (t) => {
        const files = await toFiles(t, vector, way, '2.x', {});
        const saved = SPANS_SAVED[vector.id];
        assertResult(files.result, expectedResult(saved));
        if (saved === undefined) {
          assertLines(files.directory, vector.js.lines);
        } else {
          const ids = Object.values(readTraceFiles(files.directory))
            .flat()
            .map((line) => JSON.parse(line).spanId);
          assert.deepEqual(ids.sort(), saved.map((index) => vector.spans[index].spanId).sort());
        }
        const remote = await toApi(t, vector, way, '2.x', {});
        assertResult(remote.result, expectedResult(vector.id === NOT_PROTOBUF ? [] : saved));
        if (saved === undefined) assertRequests(remote.requests, vector.js.remote.requests);
        else assert.equal(remote.requests.length, saved.length > 0 ? 1 : 0);
      });
    }
  });
}

test('the recorded hashes, on clean spans with every key', async (t) => {
  const directory = temporaryDirectory(t);
  for (const vector of cases) {
    if (vector.js.result.code !== 0) continue;
    await t.test(vector.id, async (t) => {
      let cleanSpans;
      const exporter = fileExporter(t, { ...configOf(vector), directory });
      exporter.clearAdapters();
      exporter.addAdapter(
        new CallbackSpanAdapter((spans) => {
          cleanSpans = spans;
        }),
      );
      assertResult(await exported(exporter, spansOf(vector)), vector.js.result);
      cleanSpans ??= []; // not recording: no adapter is called
      assert.equal(cleanSpans.length, vector.js.spans.length);
      vector.js.spans.forEach((expected, nth) => {
        const { hashPreimages, spanProto, ...members } = expected;
        const span = cleanSpans[nth];
        assert.equal(Object.keys(span).length, 26);
        assert.equal(span.protoSpanBytes, undefined);
        for (const [name, value] of Object.entries(members)) assert.equal(span[name], value, name);
        // Of the largest payloads no texts were recorded.
        for (const side of Object.keys(hashPreimages ?? {})) {
          const { value, schema } = hashPreimages[side];
          if (value !== undefined) assert.equal(sha256(value), span[`${side}ValueHash`]);
          if (schema !== undefined) assert.equal(sha256(schema), span[`${side}SchemaHash`]);
        }
      });
    });
  }
});
