'use strict';

/**
 * Where code of the application is called, by name:
 *
 *   ways      'exporter' (its own calls), 'processor' (ours over it), 'queue' (ours over somebody else's exporter)
 *   config(react, trial)      options of the exporter
 *   options(react, trial)     options of the processor
 *   overrides(react, trial)   properties of one span of the batch, the hooked one
 *   list(spans, react)        the list that is exported
 *   callback(react)           what the result callback does besides noting the result
 *   foreign(react)            methods of somebody else's exporter
 *   install(react)            for hooks of the process: returns what takes it back. Such trials run one after the other
 *   costs     what misbehaviour may cost: 'nothing' (default), 'its span' or 'its batch'
 *   asks      which misbehaviour makes sense: values that are data are not awaited, so that a rejection would be nobody's
 *
 * `react(normal)` does what the trial's action says and returns what the hook is to return.
 */

const ALL = ['throw', 'reject', 'rubbish', 'never'];
const DATA = ['throw', 'rubbish', 'never'];

const perSpan = (overrides) => ({ ways: ['exporter', 'processor'], overrides, costs: 'its span', asks: DATA });
const perBatch = (config) => ({ ways: ['exporter', 'processor'], config, costs: 'its batch', asks: ALL });

function getter(target, name, get) {
  return Object.defineProperty(target, name, { get, enumerable: true, configurable: true });
}

/** A meter provider whose instruments call `told(method, value)`, and whose makers call `made(name)`. */
function meterProvider({ told = () => {}, made = (_name, value) => value }) {
  const instrument = {};
  for (const method of ['add', 'record', 'addCallback', 'removeCallback', 'observe']) {
    instrument[method] = (value) => told(method, value);
  }
  const meter = {};
  for (const kind of ['Counter', 'UpDownCounter', 'Histogram', 'ObservableUpDownCounter']) {
    meter[`create${kind}`] = () => made('create', instrument);
  }
  return { getMeter: () => made('getMeter', meter) };
}

const madeBy = (react, which) => (name, value) => (name === which ? react(value) : value);
const when = (react, condition) => (method, value) => (condition(method, value) ? react() : undefined);

const hooks = {
  'headers object: a getter': {
    ...perBatch((react) => ({ headers: getter({ before: 'x' }, 'authorization', () => react('Bearer x')) })),
    asks: DATA,
  },
  'headers object: a list of names': {
    ...perBatch((react) => ({
      headers: new Proxy({ a: 'x' }, { ownKeys: (target) => react(Reflect.ownKeys(target)) }),
      transport: 'native',
    })),
    isQuietAtFirst: true, // the constructor looks at the names, too, and says what is wrong
    asks: DATA,
  },
  'headers function': perBatch((react) => ({ headers: () => react({ authorization: 'Bearer x' }) })),
  'headers function, resolved': perBatch((react) => ({ headers: async () => react({ authorization: 'Bearer x' }) })),
  'headers function: a getter of its answer': {
    ...perBatch((react) => ({ headers: async () => getter({}, 'authorization', () => react('Bearer x')) })),
    asks: DATA,
  },
  'agent factory': perBatch((react) => ({ httpAgentOptions: () => react(new (require('node:http').Agent)()) })),
  'agent: addRequest': {
    ...perBatch((react) => {
      const agent = new (require('node:http').Agent)();
      const { addRequest } = agent;
      agent.addRequest = (...args) => {
        const answer = react('as usual');
        if (answer === 'as usual') Reflect.apply(addRequest, agent, args);
      };
      return { httpAgentOptions: () => agent };
    }),
    asks: ['throw', 'never'],
  },
  'DNS look-up': {
    ...perBatch((react, trial) => ({
      url: trial.url.replace('127.0.0.1', 'localhost'),
      httpAgentOptions: {
        lookup(_name, options, answer) {
          if (react('as usual') !== 'as usual') return;
          if (options.all) answer(null, [{ address: '127.0.0.1', family: 4 }]);
          else answer(null, '127.0.0.1', 4);
        },
      },
    })),
    asks: ['throw', 'never'],
  },
  'meter provider': {
    ways: ['exporter', 'processor'],
    asks: DATA,
    config: (react) => ({ selfObsMeterProvider: meterProvider({ made: madeBy(react, 'getMeter') }) }),
  },
  'meter: an instrument is made': {
    ways: ['exporter', 'processor'],
    asks: DATA,
    config: (react) => ({ selfObsMeterProvider: meterProvider({ made: madeBy(react, 'create') }) }),
  },
  'meter: a batch begins': {
    ways: ['exporter', 'processor'],
    asks: ALL,
    config: (react) => {
      const told = when(react, (method, value) => method === 'add' && value > 0);
      return { selfObsMeterProvider: meterProvider({ told }) };
    },
  },
  'meter: a batch has ended': {
    ways: ['exporter', 'processor'],
    asks: ALL,
    config: (react) => ({
      selfObsMeterProvider: meterProvider({ told: when(react, (_method, value) => value < 0 || value % 1 > 0) }),
    }),
  },
  'meter of the processor: made': {
    ways: ['processor', 'queue'],
    asks: DATA,
    options: (react) => ({ selfObsMeterProvider: meterProvider({ made: madeBy(react, 'create') }) }),
  },
  'meter of the processor: told': {
    ways: ['processor', 'queue'],
    asks: ALL,
    options: (react) => ({ selfObsMeterProvider: meterProvider({ told: () => react() }) }),
  },
  onError: {
    ways: ['exporter', 'processor'],
    asks: ALL,
    costs: 'refused',
    config: (react, trial) => ({ url: trial.refusingUrl, onError: () => react() }),
  },
  'result callback': { ways: ['exporter'], asks: ALL, callback: (react) => react() },
  'list: an element': {
    ways: ['exporter'],
    asks: DATA,
    costs: 'its span',
    list: (spans, react) => {
      const second = spans[1];
      return Object.defineProperty([...spans], 1, { get: () => react(second) });
    },
  },
  'list: a Proxy': {
    ways: ['exporter'],
    asks: DATA,
    costs: 'its span',
    list: (spans, react) => new Proxy(spans, { get: (list, key) => (key === '1' ? react(list[1]) : list[key]) }),
  },
  'list: its length': {
    ways: ['exporter'],
    asks: DATA,
    costs: 'its batch',
    isRefusedWhole: true,
    list: (spans, react) =>
      new Proxy(spans, { get: (list, key) => (key === 'length' ? react(list.length) : list[key]) }),
  },
  'span: an attribute': {
    ...perSpan((react) => ({ attributes: getter({ before: 1 }, 'hooked', () => react('x')) })),
    costs: 'nothing', // it is left out
  },
  'span: the names of its attributes': perSpan((react) => ({
    attributes: new Proxy({ a: 1 }, { ownKeys: (target) => react(Reflect.ownKeys(target)) }),
  })),
  'span: its context': {
    ...perSpan((react, trial) => {
      const context = trial.context();
      return { spanContext: () => react(context) };
    }),
    isSampledToo: true, // what has no flags is not sampled, and no business of the processor
  },
  'span: trace state': perSpan((react, trial) => {
    const context = trial.context({ traceState: { serialize: () => react('a=b') } });
    return { spanContext: () => context };
  }),
  'span: its resource': perSpan((react, trial) => getter({}, 'resource', () => react(trial.resource))),
  'span: attributes of its resource': perSpan((react) => ({
    resource: getter({}, 'attributes', () => react({ 'service.name': 'x' })),
  })),
  'span: its scope': perSpan((react) => getter({}, 'instrumentationScope', () => react({ name: 'scope' }))),
  'span: an event': perSpan((react) => ({
    events: Object.defineProperty([1], 0, { get: () => react({ name: 'e', time: [1, 1] }) }),
  })),
  'span: a link': perSpan((react, trial) => ({ links: [getter({}, 'context', () => react(trial.context()))] })),
  'span: its status': perSpan((react) => getter({}, 'status', () => react({ code: 0 }))),
  'span: its start': perSpan((react) => ({ startTime: getter([0, 1], 0, () => react(1_700_000_000)) })),
  'resource: whether it is complete': {
    ways: ['processor', 'queue'],
    asks: DATA,
    overrides: (react) => ({ resource: getter({ attributes: {} }, 'asyncAttributesPending', () => react(false)) }),
  },
  'resource: what it waits for': {
    ways: ['processor', 'queue'],
    asks: ALL,
    costsInQueue: 'its batch', // as in the SDK
    overrides: (react) => ({
      resource: {
        attributes: {},
        asyncAttributesPending: true,
        waitForAsyncAttributes: () => react(Promise.resolve()),
      },
    }),
  },
  "somebody else's exporter: export": {
    ways: ['queue'],
    asks: ALL,
    foreign: (react) => ({
      export(spans, callback) {
        this.take(spans);
        const answer = react('as usual');
        if (answer === 'as usual') callback({ code: 0 });
        return answer;
      },
    }),
    costs: 'refused',
  },
  "somebody else's exporter: its result": {
    ways: ['queue'],
    asks: DATA,
    costs: 'refused',
    foreign: (react) => ({
      export(spans, callback) {
        this.take(spans);
        setImmediate(() => {
          let result;
          try {
            result = react({ code: 0 });
          } catch (error) {
            result = { code: 1, error };
          }
          callback(result);
          callback(result);
        });
      },
    }),
  },
  "somebody else's exporter: forceFlush": {
    ways: ['queue'],
    asks: ALL,
    foreign: (react) => ({ forceFlush: () => react(Promise.resolve()) }),
  },
  "somebody else's exporter: shutdown": {
    ways: ['queue'],
    asks: ALL,
    foreign: (react) => ({ shutdown: () => react(Promise.resolve()) }),
  },
  logger: {
    ways: ['exporter', 'processor', 'queue'],
    asks: ALL,
    install(react) {
      const { diag, DiagLogLevel } = require('@opentelemetry/api');
      const logger = {};
      for (const level of ['verbose', 'debug', 'info', 'warn', 'error']) logger[level] = () => react();
      diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
      return () => diag.disable();
    },
  },
  'global error handler': {
    isUnflushed: true, // it hears of what nobody waits for
    ways: ['processor', 'queue'],
    asks: DATA, // the SDK's own copy keeps what the handler answers
    costs: 'refused',
    config: (_react, trial) => ({ url: trial.refusingUrl }),
    foreign: () => ({
      export(spans, callback) {
        this.take(spans);
        callback({ code: 1, error: new Error('refused') });
      },
    }),
    install(react) {
      const { loggingErrorHandler, setGlobalErrorHandler } = require('@opentelemetry/core');
      setGlobalErrorHandler(() => react());
      return () => setGlobalErrorHandler(loggingErrorHandler());
    },
  },
  'context manager: with': {
    ways: ['processor', 'queue'],
    asks: ALL,
    install: (react) =>
      contextManager({
        with(_context, callback, self, ...args) {
          const answer = react('as usual');
          return answer === 'as usual' ? Reflect.apply(callback, self, args) : answer;
        },
      }),
  },
  'context manager: with, behind the call': {
    ways: ['processor', 'queue'],
    asks: ALL,
    install: (react) =>
      contextManager({
        with(_context, callback, self, ...args) {
          Reflect.apply(callback, self, args);
          Reflect.apply(callback, self, args);
          return react();
        },
      }),
  },
  'context manager: active': {
    ways: ['processor', 'queue'],
    asks: DATA,
    install: (react) => contextManager({ active: () => react(require('@opentelemetry/api').ROOT_CONTEXT) }),
  },
};

function contextManager(methods) {
  const { context, ROOT_CONTEXT } = require('@opentelemetry/api');
  const manager = {
    active: () => ROOT_CONTEXT,
    with: (_context, callback, self, ...args) => Reflect.apply(callback, self, args),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
    ...methods,
  };
  context.setGlobalContextManager(manager);
  return () => context.disable();
}

module.exports = { hooks };
