'use strict';
// Owns how this exporter names itself to a collector and to a meter provider.
// It refuses to invent a name: receivers filter and count by the one they know.

/** Stock release whose observable behaviour this package reproduces. */
const COMPATIBLE_VERSION = '0.223.1';

const DEFAULT_USER_AGENT = `OTel-OTLP-Exporter-JavaScript/${COMPATIBLE_VERSION}`;

/** Full `User-Agent` value for the option of the same name. */
function buildUserAgent(prefix) {
  return prefix ? `${prefix} ${DEFAULT_USER_AGENT}` : DEFAULT_USER_AGENT;
}

module.exports = { buildUserAgent, COMPATIBLE_VERSION };
