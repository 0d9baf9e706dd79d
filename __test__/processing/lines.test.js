'use strict';
// What a logger hears of rules: that one has its first hit, that one has none, and never a span.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { FileSpanExporter, OTLPTraceExporter } = require('../../index.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

const spans = new PlainSpans(58);
const batch = (count, attributes) => Array.from({ length: count }, () => spans.span({ name: 'GET /pay', attributes }));
const exported = (exporter, list) => new Promise((resolve) => exporter.export(list, resolve));
const ofRules = (lines) => lines.map((line) => line.join(' ')).filter((line) => line.includes('process: '));

const NUMBER = 'a logger gets the number of spans';

describe('lines about rules', () => {
  it('P58: a first hit and the absence of one are told once, with the name of the rule', async (t) => {
    const receiver = await startReceiver({}, t);
    const process = {
      redact: [{ name: 'passwords', keys: ['password'] }, { keys: ['nowhere'] }],
      drop: [{ name: 'nobody' }],
    };
    const exporter = new OTLPTraceExporter({ url: receiver.url, process });
    const lines = await diagLines(async () => {
      await exported(exporter, batch(4999, { password: 'plantedSecret' }));
      await exported(exporter, batch(5000, { password: 'plantedSecret' }));
      assert.equal(exporter.stats().delivered, 9999);
    });
    assert.deepEqual(
      ofRules(lines).map((line) => line.replace(/^(\w+) (Offloop: )?/, '$1: ')),
      ['info: process: passwords has its first hit'],
    );
    const later = await diagLines(async () => {
      await exported(exporter, batch(1, {}));
      await exported(exporter, batch(1000, { password: 'plantedSecret' }));
    });
    assert.deepEqual(
      ofRules(later).map((line) => line.replace(/^(\w+) (Offloop: )?/, '$1: ')),
      ['drop[0]', 'redact[1]'].map((name) => `info: process: ${name} has had no hit in 10000 spans`),
    );
    const last = await diagLines(async () => {
      await exported(exporter, batch(1, { nowhere: 'x' }));
      await exported(exporter, batch(12_000, { nowhere: 'x', password: 'y' }));
      await exporter.shutdown();
    });
    assert.equal(ofRules(last).length, 1);
    assert.match(ofRules(last)[0], /redact\[1\] has its first hit/);
    assert.equal(JSON.stringify([lines, later, last]).includes('plantedSecret'), false);
  });

  for (const [title, process] of Object.entries({
    redact: { redact: ['pii'] },
    drop: { drop: [{ name: 'nobody' }] },
    attributes: { attributes: [{ delete: 'password' }] },
  })) {
    it(`P97: with rules of ${title} ${NUMBER}`, async (t) => {
      const receiver = await startReceiver({}, t);
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-lines-'));
      t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
      for (const make of [
        () => new OTLPTraceExporter({ url: receiver.url, process }),
        () => new OTLPTraceExporter({ url: receiver.url, protocol: 'grpc', process, retry: { maxAttempts: 1 } }),
        () => new FileSpanExporter({ directory, process }),
      ]) {
        const lines = await diagLines(async () => {
          const exporter = make();
          await exported(exporter, batch(3, { password: 'plantedSecret' }));
          await exporter.shutdown({ timeoutMillis: 100 });
        });
        const items = lines.filter(([, , text]) => text === 'items to be sent');
        assert.deepEqual(
          items.map((line) => line.at(-1)),
          [3],
        );
        assert.equal(JSON.stringify(lines).includes('plantedSecret'), false);
      }
    });
  }
});
