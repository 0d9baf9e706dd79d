'use strict';
// Owns `node --import offloop/register app.js` (or --require): a program that uses the stock exporters uses ours, with
// no change of its code. Refuses to do anything when OFFLOOP_REGISTER=off.

const { isInternalThread } = require('node:worker_threads');

const isOff = process.env.OFFLOOP_REGISTER?.trim().toLowerCase() === 'off';

// The thread of `--experimental-loader` runs what is preloaded too, and Node 22 cannot hook its modules.
if (!isInternalThread) {
  if (isOff) require('../otel/decisions.js').decided('register: off (OFFLOOP_REGISTER=off)');
  else require('../register/start.js').start();
}
