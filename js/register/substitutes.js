'use strict';
// Owns the classes that take the place of the stock ones: constructed directly they are ours, extended they are the stock
// ones. Refuses to replace where ours cannot do it: other exporters, platforms without the addon.

const { decidedOnce } = require('../otel/decisions.js');
const { diag } = require('../otel/diag.js');
const { loadBinding } = require('../native/binding.js');
const { Patches } = require('./patches.js');
const { watchFor } = require('./automatic_monitor.js');
const { HELPERS } = require('./grpc_helpers.js');
const { refuseStockExporter, refuseStockProcessor, refuseExport } = require('./rules.js');
const { contained, ignore } = require('../guards/user_code.js');
const { nameOf } = require('../exporter/exporter_lines.js');

const exporterFrom = (load) => ({
  construct(args, patches) {
    const exporter = patches.construct(load().OTLPTraceExporter, args);
    watchFor(exporter);
    return exporter;
  },
  load,
  methods: ['export', 'forceFlush', 'shutdown'],
  refuse: refuseStockExporter,
  sends: true,
});
const proto = exporterFrom(() => require('../entries/otlp_proto.js'));
const json = exporterFrom(() => require('../entries/otlp_http.js'));
const grpc = exporterFrom(() => require('../entries/otlp_grpc.js'));

const processor = {
  load: () => require('../processor/batch_span_processor.js'),
  construct(args, patches) {
    const made = patches.construct(processor.load().BatchSpanProcessor, args);
    // Distributions put an exporter of their own around the one that they find in this field of the stock class.
    Object.defineProperty(made, '_exporter', {
      configurable: true,
      enumerable: true,
      get: () => processor.load().exporterOf(made),
      set: (exporter) => processor.load().replaceExporter(made, exporter),
    });
    return made;
  },
  /** The SDK's own serves any other exporter best. */
  obstacle(args) {
    const exporter = typeof args[0]?.export === 'function' ? args[0] : args[0]?.exporter;
    const obstacle = require('../exporter/lane_exporter.js').obstacleToCapture(exporter);
    return obstacle && `${obstacle} (${nameOf(exporter)})`;
  },
  methods: ['onStart', 'onEnd', 'forceFlush', 'shutdown'],
  refuse: refuseStockProcessor,
};

const helpers = Object.fromEntries(Object.entries(HELPERS).map(([name, wrap]) => [name, { wrap }]));

/** Package -> export -> what takes its place: of a class, or of a function. */
const SUBSTITUTES = {
  '@opentelemetry/exporter-trace-otlp-proto': { OTLPTraceExporter: proto },
  '@opentelemetry/exporter-trace-otlp-http': { OTLPTraceExporter: json },
  '@opentelemetry/exporter-trace-otlp-grpc': { OTLPTraceExporter: grpc },
  // The declarative configuration of the SDK makes the options of the exporter by these.
  '@opentelemetry/otlp-grpc-exporter-base': helpers,
  '@opentelemetry/sdk-trace': { BatchSpanProcessor: processor },
  '@opentelemetry/sdk-trace-base': { BatchSpanProcessor: processor },
  '@opentelemetry/sdk-trace-node': { BatchSpanProcessor: processor },
};

const isSender = (exported) => Object.values(exported).some(({ sends }) => sends);
/** Packages whose classes send. */
const SENDERS = Object.keys(SUBSTITUTES).filter((name) => isSender(SUBSTITUTES[name]));

const substitutes = new WeakMap(); // stock class or function -> substitute
const exportsOf = new WeakMap(); // stock exports -> exports with substitutes
let isSeen = false;

/**
 * The exports of package `name`, or of a file in it, with our classes in the place of the stock ones; the same object each time.
 * @param {boolean} [isPart] of a file that the package itself loads, too
 */
function substituteExports(name, original, isPart = false) {
  if (typeof original !== 'object' || original === null) return original;
  const known = exportsOf.get(original);
  if (known !== undefined) return known;
  isSeen = true;
  if (!isPart) diag.debug(`Offloop: register: ${name} is loaded`);
  const exports = Object.create(Object.getPrototypeOf(original));
  for (const key of Reflect.ownKeys(original)) {
    const { enumerable } = Object.getOwnPropertyDescriptor(original, key);
    const substitute = SUBSTITUTES[name][key];
    const get = substitute === undefined ? () => original[key] : () => substituteOf(name, original[key], substitute);
    Object.defineProperty(exports, key, { enumerable, configurable: true, get });
  }
  exportsOf.set(original, exports);
  exportsOf.set(exports, exports);
  return exports;
}

function substituteOf(name, original, substitute) {
  return substitute.wrap === undefined
    ? substituteClass(name, original, substitute)
    : substituteFunction(original, substitute.wrap);
}

function substituteFunction(original, wrap) {
  if (typeof original !== 'function') return original;
  const known = substitutes.get(original);
  if (known !== undefined) return known;
  const ours = wrap(original);
  const substitute = (...args) => (hasBinding() ? ours(...args) : original(...args));
  Object.defineProperty(substitute, 'name', { value: original.name });
  substitutes.set(original, substitute);
  substitutes.set(substitute, substitute);
  return substitute;
}

function substituteClass(name, stock, { construct, load, methods, obstacle, refuse, sends }) {
  if (typeof stock !== 'function') return stock;
  const known = substitutes.get(stock);
  if (known !== undefined) return known;
  const which = `${stock.name} of ${name}`;
  const patches = new Patches(stock, methods, sends ? refuseExport(which) : undefined);
  const substitute = new Proxy(stock, {
    construct(target, args, newTarget) {
      // A subclass counts on what it extends.
      const ours =
        newTarget === substitute
          ? constructed(which, () => construct(args, patches), { patches, obstacle: () => obstacle?.(args) })
          : extended(which, newTarget);
      if (ours === null && !isOfPackage(newTarget, substitute)) refuse(which, args, newTarget === substitute);
      return ours ?? Reflect.construct(target, args, newTarget === substitute ? target : newTarget);
    },
    get(target, key, receiver) {
      // A subclass inherits the question, and has instances of its own only.
      if (key !== Symbol.hasInstance || receiver !== substitute) return Reflect.get(target, key, receiver);
      return (value) => value instanceof target || value instanceof load()[stock.name];
    },
  });
  Patches.noteSubstitute(substitute);
  substitutes.set(stock, substitute);
  substitutes.set(substitute, substitute); // packages export each other's classes
  return substitute;
}

/** Packages extend each other's classes. */
function isOfPackage(newTarget, substitute) {
  return newTarget !== substitute && substitutes.has(newTarget);
}

/** Null where ours cannot serve: no addon, a patch, options that only the stock class takes. The program did not ask for ours. */
function constructed(which, construct, { patches, obstacle }) {
  try {
    loadBinding();
    const { unknown } = patches;
    if (unknown !== undefined) throw new Error(`'${String(unknown)}' of it was patched`);
    const reason = obstacle();
    if (reason != null) return stays(which, reason);
    const ours = construct();
    decidedOnce(`register: ${which} is replaced`);
    return ours;
  } catch (error) {
    const text = contained(ignore, () => String(error.message).replace(/^offloop: /, ''));
    return stays(which, text ?? 'ours could not be made', 'warn');
  }
}

/** Null. */
function stays(which, why, level) {
  decidedOnce(`register: ${which} stays the stock class: ${why}`, level);
  return null;
}

/** Null. Packages extend each other's classes; the program did that only if it has a class of its own. */
function extended(which, newTarget) {
  if (substitutes.has(newTarget)) return null;
  const name = contained(ignore, () => newTarget.name);
  return stays(which, `${typeof name === 'string' && name !== '' ? name : 'a class'} extends it`);
}

function hasBinding() {
  try {
    loadBinding();
    return true;
  } catch (error) {
    decidedOnce(`register: functions stay the stock ones: ${error.message.replace(/^offloop: /, '')}`, 'warn');
    return false;
  }
}

/** Whether any package has come by that has something to replace. */
function hasSeenPackage() {
  return isSeen;
}

module.exports = { hasSeenPackage, SENDERS, substituteExports, SUBSTITUTES };
