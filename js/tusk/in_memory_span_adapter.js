'use strict';
// Owns clean spans kept for tests, and putting the adapter that keeps them into the exporter of a recorder.
// Refuses to bound what it keeps: a test wants everything.

const { SUCCESS } = require('./vocabulary.js');

class InMemorySpanAdapter {
  name = 'in-memory';
  #spans = [];

  collectSpan(span) {
    this.#spans.push(span);
  }

  getAllSpans() {
    return [...this.#spans];
  }

  /** Spans whose instrumentation's name contains `instrumentationName`. */
  getSpansByInstrumentation(instrumentationName) {
    return this.#spans.filter((span) => span.instrumentationName.includes(instrumentationName));
  }

  /** @param {number} kind as OpenTelemetry numbers it */
  getSpansByKind(kind) {
    return this.#spans.filter((span) => span.kind === kind);
  }

  clear() {
    this.#spans = [];
  }

  async exportSpans(spans) {
    this.#spans.push(...spans);
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
