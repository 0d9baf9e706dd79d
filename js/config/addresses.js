'use strict';
// Owns the settings of this process that say which of a name's addresses are tried, in which order and for how long:
// `--dns-result-order`, `--no-network-family-autoselection` and what `dns` and `net` have been told since.

const { builtIn } = require('../guards/built_in.js');

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
