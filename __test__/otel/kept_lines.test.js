'use strict';
// What is said before the application has set a logger is kept for it, within bounds, and not beyond the first export.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { it } = require('node:test');

const root = path.join(__dirname, '..', '..');

/** Runs `source`; `setLogger()` registers a logger whose lines are printed in the end, `level: text` each. */
function run(source) {
  const program = `
    const lines = [];
    let isSet = false; // the API tells a logger that it comes
    const setLogger = (react = () => {}) => {
      const { diag: api, DiagLogLevel } = require('@opentelemetry/api');
      const logger = {};
      for (const level of ['verbose', 'debug', 'info', 'warn', 'error'])
        logger[level] = (...words) => { lines.push([level + ':', ...words.map((word) => Array.isArray(word) ? 'list' : word)].join(' ')); if (isSet) react(words[0]); };
      api.setLogger(logger, { logLevel: DiagLogLevel.DEBUG, suppressOverrideMessage: true });
      lines.length = 0;
      isSet = true;
    };
    const { diag } = require('./js/otel/diag.js');
    const { BatchSpanProcessor, OTLPTraceExporter } = require('./index.js');
    const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
    const span = new PlainSpans(1).span();
    const config = { url: 'http://127.0.0.1:9/v1/traces', retry: { maxAttempts: 1 }, exit: { drainMillis: 0, blockMillis: 0 } };
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    (async () => { ${source} })().then(() => console.log(JSON.stringify(lines)));`;
  const options = {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' },
  };
  return JSON.parse(execFileSync(process.execPath, ['-e', program], options));
}

const WARNING = "warn: Unknown value 'soon' for OTEL_EXPORTER_OTLP_TIMEOUT, expected a number, using defaults";
const MADE =
  /^debug: Offloop: exporter 1: OTLPTraceExporter, http\/protobuf to http:\/\/127\.0\.0\.1:9\/v1\/traces, transport native$/;

it('L6: a logger that is set after the exporter is made gets what its constructor said, in order, once', () => {
  const lines = run(`new OTLPTraceExporter(config); setLogger(); diag.info('next'); diag.info('last');`);
  assert.deepEqual([lines[0], ...lines.slice(2)], [WARNING, 'info: next', 'info: last']);
  assert.match(lines[1], MADE);
});

it('L6: without any further line it comes when the running code has returned', () => {
  const lines = run(`new OTLPTraceExporter(config); setLogger(); await null; await null;`);
  assert.equal(lines.filter((line) => line === WARNING).length, 1);
});

for (const [way, begin] of Object.entries({
  'export()': 'exporter.export([span], () => {});',
  'exportSpans()': 'exporter.exportSpans([span]);',
  "a processor's first span": 'processor.onEnd(span);',
  'a processor over another exporter':
    'const other = new BatchSpanProcessor({ export: (spans, done) => done({ code: 0 }), async shutdown() {} }); other.onEnd(span); other.forceFlush();',
})) {
  const construct =
    'const exporter = new OTLPTraceExporter(config); const processor = new BatchSpanProcessor(exporter); await turn();';
  it(`L6: a logger that is set later gets it with ${way}`, () => {
    const lines = run(`${construct} setLogger(); ${begin} await turn(); process.exitCode = 0;`);
    assert.equal(lines.filter((line) => line === WARNING).length, 1, lines.join('\n'));
  });

  it(`L6: what was said before a first export without a logger is gone: ${way}`, () => {
    const lines = run(`${construct} ${begin} await turn(); setLogger(); diag.info('next'); await turn();`);
    assert.deepEqual(
      lines.filter((line) => /soon|exporter 1: OTLP/.test(line)),
      [],
    );
    assert.ok(lines.includes('info: next'));
  });
}

it('L6: 64 lines are kept, and how many were not', () => {
  const lines = run(`for (let nth = 0; nth < 100; nth++) diag.warn('warning ' + nth); setLogger(); diag.warn('next');`);
  assert.equal(lines.length, 66);
  assert.deepEqual(
    [lines[63], lines[64], lines[65]],
    ['warn: warning 63', 'warn: Offloop: 36 more lines came before this logger and were not kept', 'warn: next'],
  );
});

it('L6: lines below info, which may hold spans, are not kept', () => {
  assert.deepEqual(run(`diag.debug('items', [span]); diag.verbose('more'); setLogger(); diag.info('next');`), [
    'info: next',
  ]);
});

it('L6: a logger that throws, calls back or goes away costs none of the others', () => {
  const lines = run(`
    for (const text of ['a', 'b', 'c']) diag.warn(text);
    let calls = 0;
    setLogger((text) => {
      calls += 1;
      if (calls === 1) { diag.warn('back'); new OTLPTraceExporter(config); throw new Error('of the logger'); }
    });
    diag.warn('next');`);
  assert.deepEqual(
    lines.filter((line) => /^warn: \w+$/.test(line)),
    ['warn: a', 'warn: back', 'warn: b', 'warn: c', 'warn: next'],
  );
});
