'use strict';
// Owns clean spans kept for tests, and putting the adapter that keeps them into the exporter of a recorder.
// Refuses to bound what it keeps: a test wants everything.

const { StandIns } = require('../guards/stand_ins.js');
const { SUCCESS } = require('./vocabulary.js');

const standIns = new StandIns('adapter');
let spansOf;

class InMemorySpanAdapter {
  static {
    spansOf = (adapter) => (#spans in adapter ? adapter : standIns.originalOf(adapter)).#spans;
  }

  name = 'in-memory';
  #spans = [];

  constructor() {
    standIns.sign(this);
  }

  collectSpan(span) {
    spansOf(this).push(span);
  }

  getAllSpans() {
    return [...spansOf(this)];
  }

  /** Spans whose instrumentation's name contains `instrumentationName`. */
  getSpansByInstrumentation(instrumentationName) {
    return spansOf(this).filter((span) => span.instrumentationName.includes(instrumentationName));
  }

  /** @param {number} kind as OpenTelemetry numbers it */
  getSpansByKind(kind) {
    return spansOf(this).filter((span) => span.kind === kind);
  }

  clear() {
    spansOf(this).length = 0;
  }

  async exportSpans(spans) {
    spansOf(this).push(...spans);
    return { code: SUCCESS };
  }

  async shutdown() {
    this.clear();
  }
}

let currentExporter = () => undefined;
const registered = [];

/** Says which exporter the functions below act on, for instance `() => TuskDriftCore.getInstance().spanExporter`. */
function setSpanExporterSource(source) {
  currentExporter = source;
}

/** Makes `adapter` the only adapter of the current exporter. */
function registerInMemoryAdapter(adapter) {
  const exporter = currentExporter();
  exporter?.clearAdapters();
  registered.push(adapter);
  exporter?.addAdapter(adapter);
}

function unregisterInMemoryAdapter(adapter) {
  const index = registered.indexOf(adapter);
  if (index === -1) return;
  registered.splice(index, 1);
  currentExporter()?.removeAdapter(adapter);
}

function clearRegisteredInMemoryAdapters() {
  const exporter = currentExporter();
  for (const adapter of registered.splice(0)) exporter?.removeAdapter(adapter);
}

module.exports = {
  clearRegisteredInMemoryAdapters,
  InMemorySpanAdapter,
  registerInMemoryAdapter,
  setSpanExporterSource,
  unregisterInMemoryAdapter,
};
