'use strict';
// Owns how this exporter names itself to a collector and to a meter provider.
// It refuses to invent a name unasked: receivers filter and count by the one they know.

const { version } = require('../../package.json');

/** Stock release whose observable behaviour this package reproduces. */
const COMPATIBLE_VERSION = '0.223.1';

const DEFAULT_USER_AGENT = `OTel-OTLP-Exporter-JavaScript/${COMPATIBLE_VERSION}`;

/** Full `User-Agent` value for the option of the same name: `true` asks for this package's own name in front. */
function buildUserAgent(option) {
  if (!option) return DEFAULT_USER_AGENT;
  return `${option === true ? `offloop/${version}` : option} ${DEFAULT_USER_AGENT}`;
}

module.exports = { buildUserAgent, COMPATIBLE_VERSION };
