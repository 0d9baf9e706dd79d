'use strict';
// Owns the settings of this process that say which of a name's addresses are tried, in which order and for how long:
// `--dns-result-order`, `--no-network-family-autoselection` and what `dns` and `net` have been told since.

const dns = require('node:dns');
const net = require('node:net');

/** As they are now; a lane keeps what they are when it opens. Without `nextAddressMillis` only the first address is tried. */
function addressSettings() {
  return {
    resultOrder: dns.getDefaultResultOrder(),
    nextAddressMillis: net.getDefaultAutoSelectFamily() ? net.getDefaultAutoSelectFamilyAttemptTimeout() : undefined,
  };
}

module.exports = { addressSettings };
