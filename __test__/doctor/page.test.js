'use strict';
// docs/doctor.md shows what the command prints, and names every verdict and every option.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { makeProject, packageFiles, root, runCommand } = require('../helpers/doctor.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { OPTIONS } = require('../../js/doctor/arguments.js');
const { VERDICTS } = require('../../js/doctor/remedies.js');

const page = fs.readFileSync(path.join(root, 'docs', 'doctor.md'), 'utf8');
const tableBehind = (heading) => /(?:^\|.*\n)+/m.exec(page.split(heading)[1])[0].split('\n').slice(2);
const namesIn = (rows) =>
  rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));

/** What differs from machine to machine. */
function normalised(text, port) {
  return text
    .replaceAll(`:${port}`, ':4317')
    .replaceAll('\\', '/')
    .replace(/(Node\.js +)\d+\.\d+\.\d+/, '$1V')
    .replace(/(platform +)\S+/, '$1P')
    .replace(/^ +libc .*\n/m, '')
    .replace(/((?:binary|project) +)\S+/g, '$1PATH')
    .replace(/(roots +Node's own), \d+/, '$1, N')
    .replace(/(tookMillis +)\d+/, '$1N');
}

test('the output that the page shows is what the command prints (C6)', async (t) => {
  const { port } = await startGrpcReceiver({}, t);
  const stock = '@opentelemetry/exporter-trace-otlp-proto';
  const dependencies = { [stock]: '*', '@opentelemetry/sdk-trace-base': '*', '@opentelemetry/api': '*', offloop: '*' };
  const cwd = makeProject(
    t,
    {
      'package.json': { name: 'shop', scripts: { start: 'node --require offloop/register app.js' }, dependencies },
      ...packageFiles(stock, '0.223.1'),
      ...packageFiles('@opentelemetry/sdk-trace-base', '2.12.1', { peerDependencies: { '@opentelemetry/api': '*' } }),
      ...packageFiles('@opentelemetry/api', '1.9.1'),
      ...packageFiles('offloop', '0.1.0'),
    },
    { withOffloop: false },
  );
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://localhost:${port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret',
    OTEL_LOG_LEVEL: 'info',
  };
  const { stdout } = await runCommand(['doctor'], { cwd, env });
  const [, shown] = /^```text\n([\s\S]*?)^```/m.exec(page);
  assert.equal(normalised(stdout, port), normalised(shown, 4317));
});

test('the page names every verdict and every option, and no others (C3)', () => {
  assert.deepEqual(namesIn(tableBehind('## What it says of the endpoint')).sort(), [...VERDICTS, 'delivered'].sort());
  const options = namesIn(tableBehind('## Options')).map((text) => text.split(' ')[0]);
  assert.deepEqual(
    options,
    Object.keys(OPTIONS).map((name) => `--${name}`),
  );
});
