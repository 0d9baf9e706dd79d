'use strict';
// Owns the options of `offloop doctor` and its help.

const { parseWords, UsageError } = require('../command/words.js');
const { PROTOCOLS } = require('./variables.js');

const DEFAULT_TIMEOUT_MILLIS = 5000;
const MOST_MILLIS = 600_000;

const USAGE = `Usage: offloop doctor [options]

Says what is wrong with the installation, the configuration that the environment
gives, and the endpoint, and what helps. Exit code: 0 healthy, 1 not.

  --endpoint <url>      in place of OTEL_EXPORTER_OTLP_ENDPOINT: /v1/traces is
                        appended for HTTP, unless it has a path
  --protocol <name>     http/protobuf, http/json or grpc
  --timeout <millis>    for each look at the endpoint (default: ${DEFAULT_TIMEOUT_MILLIS})
  --send-span           sends one span instead of an empty request
  --no-probe            sends nothing
  --directory <path>    can FileSpanExporter write there?
  --rules <file>        rules as process has them in code, as JSON
  --try <file>          what the rules make of spans in OTLP/JSON; sends nothing
  --json                prints one JSON document
  --help                prints this
`;

const OPTIONS = {
  endpoint: { type: 'string' },
  protocol: { type: 'string' },
  timeout: { type: 'string' },
  'send-span': { type: 'boolean' },
  'no-probe': { type: 'boolean' },
  directory: { type: 'string' },
  rules: { type: 'string' },
  try: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
};

/** @throws {UsageError} */
function readArguments(words) {
  const values = parseWords(words, OPTIONS, USAGE);
  const { protocol, timeout = String(DEFAULT_TIMEOUT_MILLIS) } = values;
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) {
    throw new UsageError(`--protocol is one of ${PROTOCOLS.join(', ')}`, USAGE);
  }
  const timeoutMillis = Number(timeout);
  if (!(timeoutMillis >= 1 && timeoutMillis <= MOST_MILLIS)) {
    throw new UsageError(`--timeout is a number of milliseconds from 1 to ${MOST_MILLIS}`, USAGE);
  }
  const isProbed = !values['no-probe'] && values.try === undefined;
  if (values['send-span'] && !isProbed) throw new UsageError('--send-span needs the probe', USAGE);
  return {
    endpoint: values.endpoint,
    protocol,
    timeoutMillis,
    timeoutSource: values.timeout === undefined ? 'default' : '--timeout',
    isSpanSent: values['send-span'] === true,
    isProbed,
    directory: values.directory,
    rules: values.rules,
    trial: values.try,
    isJson: values.json === true,
    isHelp: values.help === true,
  };
}

module.exports = { OPTIONS, readArguments, USAGE };
