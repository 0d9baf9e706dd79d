'use strict';
// What `offloop doctor` finds in a project and its environment: one situation after the other, each as a user meets it, with
// what is found, what helps and the exit code.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const endpoints = require('../helpers/doctor_endpoints.js');
const { makeProject, packageFiles, runCommand, runDoctor } = require('../helpers/doctor.js');
const { copyPackage } = require('../helpers/package_copy.js');

const NONE = ['--no-probe'];
const isWindows = process.platform === 'win32'; // links to files take rights there
const { tls, caFile, directory, remove } = endpoints.makeMaterial();
after(remove);

const api = (version, home, more) => packageFiles('@opentelemetry/api', version, more, home);
const SDK = {
  'package.json': { name: 'shop', dependencies: { '@opentelemetry/sdk-node': '*', '@opentelemetry/api': '*' } },
  ...packageFiles('@opentelemetry/sdk-node', '0.223.0', { peerDependencies: { '@opentelemetry/api': '*' } }),
};
const OF_SDK = 'node_modules/@opentelemetry/sdk-node/';
const PRELOAD = { 'otel.js': '', 'other.js': '' };
const script = (command) => ({ ...PRELOAD, 'package.json': { name: 'shop', scripts: { start: command } } });
const OTLP = 'OTEL_EXPORTER_OTLP_';

/** Name -> what is there, and what is found: the code, its level, its words and its remedy. */
const SITUATIONS = {
  'two copies of the API, and that of the SDK is older': {
    files: { ...SDK, ...api('1.9.1'), ...api('1.4.0', OF_SDK) },
    finds: [
      'problem',
      'api_copies',
      /1\.4\.0 and 1\.9\.1: the SDK registers with 1\.4\.0, and 1\.9\.1, for shop, does not see it/,
      /npm ls/,
    ],
  },
  'two copies of the API, and that of the SDK is newer': {
    files: { ...SDK, ...api('1.4.0'), ...api('1.9.1', OF_SDK) },
    finds: ['warning', 'api_copies', /another may not replace/, /npm dedupe/],
  },
  'one version of the API in two copies': {
    files: { ...SDK, ...api('1.9.1'), ...api('1.9.1', OF_SDK) },
    finds: ['note', 'no_stock_package', /no package is installed here/, /directory of the application/],
    lacks: 'api_copies',
  },
  'a stock package that is older than what was tested': {
    files: {
      'package.json': { name: 'shop', dependencies: { '@opentelemetry/exporter-trace-otlp-proto': '*' } },
      ...packageFiles('@opentelemetry/exporter-trace-otlp-proto', '0.40.0'),
    },
    finds: ['note', 'untested_version', /otlp-proto 0\.40\.0 is outside what was tested \(0\.57\.2 to /, null],
  },
  'two copies of Offloop': {
    files: {
      'package.json': { name: 'shop', dependencies: { offloop: '*', inner: '*' } },
      ...packageFiles('inner', '1.0.0', { dependencies: { offloop: '*' } }),
      ...packageFiles('offloop', '0.0.9', {}, 'node_modules/inner/'),
    },
    finds: ['warning', 'own_copies', /2 copies of offloop/, /npm ls offloop/],
  },
  'a late register in NODE_OPTIONS': {
    files: PRELOAD,
    env: { NODE_OPTIONS: '--require ./otel.js --import offloop/register' },
    finds: [
      'problem',
      'register_late',
      /NODE_OPTIONS loads \.\/otel\.js before offloop\/register/,
      /as --require offloop\/register, in front/,
    ],
  },
  'a late register in a script': {
    files: script('node -r ./other.js --require=./otel.js -r offloop/register app.js'),
    finds: ['problem', 'register_late', /script start loads \.\/otel\.js before/, /in front of it/],
  },
  'a register behind something that may be anything': {
    files: script('node --import ./other.js --import offloop/register app.js'),
    finds: ['note', 'register_late', /script start loads \.\/other\.js before/, /in front of it/],
  },
  'a register in time': {
    files: script('node --import ./otel.js --require offloop/register app.js'),
    finds: ['note', 'log_level', /what Offloop tells the diagnostic logger is not shown/, /OTEL_LOG_LEVEL|info/],
    lacks: 'register_late',
  },
  'a register that is switched off': {
    files: script('node --require offloop/register app.js'),
    env: { OFFLOOP_REGISTER: 'off' },
    finds: ['warning', 'register_off', /replaces nothing/, /unset/],
  },
  'an SDK that is switched off': {
    env: { OTEL_SDK_DISABLED: 'true' },
    finds: ['problem', 'sdk_disabled', /the SDK makes no spans/, /unset/],
  },
  'no exporter': {
    env: { OTEL_TRACES_EXPORTER: 'none' },
    finds: ['problem', 'exporter_none', /exports no spans/, /otlp/],
  },
  'another exporter': {
    env: { OTEL_TRACES_EXPORTER: 'console' },
    finds: ['warning', 'exporter_other', /makes no OTLP exporter/, /otlp/],
  },
  'a sampler that samples nothing': {
    env: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
    finds: ['problem', 'sampler_off', /drops every trace that begins here/, /parentbased_always_on/],
  },
  'a sampler with the ratio 0': {
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    finds: ['problem', 'sampler_off', /traceidratio with 0 drops every trace$/, /unset/],
  },
  'a sampler with a rare ratio': {
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.001' },
    finds: ['note', 'sampler_rare', /nearly every trace is dropped/, null],
  },
  'a sampler with a ratio that is none': {
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '50%' },
    finds: ['warning', 'sampler_argument', /no number from 0 to 1/, /correct/],
  },
  'a sampler that there is not': {
    env: { OTEL_TRACES_SAMPLER: 'always-on' },
    finds: ['warning', 'sampler_unknown', /no sampler that is known/, /did you mean always_on/],
  },
  'a variable of ours with a typing error': {
    env: { OFFLOOP_FALBACK: 'stock' },
    finds: ['warning', 'variable_unknown', /OFFLOOP_FALBACK is read by nobody/, /did you mean OFFLOOP_FALLBACK\?/],
  },
  'a variable of exporters with a typing error': {
    env: { OTEL_EXPORTER_OTLP_ENPOINT: 'http://h' },
    finds: ['warning', 'variable_unknown', /ENPOINT is read by nobody/, /did you mean OTEL_EXPORTER_OTLP_ENDPOINT\?/],
  },
  'a value that nobody knows': {
    env: { OFFLOOP_FALLBACK: 'yes' },
    finds: ['warning', 'value_unknown', /OFFLOOP_FALLBACK has a value/, /stock/],
  },
  'a path that is there twice': {
    env: { [`${OTLP}ENDPOINT`]: 'http://localhost:4318/v1/traces' },
    finds: ['warning', 'path_twice', /ends with \/v1\/traces, and the path is appended/, /TRACES_ENDPOINT/],
  },
  'a path that is missing': {
    env: { [`${OTLP}TRACES_ENDPOINT`]: 'http://localhost:4318' },
    finds: ['warning', 'path_missing', /used as it is/, /append \/v1\/traces/],
  },
  'a header with a colon': {
    env: { [`${OTLP}HEADERS`]: 'Authorization: Bearer hunter2' },
    finds: ['warning', 'header_unusable', /HEADERS has an entry that is no header$/, /name=value/],
  },
  'a token without a name': {
    env: { [`${OTLP}TRACES_HEADERS`]: 'a=1,aHVudGVyMg==' },
    finds: ['warning', 'header_unusable', /TRACES_HEADERS has an entry/, /name=value/],
  },
  'a variable that cannot be used': {
    env: { [`${OTLP}TIMEOUT`]: 'soon' },
    finds: ['warning', 'log_line', /Unknown value 'soon' for OTEL_EXPORTER_OTLP_TIMEOUT/, null],
  },
  'a certificate that is not there': {
    env: { [`${OTLP}CERTIFICATE`]: path.join(directory, 'gone.pem') },
    finds: ['warning', 'log_line', /Failed to read root certificate file/, null],
  },
  'roots that are not there': {
    env: { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: path.join(directory, 'gone.pem') },
    finds: ['problem', 'roots_unreadable', /names a file that cannot be read/, /path/],
  },
  'roots that do not count': {
    env: { SSL_CERT_FILE: caFile },
    finds: ['note', 'ssl_cert_file', /SSL_CERT_FILE does not count/, /NODE_EXTRA_CA_CERTS/],
  },
  'certificates that nobody checks': {
    env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
    finds: ['warning', 'tls_unverified', /any server is trusted/, /OTEL_EXPORTER_OTLP_CERTIFICATE/],
  },
  'a proxy that HTTP does not look at': {
    env: { HTTPS_PROXY: 'http://user:hunter2@proxy.example:3128' },
    finds: ['note', 'proxy_ignored', /do not look at the variables/, /proxy: 'env'/],
  },
  'a directory that cannot be written': {
    words: [...NONE, '--directory', path.join(caFile, 'spans')],
    finds: [
      'problem',
      'directory_unwritable',
      /the part of it that exists, .*ca\.pem, refuses files \(E\w+\)/,
      /another directory/,
    ],
  },
  'a directory that can be made': {
    words: [...NONE, '--directory', path.join(directory, 'not', 'there')],
    finds: ['ok', 'directory_writable', /it can be made/, null],
  },
};

/** The one span of a request and whose it is, by somebody else's decoder. */
function spanOf(body, protocol) {
  if (protocol === 'http/json') {
    const [{ resource, scopeSpans }] = JSON.parse(body).resourceSpans;
    return { service: resource.attributes[0].value.stringValue, span: scopeSpans[0].spans[0] };
  }
  const [{ resource, scopes }] = decodeRequest(body, 'protobuf');
  const [[key, [, service]]] = resource.attributes;
  assert.equal(key, 'service.name');
  return { service, span: scopes[0].spans[0] };
}

describe('offloop doctor', { concurrency: 3 }, () => {
  for (const [name, { files, env, words = NONE, finds, lacks }] of Object.entries(SITUATIONS)) {
    const [level, code, text, remedy] = finds;
    it(`finds ${name} (C9): ${code}`, async (t) => {
      const result = await runDoctor(words, { cwd: makeProject(t, files), env });
      const finding = result.findings.find((each) => each.code === code && text.test(each.text));
      assert.ok(finding, JSON.stringify(result.findings, null, 1));
      assert.equal(finding.level, level);
      if (remedy === null) assert.equal(finding.remedy, null);
      else assert.match(finding.remedy, remedy);
      assert.equal(result.code, level === 'problem' ? 1 : 0, JSON.stringify(result.findings, null, 1));
      assert.ok(!result.findings.some((each) => each.code === lacks), lacks);
    });
  }

  it('finds nothing to complain of where all is well, and leaves nothing behind (C9)', async (t) => {
    const receiver = await endpoints.startReceiver({}, t);
    const cwd = makeProject(t);
    const words = ['--endpoint', receiver.origin, '--directory', cwd];
    const { code, report } = await runDoctor(words, { cwd, env: { OTEL_LOG_LEVEL: 'info' } });
    assert.deepEqual([code, report.healthy, report.problems, report.warnings], [0, true, 0, 0]);
    assert.deepEqual(fs.readdirSync(cwd).sort(), ['node_modules', 'package.json']);
  });

  it('takes nobody at the address that nothing names for a note where spans go to files (C9)', async (t) => {
    const isTaken = await new Promise((resolve) => {
      const socket = net.connect(4318, 'localhost', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isTaken) return t.skip('somebody listens at port 4318 of this machine');
    const cwd = makeProject(t);
    const refused = async (words, env) => {
      const { code, findings } = await runDoctor(words, { cwd, env });
      const { level, remedy } = findings.find((finding) => finding.code === 'refused');
      return [code, level, remedy.includes('FileSpanExporter')];
    };
    assert.deepEqual(await refused([]), [1, 'problem', true]);
    assert.deepEqual(await refused(['--directory', cwd]), [0, 'note', false]);
    // Whoever names an endpoint wants it.
    const url = await endpoints.refusedUrl();
    assert.deepEqual(await refused(['--directory', cwd, '--endpoint', url]), [1, 'problem', false]);
    assert.deepEqual(await refused(['--directory', cwd], { [`${OTLP}ENDPOINT`]: url }), [1, 'problem', false]);
  });

  it('tells a certificate that is not trusted, and the variable that mends it (C3)', async (t) => {
    const { port } = await endpoints.startReceiver({ tls: tls.good }, t);
    const cwd = makeProject(t);
    const words = ['--endpoint', `https://localhost:${port}`];
    const before = await runDoctor(words, { cwd });
    assert.deepEqual([before.code, before.findings.at(-1).code], [1, 'certificate_unknown']);
    for (const name of ['NODE_EXTRA_CA_CERTS', `${OTLP}CERTIFICATE`]) {
      const mended = await runDoctor(words, { cwd, env: { [name]: caFile } });
      assert.deepEqual([mended.code, mended.findings.at(-1).code], [0, 'delivered'], name);
    }
  });

  it('says where each value is from (C8)', async (t) => {
    const env = {
      [`${OTLP}ENDPOINT`]: 'http://general:4318',
      [`${OTLP}TRACES_ENDPOINT`]: 'http//broken',
      [`${OTLP}HEADERS`]: 'a=1,b=2',
      [`${OTLP}TRACES_HEADERS`]: 'b=3',
      [`${OTLP}TRACES_TIMEOUT`]: '-1',
      [`${OTLP}TIMEOUT`]: '2000',
      [`${OTLP}TRACES_COMPRESSION`]: 'gzip',
      [`${OTLP}COMPRESSION`]: 'none',
      [`${OTLP}CERTIFICATE`]: caFile,
      OTEL_BSP_MAX_QUEUE_SIZE: '99',
      grpc_proxy: 'http://user:hunter2@proxy.example:3128',
    };
    const { report } = await runDoctor(NONE, { cwd: makeProject(t), env });
    const factsOf = (id) =>
      report.sections
        .find((section) => section.id === id)
        .facts.map(({ name, value, source }) => [name, value, source]);
    const shared = (name) => [
      [`header a`, '***', `${OTLP}HEADERS`],
      [`header b`, '***', `${OTLP}TRACES_HEADERS`],
      ['timeoutMillis', 2000, `${OTLP}TIMEOUT`],
      ['compression', 'gzip', `${OTLP}TRACES_COMPRESSION`],
      ['certificate', caFile, `${OTLP}CERTIFICATE`],
      ...(name === 'grpc' ? [['TLS', false, 'url']] : []),
    ];
    assert.deepEqual(factsOf('http').slice(0, 6), [
      ['url', 'http://general:4318/v1/traces', `${OTLP}ENDPOINT`],
      ...shared('http'),
    ]);
    assert.deepEqual(factsOf('http').at(-1), ['transport', 'native', 'default']);
    assert.deepEqual(
      factsOf('others').find(([name]) => name.endsWith('maxQueueSize')),
      ['BatchSpanProcessor.maxQueueSize', 99, 'OTEL_BSP_MAX_QUEUE_SIZE'],
    );
    assert.deepEqual(factsOf('proxies').slice(0, 1), [['grpc_proxy', 'http://***@proxy.example:3128', null]]);
    const given = await runDoctor([...NONE, '--endpoint', 'http://given:4317', '--protocol', 'grpc'], {
      cwd: makeProject(t),
      env: { [`${OTLP}HEADERS`]: 'a=1', grpc_proxy: env.grpc_proxy },
    });
    assert.deepEqual(
      [given.fact('url'), given.fact('proxy over gRPC')],
      [
        { name: 'url', value: 'http://given:4317/v1/traces', source: '--endpoint' },
        { name: 'proxy over gRPC', value: 'http://proxy.example:3128', source: null },
      ],
    );
    assert.ok(
      given.facts.some(
        ({ name, value, source }) => name === 'url' && value === 'http://given:4317' && source === '--endpoint',
      ),
    );
  });

  for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
    it(`without the addon it says why, and the probe goes through Node: ${protocol} (C2)`, async (t) => {
      const receiver =
        protocol === 'grpc' ? await endpoints.startGrpcReceiver({}, t) : await endpoints.startReceiver({}, t);
      const cwd = makeProject(t, {}, { withOffloop: false });
      const home = path.join(cwd, 'node_modules', 'offloop');
      copyPackage(home, { withAddon: false });
      const command = path.join(home, 'bin', 'offloop.js');
      const words = ['--endpoint', receiver.origin, '--protocol', protocol, '--send-span'];
      const env = { NAPI_RS_NATIVE_LIBRARY_PATH: undefined };
      const { code, findings, fact } = await runDoctor(words, { cwd, command, env });
      const missing = findings.find((each) => each.code === 'binary_missing');
      assert.match(
        missing.text,
        /^the optional dependency @offloop\/binding-\S+ is not installed; install without --omit/,
      );
      assert.deepEqual([code, findings.at(-1).code, fact('binary').value], [1, 'delivered', 'none']);
      assert.match(fact('through').value, /^Node's http/);
      const [request] = receiver.requests ?? receiver.calls;
      const { service, span } = spanOf(request.message ?? request.body, protocol);
      assert.deepEqual([service, span.name], ['offloop-doctor', 'offloop doctor']);
      assert.equal(fact('sent').value, `one span, trace ${span.traceId}`);

      const withStock = await runDoctor(NONE, { cwd, command, env: { ...env, OFFLOOP_FALLBACK: 'stock' } });
      assert.equal(withStock.code, 0);
      assert.match(withStock.findings[0].remedy, /spans go through the stock exporter/);
    });
  }

  it('finds what is installed behind links, as pnpm lays it out, by the link in .bin (C9)', {
    skip: isWindows,
  }, async (t) => {
    const exporter = '@opentelemetry/exporter-trace-otlp-proto';
    const store = 'node_modules/.pnpm';
    const inStore = (name, version) => `${store}/${name.replace('/', '+')}@${version}/`;
    const cwd = makeProject(
      t,
      {
        'package.json': { name: 'shop', dependencies: { offloop: '0.1.0', [exporter]: '0.223.1' } },
        ...packageFiles(
          exporter,
          '0.223.1',
          { dependencies: { '@opentelemetry/sdk-trace-base': '*' } },
          inStore(exporter, '0.223.1'),
        ),
        ...packageFiles(
          '@opentelemetry/sdk-trace-base',
          '2.12.1',
          {},
          inStore('@opentelemetry/sdk-trace-base', '2.12.1'),
        ),
      },
      { withOffloop: false },
    );
    const at = (...names) => path.join(cwd, ...names.flatMap((name) => name.split('/')));
    const link = (target, place) => {
      fs.mkdirSync(path.dirname(place), { recursive: true });
      fs.symlinkSync(target, place, 'junction');
    };
    const stored = (name, version) => at(inStore(name, version), 'node_modules', name);
    copyPackage(stored('offloop', '0.1.0'));
    link(stored('offloop', '0.1.0'), at('node_modules/offloop'));
    link(stored(exporter, '0.223.1'), at('node_modules', exporter));
    const sibling = at(inStore(exporter, '0.223.1'), 'node_modules', '@opentelemetry/sdk-trace-base');
    link(stored('@opentelemetry/sdk-trace-base', '2.12.1'), sibling);
    const command = at('node_modules/.bin/offloop');
    fs.mkdirSync(path.dirname(command));
    fs.symlinkSync(path.join('..', 'offloop', 'bin', 'offloop.js'), command);

    fs.mkdirSync(at('src/deep'), { recursive: true });
    const { code, facts, fact, findings } = await runDoctor(NONE, { cwd: at('src/deep'), command });
    assert.equal(code, 0, JSON.stringify(findings));
    assert.equal(fact('project').value, cwd);
    assert.ok(fact('binary').value.startsWith(stored('offloop', '0.1.0')) || process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
    const sources = Object.fromEntries(facts.map(({ name, source }) => [name, source]));
    assert.equal(sources[exporter], path.relative(cwd, stored(exporter, '0.223.1')));
    assert.equal(
      sources['@opentelemetry/sdk-trace-base'],
      path.relative(cwd, stored('@opentelemetry/sdk-trace-base', '2.12.1')),
    );
    assert.equal(fact(exporter).value, '0.223.1 (tested): OTLPTraceExporter');
  });

  it('says what is wrong on a Node.js that is too old for the package, without loading it (C2)', async (t) => {
    const cwd = makeProject(t, {
      'bin/offloop.js': fs.readFileSync(path.join(__dirname, '..', '..', 'bin', 'offloop.js'), 'utf8'),
      'package.json': { name: 'offloop', engines: { node: '>=99.1' } },
    });
    const result = await runCommand(['doctor'], { command: path.join(cwd, 'bin', 'offloop.js') });
    assert.deepEqual([result.code, result.stdout], [1, '']);
    assert.match(result.stderr, /^offloop needs Node\.js >=99\.1, this is \d+/);
  });
});
