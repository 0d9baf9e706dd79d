'use strict';
// A program that cannot be changed runs on Offloop through `overrides` in the package.json of whoever installs it. The
// packages are packed and installed as npm would install them, without a registry.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, it } = require('node:test');
const { pathToFileURL } = require('node:url');
const { promisify } = require('node:util');
const { startRecorder } = require('../helpers/config/recorder.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

const run = promisify(execFile);
const root = path.join(__dirname, '..', '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

// The program: it knows only the stock packages, by name and by range.
const PROGRAM = `
const proto = require('@opentelemetry/exporter-trace-otlp-proto');
const json = require('@opentelemetry/exporter-trace-otlp-http');
const grpc = require('@opentelemetry/exporter-trace-otlp-grpc');
const span = {
  name: 'unchanged', kind: 0, startTime: [1, 0], endTime: [2, 0], duration: [1, 0], status: { code: 0 }, attributes: {},
  links: [], events: [], ended: true, resource: { attributes: {} }, instrumentationScope: { name: 's' },
  droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0,
  spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }),
};
(async () => {
  const codes = [];
  for (const { OTLPTraceExporter } of [proto, json, grpc]) {
    const exporter = OTLPTraceExporter === grpc.OTLPTraceExporter ? new OTLPTraceExporter({ url: process.argv[2] }) : new OTLPTraceExporter();
    codes.push(await new Promise((resolve) => exporter.export([span], ({ code }) => resolve(code))));
    await exporter.shutdown();
  }
  const { stats } = proto.OTLPTraceExporter.prototype;
  console.log(JSON.stringify({ codes, exports: [proto, json, grpc].map((each) => Object.keys(each)), isOurs: typeof stats === 'function' }));
})();
`;

let directory;
let recorder;
let receiver;
before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-overrides-'));
  recorder = await startRecorder();
  receiver = await startGrpcReceiver();
});
after(async () => {
  await recorder.close();
  await receiver.close();
  fs.rmSync(directory, { recursive: true });
});

async function pack(folder) {
  const { stdout } = await run(npm, ['pack', '--json', '--ignore-scripts', '--pack-destination', directory, folder], {
    cwd: directory,
  });
  const [packed] = Object.values(JSON.parse(stdout));
  return `file:${path.join(directory, packed.filename)}`;
}

function writeJson(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(content));
}

it('an npm override puts our exporter behind the stock names', async () => {
  const offloop = await pack(root);
  const proto = await pack(path.join(root, 'shims', 'exporter-trace-otlp-proto'));
  const json = await pack(path.join(root, 'shims', 'exporter-trace-otlp-http'));
  const grpc = await pack(path.join(root, 'shims', 'exporter-trace-otlp-grpc'));
  const app = path.join(directory, 'app');
  writeJson(path.join(app, 'program', 'package.json'), {
    name: 'program',
    version: '1.0.0',
    dependencies: {
      '@opentelemetry/exporter-trace-otlp-proto': '^0.223.0',
      '@opentelemetry/exporter-trace-otlp-http': '^0.223.0',
      '@opentelemetry/exporter-trace-otlp-grpc': '^0.223.0',
    },
  });
  fs.writeFileSync(path.join(app, 'program', 'index.js'), PROGRAM);
  const program = await pack(path.join(app, 'program'));
  writeJson(path.join(app, 'package.json'), {
    name: 'app',
    private: true,
    dependencies: { offloop, program },
    overrides: {
      '@opentelemetry/exporter-trace-otlp-proto': proto,
      '@opentelemetry/exporter-trace-otlp-http': json,
      '@opentelemetry/exporter-trace-otlp-grpc': grpc,
    },
  });
  await run(npm, ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: app });

  const { platformName } = await import(pathToFileURL(path.join(root, 'scripts', 'build', 'project.mjs')).href);
  const binding = `offloop.${platformName()}.node`;
  const { stdout, stderr } = await run(process.execPath, ['node_modules/program/index.js', receiver.origin], {
    cwd: app,
    timeout: 20_000,
    env: {
      PATH: process.env.PATH,
      NAPI_RS_NATIVE_LIBRARY_PATH: path.join(root, 'addon', binding), // comes in a platform package otherwise
      OTEL_EXPORTER_OTLP_ENDPOINT: recorder.origin,
    },
  });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), {
    codes: [0, 0, 0],
    exports: [['OTLPTraceExporter'], ['OTLPTraceExporter'], ['OTLPTraceExporter']],
    isOurs: true,
  });
  assert.deepEqual(
    recorder.requests.map(({ path: url, headers }) => [url, headers['content-type']]),
    [
      ['/v1/traces', 'application/x-protobuf'],
      ['/v1/traces', 'application/json'],
    ],
  );
  assert.equal(receiver.spans, 1);
});
