'use strict';

const { hostileThrowables, revokedProxy, thrower } = require('./bad_values.js');

/** What code of the application may do when it is called: calls back into the exporter, or misbehaves. */

/** Calls that come back, each on a trial (user_code_trial.js). They are made once, now or in a later turn. */
const calls = {
  'end a span': (trial) => trial.end(trial.span('acted')),
  export: (trial) => {
    trial.export([trial.span('acted'), trial.span('acted')]);
    trial.exportSpans([trial.span('acted')]);
  },
  forceFlush: (trial) => trial.flush(),
  shutdown: (trial) => trial.shutdown(),
};

const times = {
  now: (work) => work(),
  'in a microtask': (work) => queueMicrotask(work),
  later: (work) => setImmediate(work),
};

/** What a hook may answer instead of what it should. Values made anew each time. */
const rubbish = {
  undefined: () => undefined,
  null: () => null,
  symbol: () => Symbol('rubbish'),
  bigint: () => 10n,
  nan: () => Number.NaN,
  'revoked proxy': () => revokedProxy(),
  'revoked function': () => revokedProxy(() => {}),
  'hostile object': () => ({ toString: thrower, valueOf: thrower, [Symbol.toPrimitive]: thrower }),
  'hostile getters': () =>
    new Proxy(
      {},
      {
        get: thrower,
        ownKeys: thrower,
        has: thrower,
      },
    ),
  'empty object': () => ({}),
  'list of nothing': () => [null, Symbol('x'), 1n],
};

const thenable = (then) => ({ then });

const never = {
  promise: () => new Promise(() => {}),
  thenable: () => thenable(() => {}),
  'thenable that throws': () => thenable(thrower),
  'thenable that answers twice': () =>
    thenable((resolve, reject) => {
      resolve(1);
      reject(new Error('late'));
      resolve(2);
    }),
};

const throwables = {
  error: new Error('thrown by user code'),
  'error with a hostile message': Object.defineProperty(new Error('x'), 'message', { get: thrower }),
  'error with a hostile code': Object.defineProperty(new Error('x'), 'code', { get: thrower }),
  ...hostileThrowables,
};

/** A recursion of the application's that does not end. */
function recurse() {
  return 1 + recurse();
}

function raise(value) {
  throw value;
}

/**
 * Every action by name: `{ kind, react(trial) }`. `kind` is `call` (the hook answers as it should), `throw`, `reject` (a
 * promise that rejects), `rubbish` or `never`. The short form has some of the values of each misbehaviour, others each time
 * it is asked.
 */
function actions(isLong) {
  const table = {};
  for (const [call, make] of Object.entries(calls)) {
    for (const [time, at] of Object.entries(times)) {
      if (time === 'in a microtask' && !isLong) continue;
      table[`${call}, ${time}`] = { kind: 'call', call, react: (trial) => at(() => make(trial)) };
    }
  }
  const add = (kind, values, react) => {
    for (const [name, value] of Object.entries(values)) table[`${kind} ${name}`] = { kind, react: () => react(value) };
  };
  add('throw', throwables, raise);
  table['throw: out of stack'] = { kind: 'throw', react: recurse };
  add('reject', throwables, (value) => Promise.reject(value));
  add('rubbish', rubbish, (make) => make());
  add('never', never, (make) => make());
  return isLong ? () => Object.entries(table) : sampler(table);
}

/** All calls and two of each misbehaviour; the next two when it is asked again, so that the hooks share them. */
function sampler(table) {
  const entries = Object.entries(table);
  const kinds = ['throw', 'reject', 'rubbish', 'never'];
  let turn = 0;
  return () => {
    turn += 1;
    const sample = entries.filter(([, { kind }]) => kind === 'call');
    for (const kind of kinds) {
      const all = entries.filter(([, action]) => action.kind === kind);
      for (let nth = 0; nth < 2; nth += 1) sample.push(all[(2 * turn + nth) % all.length]);
    }
    return sample;
  };
}

module.exports = { actions };
