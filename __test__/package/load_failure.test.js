'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { issue } = require('../helpers/config/certificates.js');
const { span } = require('../helpers/config/runner.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { describeLoadFailure, PLATFORMS } = require('../../js/native/load_failure.js');

const root = path.resolve(__dirname, '..', '..');
const { isMusl, platform } = here();
const [major] = process.versions.node.split('.').map(Number);

function here() {
  const musl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  const suffix = { linux: musl ? '-musl' : '-gnu', win32: '-msvc' }[process.platform] ?? '';
  return { isMusl: musl, platform: `${process.platform}-${process.arch}${suffix}` };
}

/** A project with Offloop's JavaScript as npm would install it, and no binary. */
function withProject(body) {
  return async () => {
    const project = mkdtempSync(path.join(tmpdir(), 'offloop-load-'));
    const home = path.join(project, 'node_modules', 'offloop');
    mkdirSync(path.join(home, 'addon'), { recursive: true });
    for (const name of ['index.js', 'package.json', 'js', 'addon/index.js'])
      cpSync(path.join(root, name), path.join(home, name), { recursive: true });
    mkdirSync(path.join(project, 'node_modules', '@offloop'));
    try {
      await body(project, home);
    } finally {
      rmSync(project, { recursive: true, force: true });
    }
  };
}

function putBinary(project, content, forPlatform = platform) {
  const name = `@offloop/binding-${forPlatform}`;
  const home = path.join(project, 'node_modules', ...name.split('/'));
  mkdirSync(home, { recursive: true });
  const main = `offloop.${forPlatform}.node`;
  writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name, version: '0.1.0', main }));
  writeFileSync(path.join(home, main), content);
  return path.join(home, main);
}

const PROGRAM = `
  const { OTLPTraceExporter } = require('offloop');
  try {
    new OTLPTraceExporter();
    console.log('made');
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, message: error.message, hasCause: error.cause instanceof Error }));
  }`;

function run(project, { flags = [], env = {}, program = PROGRAM } = {}) {
  const file = path.join(project, 'app.js');
  writeFileSync(file, program);
  const inherited = { ...process.env };
  delete inherited.NAPI_RS_NATIVE_LIBRARY_PATH;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
    cwd: project,
    encoding: 'utf8',
    env: { ...inherited, ...env },
    timeout: 30_000,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

function assertSentence(result, pattern) {
  assert.equal(result.code, 'ERR_OFFLOOP_BINDING');
  assert.equal(result.hasCause, true);
  assert.match(result.message, pattern);
  assert.doesNotMatch(result.message, /\n/);
  assert.equal(result.message.endsWith('.'), true);
}

test('the platforms that the sentence names are the targets of package.json', () => {
  const { targets } = require('../../package.json').napi;
  const names = targets.map((triple) => {
    const [cpu, , system, abi] = triple.split('-');
    const arch = { x86_64: 'x64', aarch64: 'arm64' }[cpu];
    if (triple.includes('darwin')) return `darwin-${arch}`;
    return system === 'windows' ? `win32-${arch}-${abi}` : `linux-${arch}-${abi}`;
  });
  assert.deepEqual([...PLATFORMS].sort(), names.sort());
});

test(
  'a missing optional dependency is named, with what brings it',
  withProject((project) => {
    const pattern = new RegExp(
      `optional dependency @offloop/binding-${platform} is not installed; install without --omit`,
    );
    assertSentence(run(project), pattern);
  }),
);

test(
  'node_modules that were installed for another system say so',
  withProject((project) => {
    const other = platform === 'darwin-arm64' ? 'darwin-x64' : 'darwin-arm64';
    putBinary(project, 'not for this system', other);
    assertSentence(
      run(project),
      new RegExp(`installed for ${other} and this is ${platform}; .*--os=${process.platform}`),
    );
  }),
);

test(
  'a binary for another architecture is recognised by its head',
  { skip: process.platform !== 'linux' },
  withProject((project) => {
    const binary = readFileSync(ownBinary());
    const [machine, name] = process.arch === 'x64' ? [183, 'arm64'] : [62, 'x64'];
    binary.writeUInt16LE(machine, 18);
    // The loader of musl does not look at the machine; what it stumbles over in a foreign binary comes later.
    const file = putBinary(project, isMusl ? binary.subarray(0, 64) : binary);
    const result = run(project);
    assertSentence(result, new RegExp(`is for ${name} and this Node.js is ${process.arch}; npm install --os=linux`));
    assert.ok(result.message.includes(file), result.message);
  }),
);

test(
  'a damaged binary: the words of the system, and which file',
  withProject((project) => {
    const file = putBinary(project, 'no library at all');
    const result = run(project);
    assertSentence(result, /did not load: /);
    assert.ok(result.message.includes(path.basename(file)), result.message);
    assert.doesNotMatch(result.message, /npm has a bug|Cannot find module/);
  }),
);

test(
  'the permission model without --allow-addons is named, and its flag',
  withProject((project) => {
    putBinary(project, readFileSync(ownBinary()));
    const permission = major >= 24 ? '--permission' : '--experimental-permission';
    assertSentence(run(project, { flags: [permission, '--allow-fs-read=*'] }), /--permission.* add --allow-addons\.$/);
  }),
);

test('an old glibc: which version is needed and which is there', () => {
  const cause = new Error("/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by offloop.node)");
  const missing = new Error("Cannot find module '@offloop/binding-linux-x64-gnu'", { cause });
  const error = new Error('Cannot find native binding. npm has a bug', { cause: missing });
  const host = { platform: 'linux-x64-gnu', arch: 'x64', glibc: '2.12', local: tmpdir() };
  assert.match(
    describeLoadFailure(error, host),
    /needs glibc 2\.34 and this system has 2\.12; use a newer system or image\.$/,
  );
});

/** The smallest file of Windows that imports libraries: one section, and in it the table of their names. */
function windowsBinary(names) {
  const address = 0x1000;
  const offset = 0x200;
  const binary = Buffer.alloc(0x1000);
  binary.write('MZ', 0, 'latin1');
  binary.writeUInt32LE(0x40, 60);
  binary.write('PE', 0x40, 'latin1');
  binary.writeUInt16LE(0x8664, 0x44);
  binary.writeUInt16LE(1, 0x46);
  binary.writeUInt16LE(240, 0x54);
  binary.writeUInt16LE(0x20b, 0x58);
  binary.writeUInt32LE(address, 0x58 + 120);
  const section = 0x58 + 240;
  for (const [at, value] of [
    [12, address],
    [16, 0x800],
    [20, offset],
  ])
    binary.writeUInt32LE(value, section + at);
  names.forEach((name, index) => {
    const text = 0x400 + index * 64;
    binary.writeUInt32LE(address + text, offset + index * 20 + 12);
    binary.write(name, offset + text, 'latin1');
  });
  return binary;
}

test(
  'a library that a binary of Windows asks for and the system lacks is named',
  withProject((project, home) => {
    const cause = new Error('The specified module could not be found.\r\n\\\\?\\C:\\app\\offloop.win32-x64-msvc.node');
    const error = new Error('Cannot find native binding. npm has a bug', { cause });
    const places = path.join(project, 'System32');
    mkdirSync(places);
    writeFileSync(path.join(places, 'KERNEL32.dll'), '');
    const host = { platform: 'win32-x64-msvc', arch: 'x64', local: path.join(home, 'addon'), libraryPlaces: [places] };
    const libraries = ['KERNEL32.dll', 'VCRUNTIME140.dll', 'api-ms-win-core-synch-l1-2-0.dll'];
    const file = putBinary(project, windowsBinary(libraries), 'win32-x64-msvc');
    const sentence = describeLoadFailure(error, host);
    assert.ok(sentence.startsWith(`offloop: ${file} needs VCRUNTIME140.dll, which this system lacks`), sentence);
    // What is there is not blamed, and neither is a file that cannot be read to its end.
    putBinary(project, windowsBinary(libraries.slice(0, 1)), 'win32-x64-msvc');
    assert.match(describeLoadFailure(error, host), /did not load: The specified module could not be found/);
    putBinary(project, windowsBinary(libraries).subarray(0, 0x210), 'win32-x64-msvc');
    assert.match(describeLoadFailure(error, host), /did not load: The specified module could not be found/);
  }),
);

test(
  'a missing library is named by the system that lacks it, too',
  { skip: process.platform !== 'win32' && 'a binary of Windows' },
  withProject((project) => {
    const binary = readFileSync(ownBinary());
    const at = binary.indexOf('bcryptprimitives.dll\0', 'latin1');
    assert.notEqual(at, -1);
    binary.write('gonewiththewind1.dll', at, 'latin1');
    const file = putBinary(project, binary);
    const result = run(project);
    assertSentence(result, /needs gonewiththewind1\.dll, which this system lacks/);
    assert.ok(result.message.includes(file), result.message);
  }),
);

test('an unsupported platform: what there is, and the way out', () => {
  const error = new Error('Cannot find native binding', {
    cause: new Error('Unsupported architecture on Linux: riscv64'),
  });
  const sentence = describeLoadFailure(error, { platform: 'linux-riscv64-gnu', arch: 'riscv64', local: tmpdir() });
  assert.match(sentence, /no binary for linux-riscv64-gnu, only for linux-x64-gnu, .*; OFFLOOP_FALLBACK=stock uses/);
});

test(
  'NAPI_RS_NATIVE_LIBRARY_PATH that cannot be loaded is named itself',
  withProject((project) => {
    const result = run(project, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: path.join(project, 'gone.node') } });
    assertSentence(result, /NAPI_RS_NATIVE_LIBRARY_PATH names .*gone\.node, which did not load: Cannot find module/);
  }),
);

test(
  'every exporter says it when it is made, not at its first span',
  withProject((project) => {
    const program = PROGRAM.replace('OTLPTraceExporter }', 'FileSpanExporter }').replace(
      'new OTLPTraceExporter()',
      "new FileSpanExporter({ directory: 'spans' })",
    );
    assertSentence(run(project, { program }), /is not installed/);
  }),
);

const FALLBACK = `
  const { diag } = require('@opentelemetry/api');
  const warnings = [];
  const warn = (...words) => warnings.push(words.join(' '));
  diag.setLogger({ verbose() {}, debug() {}, info() {}, warn, error: warn });
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
  const offloop = require('offloop');
  (async () => {
    const exporter = new offloop.OTLPTraceExporter({ url: process.argv[2], compression: 'zstd' });
    const other = new (require('offloop/otlp-http').OTLPTraceExporter)({ url: process.argv[2] });
    const provider = new BasicTracerProvider({
      spanProcessors: [new offloop.BatchSpanProcessor(exporter), new offloop.BatchSpanProcessor(other)],
    });
    provider.getTracer('t').startSpan('through the stock exporter').end();
    await provider.forceFlush();
    const { offered, delivered, pending } = exporter.stats();
    await provider.shutdown();
    const late = await exporter.exportSpans([{}]);
    let endpoint;
    const url = 'http://user:hunter2@127.0.0.1:9/v1/traces';
    const failing = new offloop.OTLPTraceExporter({ url, timeoutMillis: 1, onError: (info) => (endpoint = info.endpoint) });
    const span = provider.getTracer('t').startSpan('fails');
    span.end();
    await failing.exportSpans([span]);
    const strange = [];
    for (const spans of [null, undefined, 5, [null], [{}]]) {
      const { code } = await new Promise((resolve) => failing.export(spans, resolve));
      strange.push(code);
    }
    await failing.forceFlush({ timeoutMillis: 'soon' }).catch(({ message }) => strange.push(message));
    try {
      new offloop.OTLPTraceExporter({ protocol: 'thrift' });
    } catch ({ message }) {
      strange.push(message);
    }
    console.log(JSON.stringify({ warnings, offered, delivered, pending, late: late.dropped, endpoint, strange }));
  })();`;

test(
  'OFFLOOP_FALLBACK=stock: where the binary is missing, spans go through the stock exporters, with one warning',
  withProject(async (project) => {
    symlinkSync(
      path.join(root, 'node_modules', '@opentelemetry'),
      path.join(project, 'node_modules', '@opentelemetry'),
      'junction', // of Windows; elsewhere there is one kind of link
    );
    const types = [];
    const server = http.createServer((request, response) => {
      types.push(request.headers['content-type']);
      request.resume().on('end', () => response.end());
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${server.address().port}/v1/traces`;
      const result = await runAsync(project, FALLBACK, [url], { OFFLOOP_FALLBACK: 'stock' });
      assert.deepEqual(types.sort(), ['application/json', 'application/x-protobuf']);
      const { warnings, ...rest } = result;
      assert.deepEqual(rest, {
        offered: 1,
        delivered: 1,
        pending: 0,
        late: { after_shutdown: 1 },
        endpoint: 'http://127.0.0.1:9/v1/traces',
        strange: [
          ...[1, 1, 1, 1, 1],
          "Configuration: timeoutMillis is invalid, expected number (actual: 'soon')",
          "Configuration: protocol is invalid, expected 'http/protobuf' or 'http/json' or 'grpc' or 'env' (actual: 'thrift')",
        ],
      });
      assert.equal(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0], /is not installed.* Spans go through @opentelemetry\/exporter-trace-otlp-proto/);
    } finally {
      server.close();
    }
  }),
);

const GRPC_FALLBACK = `
  const { OTLPTraceExporter } = require('offloop');
  const { OTLPTraceExporter: Entry } = require('offloop/otlp-grpc');
  const span = ${JSON.stringify({ ...span, spanContext: undefined })};
  span.spanContext = () => (${JSON.stringify(span.spanContext())});
  (async () => {
    const url = process.argv[2];
    const options = { headers: { b: '2' }, metadata: { a: '1' }, credentials: { verifyOptions: { rejectUnauthorized: false } } };
    const own = new OTLPTraceExporter({ protocol: 'grpc', url, compression: 'auto', ...options });
    const entry = new Entry({ url, ...options });
    const outcomes = [await own.exportSpans([span]), await entry.exportSpans([span])];
    await Promise.all([own.shutdown(), entry.shutdown()]);
    console.log(JSON.stringify({ delivered: outcomes.map(({ delivered }) => delivered), errors: outcomes.map(({ error }) => error) }));
  })();`;

test(
  'OFFLOOP_FALLBACK=stock over gRPC: the stock exporter over gRPC, with the options that only ours takes',
  withProject(async (project) => {
    for (const name of ['@opentelemetry', '@grpc'])
      symlinkSync(path.join(root, 'node_modules', name), path.join(project, 'node_modules', name), 'junction');
    const { key, cert } = issue({ commonName: 'localhost', names: ['127.0.0.1'] });
    const receiver = await startGrpcReceiver({ tls: { key, cert } });
    try {
      const result = await runAsync(project, GRPC_FALLBACK, [receiver.secureOrigin], { OFFLOOP_FALLBACK: 'stock' });
      assert.deepEqual(result.delivered, [1, 1], JSON.stringify(result.errors));
      const sent = receiver.calls.map(({ headers: { a, b, 'user-agent': agent } }) => [
        a,
        b,
        /grpc-node-js/.test(agent),
      ]);
      assert.deepEqual(sent, [
        ['1', '2', true],
        ['1', undefined, true],
      ]);
    } finally {
      await receiver.close();
    }
  }),
);

test(
  'OFFLOOP_FALLBACK=stock without the stock package says both',
  withProject((project) => {
    const result = run(project, { env: { OFFLOOP_FALLBACK: 'stock' } });
    assertSentence(
      result,
      /binding-.* is not installed; .* needs @opentelemetry\/exporter-trace-otlp-proto, which is not/,
    );
  }),
);

test(
  'OFFLOOP_FALLBACK changes nothing where the binary loads',
  withProject((project) => {
    putBinary(project, readFileSync(ownBinary()));
    const program = `console.log(JSON.stringify(require('offloop').OTLPTraceExporter.toString().includes('extends LaneExporter')))`;
    assert.equal(run(project, { program, env: { OFFLOOP_FALLBACK: 'stock' } }), true);
  }),
);

function runAsync(project, program, words, env) {
  const { execFile } = require('node:child_process');
  const file = path.join(project, 'app.js');
  writeFileSync(file, program);
  const inherited = { ...process.env, ...env };
  delete inherited.NAPI_RS_NATIVE_LIBRARY_PATH;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [file, ...words],
      { cwd: project, env: inherited, timeout: 30_000 },
      (error, stdout, stderr) =>
        error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(JSON.parse(stdout)),
    );
  });
}

function ownBinary() {
  const name = `offloop.${platform}.node`;
  if (process.env.NAPI_RS_NATIVE_LIBRARY_PATH) return process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  assert.ok(readdirSync(path.join(root, 'addon')).includes(name), `${name}${isMusl ? ' (musl)' : ''} is not in addon/`);
  return path.join(root, 'addon', name);
}

test('looking for the reason leaves the settings of diagnostic reports alone', () => {
  const { excludeNetwork } = process.report;
  describeLoadFailure(new Error('Cannot find native binding'));
  assert.equal(process.report.excludeNetwork, excludeNetwork);
});

test(
  'OFFLOOP_FALLBACK=stock: a monitor stays disabled with a warning, because it has no substitute',
  withProject((project) => {
    symlinkSync(
      path.join(root, 'node_modules', '@opentelemetry'),
      path.join(project, 'node_modules', '@opentelemetry'),
      'junction', // of Windows; elsewhere there is one kind of link
    );
    const program = `
      const { diag } = require('@opentelemetry/api');
      const warnings = [];
      diag.setLogger({ verbose() {}, debug() {}, info() {}, warn: (line) => warnings.push(line), error() {} });
      const { EventLoopMonitor, OTLPTraceExporter } = require('offloop');
      const monitor = new EventLoopMonitor({ exporter: new OTLPTraceExporter() });
      monitor.enable();
      monitor.disable();
      console.log(JSON.stringify({ blocks: monitor.stats().blocks, warning: warnings.at(-1) }));`;
    const { blocks, warning } = run(project, { program, env: { OFFLOOP_FALLBACK: 'stock' } });
    assert.equal(blocks, 0);
    assert.match(warning, /event loop cannot be watched: .*is not installed/);
  }),
);
