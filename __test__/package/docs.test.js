'use strict';
// What README.md, docs/ and their neighbours show works as it stands (R105). Programs print what stands below them, snippets
// run without a word, a collector counts their spans; changes name what both sides export; links lead somewhere.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } = require('node:fs');
const { createRequire } = require('node:module');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const vm = require('node:vm');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { anchorsOf, linksOf, pages } = require('../helpers/pages.js');
const { startReceiver } = require('../helpers/receiver.js');

const root = path.resolve(__dirname, '..', '..');
/** Processor time, not time: a busy machine would make it a turn without a processor, which is no block. */
const BLOCK = `setTimeout(() => {
  const started = process.cpuUsage();
  for (let spent = { user: 0, system: 0 }; spent.user + spent.system < 300_000; ) spent = process.cpuUsage(started);
}, 50);`;

/** What a block leaves to its reader, by words that it alone holds: code around it, spans that must arrive. */
const AROUND = {
  COLLECTOR_PORT: {
    before: "process.env.COLLECTOR_PORT = '0';",
    after: 'setImmediate(() => setImmediate(() => process.exit()));',
  },
  'last words': { arrive: Array(300).fill('last words') },
  'GET /orders': { arrive: ['GET /orders'] },
  'enable(); // the BatchSpanProcessor from above': {
    before: `const { BatchSpanProcessor, OTLPTraceExporter } = require('offloop');
      const processor = new BatchSpanProcessor(new OTLPTraceExporter());`,
    after: BLOCK,
    some: 'event-loop-blocked', // a second one, if the machine made it a long block
  },
  'const monitor = new EventLoopMonitor': {
    after: BLOCK,
    some: 'event-loop-blocked', // a second one, if the machine made it a long block
  },
  'onBlock({': { before: 'const log = { warn() {} };' },
  'new DriftBatchSpanProcessor': {
    after: `const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
      const provider = new BasicTracerProvider({ spanProcessors: [processor] });
      const span = provider.getTracer('tusk-drift-sdk').startSpan('query', { kind: 2 });
      span.setAttributes({ 'td.name': 'pg.query', 'td.packageName': 'pg', 'td.submodule': 'query',
        'td.instrumentationName': 'PgInstrumentation', 'td.inputValue': '{"a":1}', 'td.outputValue': '{"b":[2]}' });
      span.end();
      provider.shutdown().then(() => {
        const fs = require('node:fs');
        const [file] = fs.readdirSync('.tusk/traces');
        const line = JSON.parse(fs.readFileSync('.tusk/traces/' + file, 'utf8'));
        require('node:assert').deepEqual([line.name, line.outputValue], ['pg.query', { b: [2] }]);
      });`,
  },
};

function blocksOf(page) {
  const text = readFileSync(path.join(root, page), 'utf8');
  const blocks = text.matchAll(/^```(\w+)\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm);
  return [...blocks].map(([, language, code, expected], index) => ({
    name: `${page}, block ${index + 1} (${language})`,
    language,
    code,
    expected,
  }));
}

const blocks = pages.flatMap(blocksOf);
const inLanguage = (wanted) => blocks.filter(({ language }) => language === wanted);

test('there is something to try', () => {
  assert.ok(inLanguage('js').length >= 8, 'snippets');
  assert.ok(inLanguage('js').filter(({ expected }) => expected !== undefined).length >= 3, 'programs with output');
  assert.ok(inLanguage('diff').length >= 5, 'changes');
});

test('every JavaScript block of the pages is a js block', () => {
  const known = new Set(['js', 'json', 'diff', 'dockerfile', 'sh', 'sql', 'text', 'yaml']);
  for (const { name, language } of blocks) assert.ok(known.has(language), `${name} is not looked at`);
});

for (const { name, code, expected } of inLanguage('js')) {
  const {
    before = '',
    after = '',
    arrive = [],
    some,
  } = Object.entries(AROUND).find(([words]) => code.includes(words))?.[1] ?? {};
  const program = `${before}\n${code}\n${after}`;
  const absent = [...code.matchAll(/require\('(@[^']+)'\)/g)].map(([, id]) => id).filter((id) => !canResolve(id));

  test(name, async (t) => {
    if (absent.length > 0) return void new vm.Script(program); // examples/express runs these same lines
    const project = mkdtempSync(path.join(tmpdir(), 'offloop-docs-'));
    mkdirSync(path.join(project, 'node_modules'));
    symlinkSync(root, path.join(project, 'node_modules', 'offloop'), 'junction');
    const opentelemetry = path.join(root, 'node_modules', '@opentelemetry');
    symlinkSync(opentelemetry, path.join(project, 'node_modules', '@opentelemetry'), 'junction');
    const collector = await startReceiver({}, t);
    try {
      const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin };
      const { stdout, stderr } = await run(program, project, env);
      assert.equal(stderr, '');
      if (expected !== undefined) assert.equal(stdout, expected);
      const names = collector.completed.flatMap(spanNames);
      if (some) assert.ok(names.includes(some), `no ${some} arrived`);
      for (const wanted of new Set(arrive))
        assert.deepEqual(
          names.filter((arrived) => arrived === wanted),
          arrive.filter((other) => other === wanted),
        );
    } finally {
      rmSync(project, { recursive: true, force: true });
    }
  });
}

for (const { name, code } of inLanguage('dockerfile'))
  test(`${name}: stages of one system, nothing of the build machine, Node.js as process 1`, () => {
    const lines = code
      .trim()
      .split('\n')
      .filter((line) => line !== '');
    const [stages, copies] = [/^FROM (\S+)(?: AS (\w+))?$/, /^COPY --from=(\w+) /].map((pattern) =>
      lines.map((line) => pattern.exec(line)).filter(Boolean),
    );
    const names = stages.map(([, , stage]) => stage);
    assert.ok(copies.length > 0);
    for (const [, from] of copies) assert.ok(names.includes(from), `no stage ${from}`);
    const libcs = new Set(stages.map(([, image]) => (/alpine/.test(image) ? 'musl' : 'glibc')));
    assert.equal(libcs.size, 1, 'an addon for one C library under another one');
    const versions = new Set(stages.map(([, image]) => /node(?:js|:)(\d+)/.exec(image)[1]));
    assert.equal(versions.size, 1, 'two versions of Node.js');
    assert.ok(!/--(omit|no)[= -]optional/.test(code), 'the addon is an optional dependency');
    const at = (words) => lines.findIndex((line) => line.startsWith(words));
    assert.ok(
      at('RUN npm ci') !== -1 && at('RUN npm ci') < at('COPY . .'),
      '`npm ci` runs before the sources are there',
    );
    assert.ok(JSON.parse(/^CMD (.*)$/m.exec(code)[1]).includes('app.cjs'), 'a shell would be process 1');
  });

for (const { name, code } of inLanguage('json')) test(name, () => assert.ok(JSON.parse(code)));

for (const { name, code } of inLanguage('diff')) {
  test(name, () => {
    const lines = code.trim().split('\n').filter(Boolean);
    for (const line of lines) assert.match(line, /^[-+ ]/, `${name}: ${line}`);
    const imports = code.matchAll(/^([-+]).*\{ (.+) \} (?:= require\(|from )['"]([^'"]+)['"]/gm);
    const added = [];
    for (const [, sign, names, id] of imports) {
      if (sign === '+') added.push(id);
      if (!canResolve(id)) continue; // a path inside somebody's SDK
      for (const exported of names.split(', '))
        assert.ok(exported in createRequire(__filename)(id), `${id} exports ${exported}`);
    }
    assert.ok(added.length > 0 && added.every((id) => /^offloop(\/|$)/.test(id)), 'the way leads to offloop');
  });
}

/** In a project that has this repository and its OpenTelemetry packages; the package may name itself. */
function canResolve(id) {
  try {
    createRequire(__filename).resolve(id);
    return true;
  } catch {
    return false;
  }
}

function spanNames({ body, headers }) {
  return decodeRequest(body, headers['content-type']).flatMap(({ scopes }) =>
    scopes.flatMap(({ spans }) => spans.map((span) => span.name)),
  );
}

function run(program, cwd, env) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['-e', program], { cwd, env, timeout: 30_000 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve({ stdout, stderr }),
    );
  });
}

test('no page refers to a file or a heading that is not there', () => {
  for (const page of pages) {
    for (const target of linksOf(readFileSync(path.join(root, page), 'utf8'))) {
      if (/^https?:/.test(target)) continue;
      const [file, heading] = target.split('#');
      const absolute = file === '' ? path.join(root, page) : path.resolve(root, path.dirname(page), file);
      assert.ok(existsSync(absolute), `${page} refers to ${target}`);
      if (heading)
        assert.ok(anchorsOf(readFileSync(absolute, 'utf8')).includes(heading), `${page} refers to ${target}`);
    }
  }
});
