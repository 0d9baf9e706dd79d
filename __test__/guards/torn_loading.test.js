'use strict';
// A call of the application may be cut off where one of ours loads the addon, or right behind one that waits.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { within } = require('../../js/native/deadlines.js');

const root = path.resolve(__dirname, '..', '..');

function run(program) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('half a module that a load has left behind is loaded again', () => {
  const loaded = run(`
    const addon = require.resolve('./addon/index.js');
    require.cache[addon] = Object.assign(new module.constructor(addon), { exports: {}, loaded: false });
    const { OTLPTraceExporter } = require('./index.js');
    console.log(new OTLPTraceExporter().stats().offered);
  `);
  assert.equal(loaded, '0');
});

for (const [name, construct] of Object.entries({
  OTLPTraceExporter: 'new (require("./index.js").OTLPTraceExporter)()',
  EventLoopMonitor: 'new (require("./index.js").EventLoopMonitor)()',
  TdSpanExporter:
    'new (require("./js/entries/tusk.js").TdSpanExporter)({ baseDirectory: require("node:os").tmpdir(), mode: "RECORD" })',
})) {
  test(`the addon is loaded by the constructor of ${name}, and not by a call with spans`, () => {
    const isLoaded = run(`
      ${construct};
      console.log(Object.keys(require.cache).some((file) => file.endsWith('.node')));
    `);
    assert.equal(isLoaded, 'true');
  });
}

test('a deadline that passes after its caller was cut off is no unhandled rejection', async (t) => {
  const unhandled = [];
  const listener = (error) => unhandled.push(error);
  process.on('unhandledRejection', listener);
  t.after(() => process.off('unhandledRejection', listener));
  within(new Promise(() => {}), 1);
  await assert.rejects(within(new Promise(() => {}), 1), { message: 'Timeout' });
  await sleep(5);
  assert.deepEqual(unhandled, []);
});
