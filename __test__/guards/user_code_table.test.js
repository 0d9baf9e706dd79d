'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');
const { actions } = require('../helpers/user_code_actions.js');
const { hooks } = require('../helpers/user_code_hooks.js');
const { Trial } = require('../helpers/user_code_trial.js');

// Every hook at which code of the application is called, times everything it may do there, times the ways in. Judged by
// what the collector has received and by `stats()`: every span once or counted, every call answered once, nothing thrown
// at the host. OFFLOOP_TEST_LONG=1 takes every value of each misbehaviour, the short form some.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const AT_ONCE = 24;
const only = process.env.OFFLOOP_TEST_TRIAL ?? ''; // a part of the name of a trial
const actionsOf = actions(isLong);
const options = { skip: subjectName === 'stock' && 'a rule of ours' };

let receiver;
let read = 0; // requests
const names = new Map(); // trial -> name -> times
const surprises = [];
const note = (what) => (error) => surprises.push(`${what}: ${text(error)}`);
const listeners = { uncaughtException: note('uncaught exception'), unhandledRejection: note('unhandled rejection') };

function text(error) {
  try {
    return String(error?.stack ?? error);
  } catch {
    return 'something hostile';
  }
}

before(async () => {
  receiver = await startReceiver({ otherwise: ({ target }) => (target === '/refuse' ? 400 : 200) });
  for (const [event, listener] of Object.entries(listeners)) {
    process.removeAllListeners(event); // the test runner's would fail a test, but not say which
    process.on(event, listener);
  }
});

after(() => receiver.close());

function received(trial) {
  for (; read < receiver.requests.length && receiver.requests[read].completedMillis !== null; read += 1) {
    const { body, headers, target } = receiver.requests[read];
    if (target === '/refuse') continue;
    for (const { scopes } of decodeRequest(body, headers['content-type'])) {
      for (const { name } of scopes.flatMap(({ spans }) => spans)) {
        const [id] = name.split('/');
        if (!names.has(id)) names.set(id, new Map());
        names.get(id).set(name, (names.get(id).get(name) ?? 0) + 1);
      }
    }
  }
  return names.get(trial) ?? new Map();
}

let trials = 0;

function trialsOf(hook) {
  const list = [];
  for (const way of hook.ways) {
    for (const [name, action] of actionsOf()) {
      if (action.kind !== 'call' && !hook.asks.includes(action.kind)) continue;
      list.push({ label: `${way}: ${name}`, hook, action, way, id: `trial ${trials++}` });
    }
  }
  return list;
}

for (const [name, hook] of Object.entries(hooks)) {
  test(name, options, async () => {
    const { url, origin } = receiver;
    const collector = { url, refusingUrl: `${origin}/refuse`, received };
    const waiting = trialsOf(hook).filter(({ label }) => `${name}, ${label}`.includes(only));
    const failures = [];
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        try {
          await new Trial(collector, next.id, next).run();
        } catch (error) {
          failures.push(`${next.label}: ${error instanceof assert.AssertionError ? error.message : text(error)}`);
        }
      }
    };
    const workers = hook.install === undefined ? AT_ONCE : 1;
    await Promise.all(Array.from({ length: workers }, worker));
    assert.deepEqual([...failures, ...surprises.splice(0)], []);
  });
}
