'use strict';
// The application's copy of @opentelemetry/api is not ours: older, newer, hidden from us, or of another folder. Tracing is
// suppressed and log lines arrive where the application has registered its context manager and its logger.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { promisify } = require('node:util');
const { startReceiver } = require('../helpers/receiver.js');

const run = promisify(execFile);
const root = path.join(__dirname, '..', '..');

const VERSIONS = ['1.3.0', '1.8.0', '1.9.1', '1.99.0'];

let receiver;
let folder;
before(async () => {
  receiver = await startReceiver();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-api-'));
  for (const version of VERSIONS) makeCopy(version);
});
after(async () => {
  await receiver.close();
  fs.rmSync(folder, { recursive: true });
});

/** Makes a copy of the API that says it is of `version`, and of what the SDK's core needs. */
function makeCopy(version) {
  const place = path.join(folder, version);
  for (const name of ['api', 'core', 'semantic-conventions']) {
    const filter = (file) => !file.endsWith('.map');
    const to = path.join(place, 'node_modules', '@opentelemetry', name);
    fs.cpSync(path.join(root, 'node_modules', '@opentelemetry', name), to, { recursive: true, filter });
  }
  const api = path.join(place, 'node_modules', '@opentelemetry', 'api');
  const { version: real } = require(path.join(api, 'package.json'));
  for (const file of ['build/src/version.js', 'package.json']) {
    const at = path.join(api, file);
    fs.writeFileSync(at, fs.readFileSync(at, 'utf8').replaceAll(real, version));
  }
}

/** Exports in every way in which a request, a call or a line of ours could be seen, and says what was. */
const program = `
  const { AsyncLocalStorage } = require('node:async_hooks');
  const http = require('node:http');
  const Module = require('node:module');
  const [root, place, isHidden, url] = process.argv.slice(1);
  const application = Module.createRequire(require('node:path').join(place, 'app.js'));
  if (isHidden === 'hidden') {
    const real = Module._resolveFilename;
    Module._resolveFilename = function (request, parent, ...rest) {
      const file = parent?.filename ?? '';
      if (request.startsWith('@opentelemetry/api') && file.startsWith(root + require('node:path').sep + 'js'))
        throw Object.assign(new Error('hidden'), { code: 'MODULE_NOT_FOUND' });
      return real.call(this, request, parent, ...rest);
    };
  }
  const { context, diag, DiagLogLevel, ROOT_CONTEXT } = application('@opentelemetry/api');
  const { isTracingSuppressed } = application('@opentelemetry/core');
  const storage = new AsyncLocalStorage();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, callback, self, ...args) => storage.run(active, callback.bind(self), ...args),
    bind: (active, target) => target,
    enable() { return this; },
    disable() { return this; },
  });
  const lines = [];
  const logger = Object.fromEntries(['verbose', 'debug', 'info', 'warn', 'error'].map((level) => [level, (text) => lines.push(text)]));
  diag.setLogger(logger, DiagLogLevel.DEBUG);
  const { BatchSpanProcessor, OTLPTraceExporter } = require(root);
  const { PlainSpans } = require(root + '/__test__/helpers/plain_spans.js');
  const seen = { http: [], headers: [], other: [] };
  const look = (what) => seen[what].push(isTracingSuppressed(context.active()));
  const realRequest = http.request;
  http.request = function (...args) { look('http'); return realRequest.apply(this, args); };
  const spans = new PlainSpans(1);
  (async () => {
    const throughNode = new BatchSpanProcessor(new OTLPTraceExporter({ url, transport: 'node' }));
    const headers = { get 'x-token'() { look('headers'); return 'a'; } };
    const native = new BatchSpanProcessor(new OTLPTraceExporter({ url, headers }));
    const other = new BatchSpanProcessor({ export(_, done) { look('other'); done({ code: 0 }); }, shutdown: async () => {} });
    for (const processor of [throughNode, native, other]) {
      seen.headers.length = 0; // those that the constructor has read
      processor.onEnd(spans.span());
      await processor.forceFlush();
      await processor.shutdown();
    }
    const isOutside = isTracingSuppressed(context.active());
    console.log(JSON.stringify({ ...seen, isOutside, told: lines.includes('shutdown started') || lines.includes('OTLPExportDelegate') }));
  })();
`;

describe('copies of the API', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    for (const isHidden of ['visible', 'hidden']) {
      test(`the application's API is ${version}, ours is ${isHidden}`, async () => {
        const place = path.join(folder, version);
        const args = ['-e', program, root, place, isHidden, receiver.url];
        const { stdout, stderr } = await run(process.execPath, args, { cwd: place });
        const { http, headers, other, isOutside, told } = JSON.parse(stdout);
        const all = { http: new Set(http), other: new Set(other), headers: new Set(headers) };
        const yes = new Set([true]);
        assert.deepEqual(all, { http: yes, other: yes, headers: headers.length > 0 ? yes : new Set() }, stdout);
        assert.deepEqual({ isOutside, told, stderr }, { isOutside: false, told: true, stderr: '' });
      });
    }
  }
});
