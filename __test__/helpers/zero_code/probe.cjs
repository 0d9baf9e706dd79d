'use strict';
// Preloaded into a program that is watched, over the channel that `fork` opens: flushes its tracer provider and tells which
// span processors and exporters hang on it, by the files that their classes come from. The inspector sees private fields too.
// Refuses to load anything of OpenTelemetry or of ours: what is asked is what the program itself has loaded.

const inspector = require('node:inspector');
const { BlockList, isIP, Socket } = require('node:net');

const API_GLOBAL = Symbol.for('opentelemetry.js.api.1');
const LOOKUP = Symbol.for('offloop.test.probe');
const HERE = `globalThis[Symbol.for('offloop.test.probe')]`;
const DEPTHS = { provider: 3, processor: 5, exporter: 2 };
const MOST_OBJECTS = 3000;

stayOnLoopback();

process.on('message', async (message) => {
  if (message === 'end') {
    process.disconnect();
    return;
  }
  try {
    const provider = providerOf(globalThis[API_GLOBAL]?.trace);
    await provider?.forceFlush?.();
    process.send({ instances: provider === undefined ? [] : instancesOf(provider) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});

/** Distributions ask the metadata services of clouds; here nobody answers at once, instead of after a time-out. */
function stayOnLoopback() {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8);
  loopback.addAddress('::1', 'ipv6');
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (...args) {
    const [options] = Array.isArray(args[0]) ? args[0] : args;
    const host = Object(options).host ?? (typeof args[1] === 'string' ? args[1] : undefined);
    const isLocal = !host || host === 'localhost' || loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
    if (isLocal) return connect.apply(this, args);
    const error = Object.assign(new Error(`${host} is out of reach in a test`), { code: 'EHOSTUNREACH' });
    process.nextTick(() => this.destroy(error));
    return this;
  };
}

/** Behind the stand-ins: the API hands one out, and a distribution may have one of its own. */
function providerOf(registered) {
  let provider = registered;
  while (typeof provider?.getDelegate === 'function') provider = provider.getDelegate();
  return provider;
}

function instancesOf(provider) {
  const session = new inspector.Session();
  session.connect();
  try {
    return new Walk(session).from(provider);
  } finally {
    session.disconnect();
    delete globalThis[LOOKUP];
  }
}

class Walk {
  #session;
  #urls = new Map(); // of scripts
  #seen = new WeakSet();
  #left = MOST_OBJECTS;
  #found = [];

  constructor(session) {
    this.#session = session;
    session.on('Debugger.scriptParsed', ({ params }) => this.#urls.set(params.scriptId, params.url));
    this.#post('Debugger.enable');
  }

  from(provider) {
    globalThis[LOOKUP] = { provider, look: (object) => this.#look(object) };
    const { result } = this.#post('Runtime.evaluate', { expression: `${HERE}.provider` });
    this.#visit(result.objectId, DEPTHS.provider);
    return this.#found;
  }

  #visit(objectId, depth) {
    const text = this.#call(objectId, `function () { return ${HERE}.look(this); }`).value;
    if (text === undefined) return;
    const { kind, name, stats } = JSON.parse(text);
    if (kind !== undefined) this.#found.push({ kind, name, file: this.#fileOf(objectId), ...(stats && { stats }) });
    const further = DEPTHS[kind] ?? depth;
    if (further === 0) return;
    const { result, privateProperties = [] } = this.#post('Runtime.getProperties', { objectId, ownProperties: true });
    for (const { value, name: key } of [...result, ...privateProperties])
      if (value?.type === 'object' && value.objectId !== undefined && key !== '__proto__')
        this.#visit(value.objectId, further - 1);
  }

  /** What `object` is, as JSON; undefined where it has been seen. */
  #look(object) {
    if (this.#seen.has(object) || this.#left-- <= 0) return undefined;
    this.#seen.add(object);
    const has = (...methods) => methods.every((method) => typeof object[method] === 'function');
    try {
      const isPrototype = Object.hasOwn(object, 'constructor');
      const isProcessor = !isPrototype && has('onStart', 'onEnd', 'forceFlush');
      const isExporter = !isPrototype && has('export', 'shutdown');
      const kind = isProcessor ? 'processor' : isExporter ? 'exporter' : undefined;
      const stats = kind === 'exporter' && has('stats') ? { delivered: object.stats().delivered } : undefined;
      return JSON.stringify({ kind, name: object.constructor?.name, stats });
    } catch {
      return '{}';
    }
  }

  /** Where the class of an object was written: a package and a path in it, or a path. */
  #fileOf(objectId) {
    const found = this.#call(objectId, 'function () { return this.constructor; }', false);
    const { internalProperties = [] } = this.#post('Runtime.getProperties', { objectId: found.objectId });
    const location = internalProperties.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value;
    const url = this.#urls.get(location?.scriptId) ?? '';
    return decodeURI(url.replaceAll('\\', '/').split('/node_modules/').at(-1));
  }

  #call(objectId, functionDeclaration, returnByValue = true) {
    return this.#post('Runtime.callFunctionOn', { objectId, functionDeclaration, returnByValue }).result;
  }

  #post(method, params) {
    let answer;
    this.#session.post(method, params, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}
