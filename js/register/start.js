'use strict';
// Owns beginning `offloop/register` in this thread: once, whatever copy of this module asks for it.
// Refuses to know how modules are loaded; that is hooks.js.

const { configured } = require('../config/options/read.js');
const { refuseMisspeltRules, tellUnknownVariables } = require('../config/own_variables.js');
const { OWN } = require('../exporter/copies.js');
const { decided } = require('../otel/decisions.js');
const { hookImport, hookRequire, loadedPackages, replaceLoaded } = require('./hooks.js');
const { refuseUnseen } = require('./rules.js');
const { hasSeenPackage, SENDERS } = require('./substitutes.js');

const KEY = Symbol.for('offloop.register.1');

/** @throws {Error} where a variable looks like rules that nobody reads */
function start() {
  configured(refuseMisspeltRules);
  const first = process[KEY];
  if (first !== undefined) {
    if (first.place !== OWN.place) require('./lateness.js').tellTwice(first, OWN);
    return;
  }
  Object.defineProperty(process, KEY, { value: OWN });
  tellUnknownVariables();
  hookRequire();
  const isComplete = hookImport();
  decided(isComplete ? 'register: on' : 'register: on, for require only: this Node.js has no module.registerHooks');
  const names = loadedPackages();
  require('./lateness.js').tellIfLate(names);
  replaceLoaded();
  if (!names.some((name) => SENDERS.includes(name))) refuseUnseen();
  if (process.env.OFFLOOP_LOG !== undefined) require('./lateness.js').watchForNothing(hasSeenPackage);
}

module.exports = { start };
