'use strict';
// The road to the optional diagnostic logger: as the stock exporter's with the API, silent or by the API's global without.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { it } = require('node:test');
const { diag: api, DiagLogLevel } = require('@opentelemetry/api');
const { createComponentLogger, diag, exportDelegateLogger } = require('../../js/otel/diag.js');

function recording() {
  const lines = [];
  const logger = {};
  for (const level of ['verbose', 'debug', 'info', 'warn', 'error'])
    logger[level] = (...args) => lines.push([level, ...args]);
  return { lines, logger };
}

it("lines reach the logger as the API's own component logger sends them", () => {
  const { lines, logger } = recording();
  api.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  lines.length = 0;
  const error = new Error('x');
  for (const level of ['verbose', 'debug', 'info', 'warn', 'error']) {
    diag[level]('text', 1, error);
    createComponentLogger('Namespace')[level]('text', 1, error);
    api[level]('text', 1, error);
    api.createComponentLogger({ namespace: 'Namespace' })[level]('text', 1, error);
  }
  exportDelegateLogger.debug('shutdown started');
  const ours = lines.filter((_line, index) => index % 4 < 2);
  const theirs = lines.filter((_line, index) => index % 4 >= 2);
  assert.deepEqual(ours.slice(0, 10), theirs);
  assert.deepEqual(ours[10], ['debug', 'OTLPExportDelegate', 'shutdown started']);
  api.disable();
});

it('the level of the logger counts', () => {
  const { lines, logger } = recording();
  api.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  lines.length = 0;
  diag.info('not this');
  diag.warn('this');
  assert.deepEqual(lines, [['warn', 'this']]);
  api.disable();
});

it('a logger that throws is contained', () => {
  const logger = { warn: () => assert.fail('thrown by the logger') };
  api.setLogger({ ...recording().logger, ...logger }, { suppressOverrideMessage: true });
  assert.equal(diag.warn('text'), undefined);
  api.disable();
});

/** Runs `body` in a process in which the API package cannot be found. */
function withoutApi(body) {
  const program = `
    const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => {
      if (name === '@opentelemetry/api') throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' });
      return resolve(name, ...rest);
    };
    ${body}`;
  return execFileSync(process.execPath, ['-e', program], {
    cwd: path.join(__dirname, '..', '..'),
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

it('without the API package everything works and nothing is printed', () => {
  const printed = withoutApi(`
    const { OTLPTraceExporter } = require('./index.js');
    new OTLPTraceExporter({ metadata: {}, timeoutMillis: 100 });
  `);
  assert.equal(printed, '');
});

it("without the API package beside us the application's logger is found all the same", () => {
  const printed = withoutApi(`
    globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.9.1', diag: { warn: (text) => console.log(text) } };
    new (require('./index.js').OTLPTraceExporter)({ metadata: {} });
  `);
  assert.equal(printed, 'Metadata cannot be set when using http\n');
});
