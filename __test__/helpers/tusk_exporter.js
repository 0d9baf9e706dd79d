'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { TdSpanExporter, ApiSpanAdapter, FilesystemSpanAdapter } = require('../../js/entries/tusk.js');
const { startReceiver } = require('./receiver.js');
const { SUCCESS_RESPONSE } = require('./drift_request.js');

const API_KEY = 'test-api-key';

/** A set of blocked traces of one test's own. */
class BlockedTraces extends Set {
  isTraceBlocked(traceId) {
    return this.has(traceId);
  }

  blockTrace(traceId) {
    this.add(traceId);
  }
}

// An adapter whose `exportSpans` is not ours gets objects made on this thread.
class FileObjects extends FilesystemSpanAdapter {
  exportSpans(spans) {
    return super.exportSpans(spans);
  }
}

class ApiObjects extends ApiSpanAdapter {
  exportSpans(spans) {
    return super.exportSpans(spans);
  }
}

function temporaryDirectory(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-tusk-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An exporter that writes to `directory`, natively or from objects; closed after the test. */
function fileExporter(t, { way = 'native', directory, ...config }) {
  return exporterWith(t, FileObjects, way, { mode: 'RECORD', baseDirectory: directory, ...config });
}

/** An exporter that posts to `receiver`. */
function apiExporter(t, { way = 'native', receiver, ...config }) {
  return exporterWith(t, ApiObjects, way, {
    mode: 'RECORD',
    baseDirectory: '/nowhere',
    useRemoteExport: true,
    apiKey: API_KEY,
    observableServiceId: 'svc-1',
    tuskBackendBaseUrl: receiver.origin,
    sdkVersion: '0.0.1',
    sdkInstanceId: 'sdk-inst-1',
    exportTimeoutMillis: 30000,
    ...config,
  });
}

function exporterWith(t, ObjectAdapter, way, config) {
  const full = { traceBlockingManager: new BlockedTraces(), ...config };
  const exporter = new TdSpanExporter(full);
  if (way === 'objects') {
    exporter.clearAdapters();
    exporter.addAdapter(new ObjectAdapter(full));
  }
  t.after(() => exporter.shutdown());
  return exporter;
}

/** A receiver that takes everything unless a script says otherwise. */
function apiReceiver(t, options) {
  return startReceiver({ otherwise: { body: SUCCESS_RESPONSE }, ...options }, t);
}

function exported(exporter, spans) {
  return new Promise((resolve) => exporter.export(spans, resolve));
}

/** Lines by trace id; every file has the name and the form that readers expect. */
function readTraceFiles(directory) {
  const lines = {};
  for (const name of fs.readdirSync(directory).sort()) {
    const match = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z_trace_([0-9a-f]{32})\.jsonl$/.exec(name);
    if (match === null) throw new Error(`unexpected file ${name}`);
    const text = fs.readFileSync(path.join(directory, name), 'utf8');
    if (!text.endsWith('\n')) throw new Error(`${name} ends within a line`);
    lines[match[1]] = [...(lines[match[1]] ?? []), ...text.slice(0, -1).split('\n')];
  }
  return lines;
}

let nextId = 0;

/** A span as the recorder ends it, in the shape of SDK 1.x. */
function recordedSpan({ traceId, attributes, ...overrides } = {}) {
  nextId += 1;
  const context = {
    traceId: traceId ?? nextId.toString(16).padStart(32, '0'),
    spanId: nextId.toString(16).padStart(16, '0'),
    traceFlags: 1,
  };
  return {
    name: 'pg.query',
    kind: 2,
    spanContext: () => context,
    startTime: [1_735_702_074, 140_899_550],
    endTime: [1_735_702_075, 0],
    duration: [0, 859_100_450],
    status: { code: 1 },
    attributes: { 'td.name': 'pg.query', 'td.inputValue': '{"a":1}', 'td.outputValue': '{}', ...attributes },
    instrumentationLibrary: { name: 'tusk-drift-sdk', version: '0.0.0' },
    ...overrides,
  };
}

module.exports = {
  API_KEY,
  apiExporter,
  apiReceiver,
  BlockedTraces,
  exported,
  fileExporter,
  readTraceFiles,
  recordedSpan,
  temporaryDirectory,
};
