'use strict';
// What the Collector documents about its attributes and its redaction processor, in our rules and through a real exporter: the same,
// or different for a reason that stands beside the vector.

const assert = require('node:assert/strict');
const { createHash, createHmac } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { FileSpanExporter } = require('../../index.js');
const { PlainSpans, resource, scope } = require('../helpers/plain_spans.js');
const { vectors } = require('../../tests/vectors/processing.json');

const KEY = Buffer.alloc(32, 'k');
const plain = new PlainSpans(7);

const hmac = (text) => createHmac('sha256', KEY).update(text).digest('hex').slice(0, 32);
const sha1 = (text) => createHash('sha1').update(text).digest('hex');

/** An expectation with its hashes: as a whole value, or in braces in a text. The id of a key is not compared. */
function resolved(value) {
  if (typeof value === 'object') return value.token === undefined ? sha1(value.sha1) : hmac(value.token);
  if (typeof value !== 'string') return value;
  return value.replace(/\{(sha1|token):([^}]*)\}/g, (_, kind, text) => (kind === 'sha1' ? sha1(text) : hmac(text)));
}

const resolvedAll = (attributes) =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, resolved(value)]));

function shownValue({ stringValue, boolValue, intValue, doubleValue }) {
  if (stringValue !== undefined) return stringValue.replace(/h[0-9a-f]{4}:(?=[0-9a-f]{32})/g, '');
  return boolValue ?? doubleValue ?? Number(intValue);
}

/** Attributes of the span as a file has them. */
async function exported(t, { process, span: given }) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-collector-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const span = plain.span({
    ...given,
    resource: resource(given.resource),
    instrumentationScope: given.scope ?? scope,
  });
  const exporter = new FileSpanExporter({ directory, process: { hashKey: KEY, ...process } });
  assert.equal((await exporter.exportSpans([span])).delivered, 1);
  await exporter.shutdown();
  const [name] = fs.readdirSync(directory);
  const [{ scopeSpans, resource: left }] = JSON.parse(
    fs.readFileSync(path.join(directory, name), 'utf8'),
  ).resourceSpans;
  for (const { key, value } of left.attributes)
    if (given.resource) assert.equal(shownValue(value), given.resource[key]);
  const [{ attributes, name: spanName }] = scopeSpans[0].spans;
  assert.equal(spanName, span.name);
  return Object.fromEntries(attributes.map(({ key, value }) => [key, shownValue(value)]));
}

describe('coming from the Collector', () => {
  for (const vector of vectors) {
    const { processor, rule, verdict, why, process, collector, ours, refused } = vector;
    it(`P27 P41 P42: ${processor} processor, ${verdict}: ${rule}`, async (t) => {
      if (verdict === 'different') assert.match(why, /\w/, 'the reason is missing');
      if (refused) {
        assert.throws(() => new FileSpanExporter({ directory: os.tmpdir(), process }), { code: 'ERR_OFFLOOP_CONFIG' });
        return;
      }
      assert.deepEqual(await exported(t, vector), resolvedAll(ours ?? collector));
      if (verdict === 'different') assert.ok(!isDeepStrictEqual(ours, collector), 'it is the same');
    });
  }

  it('P27 P42: every documented action, filter and option is in a vector', () => {
    const rules = vectors.map(({ rule }) => rule).join('\n');
    const words =
      'insert update upsert delete hash extract convert from_attribute from_context default_value pattern include exclude ' +
      'services libraries resources kinds allowed_keys allow_all_keys ignored_keys redact_all_types blocked_key_patterns ' +
      'blocked_values allowed_values hash_function summary url_sanitizer db_sanitizer';
    assert.deepEqual(
      words.split(' ').filter((word) => !rules.includes(word)),
      [],
    );
  });
});
