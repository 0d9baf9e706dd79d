'use strict';
// The scenario table against the exporters of the 3.x line, which need Node >= 22.15. Diag lines are left out: that line
// brings an API package of its own, and with it a logger of its own.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { issue } = require('../helpers/config/certificates.js');
const { startRecorder } = require('../helpers/config/recorder.js');
const { observe, withoutOurCode } = require('../helpers/config/runner.js');
const { scenarios } = require('../helpers/config/scenarios.js');
const { OURS } = require('../helpers/config/subjects.js');
const { localSocket } = require('../helpers/local_socket.js');

const [major, minor] = process.versions.node.split('.').map(Number);
const skip = (major < 22 || (major === 22 && minor < 15)) && 'the 3.x line needs Node 22.15';
const fromLine3 = (name) => require(path.join(__dirname, '..', 'sdk-3.x', 'node_modules', '@opentelemetry', name));

const context = {};
before(async () => {
  context.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-differential-3x-'));
  fs.writeFileSync(path.join(context.dir, 'ca.pem'), issue({ commonName: 'a CA', authority: true }).cert);
  context.socket = localSocket(context.dir);
  const tcp = await startRecorder();
  const unix = await startRecorder({ listen: { path: context.socket } });
  Object.assign(context, { origin: tcp.origin, port: tcp.port, recorders: [tcp, unix] });
});
after(async () => {
  for (const recorder of context.recorders) await recorder.close();
  fs.rmSync(context.dir, { recursive: true });
});

/** What is left to compare once differences on purpose (X1 to X21) and versions are out of it. */
function comparable(scenario, { requests, connections, results, thrown }) {
  const seen = requests.map(({ connection, headers, ...request }) => {
    const { accept, ...others } = headers;
    others['user-agent'] = others['user-agent'].replace(/0\.\d+\.\d+$/, '<version>');
    return { ...request, headers: others, connection: scenario.concurrent || scenario.retried ? 0 : connection };
  });
  for (const { error } of results ?? []) {
    if (error?.message === 'Export failed with retryable status') error.code = 'any';
  }
  const unusable = thrown && { ...withoutOurCode(thrown), message: thrown.message.replace(/\/\/user:.*@/, '//***@') };
  return {
    requests: scenario.retried ? seen.slice(0, 1) : seen,
    connections: scenario.concurrent || scenario.retried ? 0 : connections,
    results,
    thrown: unusable,
  };
}

describe('3.x line beside ours', { skip }, () => {
  const packages = { 'http/protobuf': 'exporter-trace-otlp-proto', 'http/json': 'exporter-trace-otlp-http' };
  for (const [protocol, name] of Object.entries(packages)) {
    for (const scenario of scenarios) {
      it(`${protocol}: ${scenario.name}`, async () => {
        const { OTLPTraceExporter } = fromLine3(name);
        const stock = await observe(OTLPTraceExporter, scenario, context);
        const observed = await observe(OURS[protocol], scenario, context);
        assert.deepEqual(comparable(scenario, observed), comparable(scenario, stock));
      });
    }
  }
});
