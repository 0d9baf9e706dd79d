'use strict';
// Owns `node --import offloop/register app.js` (or --require): a program that uses the stock exporters uses ours, with
// no change of its code. Refuses to do anything when OFFLOOP_REGISTER=off.

if (process.env.OFFLOOP_REGISTER?.trim().toLowerCase() !== 'off') {
  const { hookImport, hookRequire } = require('./register/hooks.js');
  hookRequire();
  hookImport();
}
