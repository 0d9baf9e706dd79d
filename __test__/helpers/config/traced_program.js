'use strict';
// A program whose http module is instrumented. Usage: traced_program.js <stock|ours> <origin of a recording server>
// Prints the names of all spans that ended, and whether the user's code inside exports ran with tracing suppressed.

const { AsyncLocalStorage } = require('node:async_hooks');
const { context, ROOT_CONTEXT } = require('@opentelemetry/api');
const { isTracingSuppressed } = require('@opentelemetry/core');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');

class AsyncContextManager {
  storage = new AsyncLocalStorage();
  active() {
    return this.storage.getStore() ?? ROOT_CONTEXT;
  }
  with(active, callback, self, ...args) {
    return this.storage.run(active, () => callback.apply(self, args));
  }
  bind(active, target) {
    return typeof target === 'function' ? (...args) => this.with(active, target, undefined, ...args) : target;
  }
  enable() {
    return this;
  }
  disable() {
    return this;
  }
}

const [, , subject, origin] = process.argv;
context.setGlobalContextManager(new AsyncContextManager());

const spans = [];
const suppressed = [];
const noteSuppression = () => suppressed.push(isTracingSuppressed(context.active()));
const observer = {
  onStart() {},
  onEnd: ({ name }) => spans.push(name),
  forceFlush: async () => {},
  shutdown: async () => {},
};

const instrumentation = new HttpInstrumentation();
const { OURS, STOCK } = require('./subjects.js');
const Exporter = (subject === 'stock' ? STOCK : OURS)['http/json'];
const url = `${origin}/x`;
const provider = new BasicTracerProvider({
  spanProcessors: [
    observer,
    new SimpleSpanProcessor(new Exporter({ url, headers: async () => noteSuppression() && {} })),
    new SimpleSpanProcessor(
      new Exporter({ url, httpAgentOptions: () => noteSuppression() && new (require('node:http').Agent)() }),
    ),
  ],
});
registerInstrumentations({ instrumentations: [instrumentation], tracerProvider: provider });
require('node:http');

provider.getTracer('program').startSpan('work').end();
provider
  .forceFlush()
  .then(() => provider.shutdown())
  .then(() => process.stdout.write(JSON.stringify({ spans, suppressed })));
