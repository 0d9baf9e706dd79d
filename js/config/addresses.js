'use strict';
// Owns the settings of this process that say which of a name's addresses are tried, in which order and for how long:
// `--dns-result-order`, `--no-network-family-autoselection` and what `dns` and `net` have been told since.

const Module = require('node:module');

/**
 * A module of Node's, past `require` and `process.getBuiltinModule`: instrumentations patch a module when somebody first asks
 * for it there, and a program that never asks for `dns` would make spans that it does not make with the stock exporter.
 */
function builtIn(name) {
  try {
    return Module._load(name, module, false);
  } catch {
    return require(name); // a runtime, or a test runner, with a loader of its own
  }
}

// Now, and not in a call of the application: the resolver that Node makes with it would hold the context of that call.
builtIn('node:dns');

/** As they are now; a lane keeps what they are when it opens. Without `nextAddressMillis` only the first address is tried. */
function addressSettings() {
  const dns = builtIn('node:dns');
  const net = builtIn('node:net');
  return {
    resultOrder: dns.getDefaultResultOrder(),
    nextAddressMillis: net.getDefaultAutoSelectFamily() ? net.getDefaultAutoSelectFamilyAttemptTimeout() : undefined,
  };
}

module.exports = { addressSettings };
