'use strict';
// Owns the table of configurations under which the stock gRPC exporters and ours have to look the same, and what its rows
// share. A scenario is data: what the environment holds, what the user passes, what the server answers.
//
// `env` and `config` get a context: the receiver (`host`, `origin`, `port`; plain text and TLS on one port), `strict` (TLS
// only for clients with a certificate), `stranger` (a certificate that nobody trusts), `socket`, `file(name)`, `pem`, `grpc`
// (the grpc-js of the line). Connections go through a proxy that leads everything to the receiver, so that hosts need not
// exist; `isDirect` is for what must not. `differs` names the difference on purpose (a row of docs/spec/otlp-grpc.md) that
// the scenario shows, and checks both sides of it.

const scenarios = [];

const toReceiver = ({ origin }) => ({ url: origin });

function add(name, scenario) {
  scenarios.push({ name, env: () => ({}), config: toReceiver, ...scenario });
}

const SPECIFIC = 'OTEL_EXPORTER_OTLP_TRACES_';
const GENERIC = 'OTEL_EXPORTER_OTLP_';
const noConfig = () => undefined;

/** Trusts the test's authority by the variable that the specification has for it. */
const trusting = ({ file }) => ({ [`${GENERIC}CERTIFICATE`]: file('ca.pem') });

module.exports = { add, GENERIC, noConfig, scenarios, SPECIFIC, toReceiver, trusting };
