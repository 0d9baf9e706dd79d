'use strict';
// Owns who sends: Offloop's own stack or a module of Node's.

/**
 * Our own stack, or Node because an option is code or has no counterpart in ours.
 * @param {'native' | 'node' | undefined} wanted by the user
 * @param {string | null} reason why only Node can do it
 */
function chooseTransport(wanted, reason) {
  if (wanted === 'native' && reason !== null) {
    throw new Error(`Configuration: transport 'native' cannot honour ${reason}, use transport 'node'`);
  }
  if (wanted === 'node') return { transport: 'node', reason: reason ?? "transport 'node'" };
  if (reason !== null) return { transport: 'node', reason };
  // A server may ask for what only Node's TLS has; whoever insists on ours gets the error.
  return { transport: 'native', reason: null, mayMoveToNode: wanted !== 'native' };
}

module.exports = { chooseTransport };
