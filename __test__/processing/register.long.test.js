'use strict';
// With `offloop/register` and rules in the environment no stock exporter that a program can get hold of sends spans as they are:
// it is ours, or it refuses.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { runNode } = require('../helpers/child.js');
const { startReceiver } = require('../helpers/receiver.js');

const register = path.join(__dirname, '..', '..', 'js', 'entries', 'register.js');
const RULES = { OFFLOOP_PROCESS: '{"redact":["pii"]}' };
const MAIL = 'ada@example.com';
const PACKAGES = { proto: 'platform/node/', http: 'platform/node/', grpc: '' };

/** How a program gets an exporter: what it loads before and after `offloop/register`, and the class. */
const WAYS = {
  'the class of the package': { Class: 'require(name).OTLPTraceExporter', becomes: 'ours' },
  'the constructor of its prototype': {
    Class: 'require(name).OTLPTraceExporter.prototype.constructor',
    becomes: 'refused',
  },
  'a file in the package': { Class: 'require(deep).OTLPTraceExporter', becomes: 'ours' },
  'a file in the package, behind the package': {
    Class: '(require(name), require(deep)).OTLPTraceExporter',
    becomes: 'ours',
  },
  'the constructor of a file in the package': {
    Class: 'require(deep).OTLPTraceExporter.prototype.constructor',
    becomes: 'refused',
  },
  'an object that was there before': {
    before: 'new (require(name).OTLPTraceExporter)({ url })',
    becomes: 'refused',
  },
  'a class that was there before': {
    before: 'require(name).OTLPTraceExporter',
    Class: 'early',
    becomes: 'refused',
  },
  'a class that is asked for again': {
    before: 'require(name).OTLPTraceExporter',
    Class: 'require(name).OTLPTraceExporter',
    becomes: 'ours',
  },
  'a file that is asked for again': {
    before: 'require(deep).OTLPTraceExporter',
    Class: 'require(deep).OTLPTraceExporter',
    becomes: 'ours',
  },
};

let directory;
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-register-'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** What one export by each of the classes says, and the bodies that came. */
async function run({ before: earlier, Class }, kinds, env, receiver) {
  const packages = kinds.map((kind) => {
    const name = require.resolve(`@opentelemetry/exporter-trace-otlp-${kind}`);
    return { kind, name, deep: path.join(path.dirname(name), PACKAGES[kind], 'OTLPTraceExporter.js') };
  });
  const head = `const [packages, url] = ${JSON.stringify([packages, receiver.url])}; globalThis.early ??= {};`;
  const first = path.join(directory, `first_${Math.random().toString(36).slice(2)}.cjs`);
  fs.writeFileSync(first, `${head} for (const { kind, name, deep } of packages) early[kind] = ${earlier ?? null};`);
  const program = `${head}
    const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
    const exporters = packages.map(({ kind, name, deep }) => {
      const early = globalThis.early[kind];
      return ${Class === undefined ? 'early' : `new (${Class})({ url })`};
    });
    const results = exporters.map((exporter) => new Promise((resolve) => {
      const span = new PlainSpans(1).span({ attributes: { mail: '${MAIL}' } });
      exporter.export([span], ({ code, error }) =>
        resolve({ isOurs: typeof exporter.stats === 'function', code, error: error?.code, text: error?.message }));
    }));
    Promise.all(results).then((all) => { console.log(JSON.stringify(all)); process.exit(); });`;
  const { stdout, stderr } = await runNode(['-r', first, '-r', register, '-e', program], {
    env: { ...env, NODE_NO_WARNINGS: '1' },
    limitMillis: 30_000,
  });
  assert.ok(stdout.startsWith('['), stderr);
  return {
    results: JSON.parse(stdout),
    bodies: receiver.requests.splice(0).map(({ body }) => body.toString('latin1')),
  };
}

describe('P126: offloop/register with rules in the environment', { concurrency: 2 }, () => {
  for (const [title, way] of Object.entries(WAYS)) {
    it(title, async (t) => {
      const receiver = await startReceiver({}, t);
      const plain = await run(way, ['proto', 'http'], {}, receiver);
      assert.deepEqual([plain.results.map(({ code }) => code), plain.bodies.length], [[0, 0], 2]);
      for (const body of plain.bodies) assert.ok(body.includes(MAIL), 'without rules the judge sees it');

      // The receiver speaks no gRPC: there it matters only who answers.
      const { results, bodies } = await run(way, ['proto', 'http', 'grpc'], RULES, receiver);
      assert.equal(
        bodies.some((body) => body.includes(MAIL)),
        false,
      );
      if (way.becomes === 'ours') {
        assert.deepEqual(
          results.map(({ isOurs }) => isOurs),
          [true, true, true],
        );
        assert.deepEqual([results[0].code, results[1].code], [0, 0]);
        return;
      }
      for (const { code, error, text } of results) {
        assert.deepEqual([code, error], [1, 'ERR_OFFLOOP_CONFIG']);
        assert.match(text, /^Configuration: OFFLOOP_PROCESS asks for rules, and an object of OTLPTraceExporter of @/);
      }
    });
  }

  it('a program that traces already with what does not show does not start', async () => {
    const first = path.join(directory, 'global.cjs');
    fs.writeFileSync(first, "globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.9.1', trace: {} };");
    const words = ['-r', first, '-r', register, '-e', 'console.log("started")'];
    const plain = await runNode(words, { env: { NODE_NO_WARNINGS: '1' } });
    assert.deepEqual([plain.code, plain.stdout], [0, 'started\n']);
    const ruled = await runNode(words, { env: { ...RULES, NODE_NO_WARNINGS: '1' } });
    assert.deepEqual([ruled.code, ruled.stdout], [1, '']);
    assert.match(ruled.stderr, /Configuration: OFFLOOP_PROCESS asks for rules, and what a tracer provider .* before/);
    assert.match(ruled.stderr, /ERR_OFFLOOP_CONFIG/);
  });

  it('rules in a wrong place make a stock class throw, too', async () => {
    const program = `
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
      const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
      const made = (make) => { try { make(); return 'made'; } catch (error) { return error.code + ' ' + error.message.split(' is ')[0]; } };
      class Own extends OTLPTraceExporter {}
      console.log(JSON.stringify([
        made(() => new OTLPTraceExporter({ redact: ['pii'] })),
        made(() => new OTLPTraceExporter({ proces: { redact: ['pii'] }, queue: 5 })),
        made(() => new Own({ proces: { redact: ['pii'] } })),
        made(() => new Own({ redact: ['mine'] })),
        made(() => new BatchSpanProcessor(new OTLPTraceExporter(), { process: { redact: ['pii'] } })),
        made(() => new BatchSpanProcessor({ export() {}, async shutdown() {} }, { redact: ['pii'] })),
      ]));
      process.exit();`;
    const { stdout } = await runNode(['-r', register, '-e', program]);
    const refused = (name) => `ERR_OFFLOOP_CONFIG Configuration: ${name}`;
    const [redact, proces, process] = ['redact', 'proces', 'process'].map(refused);
    assert.deepEqual(JSON.parse(stdout), [redact, proces, proces, 'made', process, redact]);
  });
});
