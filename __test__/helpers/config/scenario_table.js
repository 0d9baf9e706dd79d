'use strict';
// Owns the table of configurations under which the stock exporter and ours have to look the same, and what its rows share.
// A scenario is data: what the environment holds, what the user passes, what the server answers.
//
// `env` and `config` get a context: `origin` and `port` of a recording server, `dir` with files, `socket` of another
// server. Where nothing leads to that server, `elsewhere` is set: the configuration is compared, no export is made.
// `retried` marks rows in which a retry may or may not fit into the time.

const scenarios = [];

function add(name, scenario) {
  scenarios.push({ name, env: () => ({}), config: (context) => ({ url: `${context.origin}/v1/traces` }), ...scenario });
}

/** In every credential of the table; it must never show in a log line or an error. */
const SECRET = 'plantedSecret';

const SPECIFIC = 'OTEL_EXPORTER_OTLP_TRACES_';
const GENERIC = 'OTEL_EXPORTER_OTLP_';
const toServer = (context) => ({ [`${GENERIC}ENDPOINT`]: context.origin });
const noConfig = () => undefined;

module.exports = { add, GENERIC, noConfig, scenarios, SECRET, SPECIFIC, toServer };
