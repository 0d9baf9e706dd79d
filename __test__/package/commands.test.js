'use strict';
// Every command that a page shows is run here as it stands, or says what runs it in its place (R105).

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { pages } = require('../helpers/pages.js');

const root = path.resolve(__dirname, '..', '..');
const isWindows = process.platform === 'win32';

/**
 * Commands, by their beginning, that no test of this file can run, and what runs them or their like. A path in the reason has to
 * be there.
 */
const ELSEWHERE = [
  [/^git (clone|tag|push)\b/, 'asks the network; .github/workflows/ci.yml begins with a checkout'],
  [/^cd (offloop|\.\.\/your-project)$/, 'the folder is the reader’s; scripts/try/packages.mjs installs into projects'],
  [
    /^npm (ci|install|uninstall|start|pack|version|dist-tag|audit)\b/,
    'installs, publishes or runs for minutes; scripts/try/packages.mjs',
  ],
  [/^(npm (run|test)|cargo|rustup|node (bench|scripts|demo)|node --test)\b/, '__test__/package/docs_tables.test.js'],
  [/^node \.\.\/\.\.\/scripts\//, '__test__/package/docs_tables.test.js'],
  [/^(for target in|done$)/, 'builds for other platforms; .github/workflows/ci.yml'],
  [/^curl http:\/\/localhost:\d+\//, 'asks an example; scripts/try/examples.mjs'],
  [/^otelcol-contrib /, 'needs the Collector; scripts/try/collector.mjs, .github/workflows/ci.yml'],
  [/^(pip install|ssh|find|gzip|zstd)\b/, 'programs of others'],
  [/^offloop (stats|query|trace|blocks|export) (?!--json)/, 'viewer/tests/documents.rs compares what it prints'],
  [/^(OFFLOOP_LOG=info )?node --require \.\/tracing\.cjs app\.cjs/, 'needs Express; scripts/try/examples.mjs'],
  [/^node .*(@elastic|@aws|auto-instrumentations-node)/, 'packages of others; scripts/try/zero_code.mjs'],
  [/^NODE_OPTIONS=.* next start$/, 'Next.js; scripts/try/zero_code.mjs'],
  [/^npx napi /, 'a tool of those who build; npm/README.md'],
];

/** Commands that are run, as a shell takes them, in a project with an application, spans and Offloop. */
const RUN = [
  [/^npx --no-install offloop doctor/, { status: [0, 1], prints: /^offloop doctor \d/ }],
  [/^node node_modules\/offloop\/bin\/offloop\.js doctor$/, { status: [0, 1], prints: /^offloop doctor \d/ }],
  [/^npx --no-install offloop stats/, { prints: /^SERVICE/ }],
  [/^offloop stats --json/, { prints: /^\{/ }],
  [/^npx --no-install offloop blocks/, { prints: /^FUNCTION/ }],
  [/^(npx --no-install )?offloop view/, { prints: /^http:\/\/127\.0\.0\.1:\d+\/#token=/, isEndless: true }],
  [/^node --(import|require) offloop\/register$/, { prints: /^$/ }],
  [/^(\w+=\S+ )*node --(import|require) offloop\/register\b/, { prints: /^the application ran\n/ }],
];

const STARTS =
  /^(?:\w+=(?:'[^']*'|"[^"]*"|[^\s'"]\S*) )*(?:npx|npm|node|next|cargo|rustup|offloop|git|curl|pip|ssh|find|gzip|zstd)\b/;

/** The lines of `sh` blocks, and what stands in backticks with more than one word and begins like a command. */
function commandsOf(page) {
  const text = readFileSync(path.join(root, page), 'utf8');
  const found = [];
  for (const [, language, block] of text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)) {
    if (language === 'sh') found.push(...block.replaceAll('\\\n', '').split('\n'));
    if (language === 'text') found.push(...[...block.matchAll(/^\$ (.+)$/gm)].map(([, line]) => line));
  }
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  for (const [, words] of prose.matchAll(/`([^`\n]+ [^`\n]+)`/g)) if (STARTS.test(words)) found.push(words);
  return found
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(' && '))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(offloop|npm|node|cargo|npx) [\w-]+$/.test(line));
}

/** The pages of docs/spec are for tests: what stands there in backticks are names of tests. */
const commands = [...new Set(pages.filter((page) => !page.startsWith('docs/spec/')).flatMap(commandsOf))];
const isRun = (command) => RUN.find(([pattern]) => pattern.test(command));
const isElsewhere = (command) => ELSEWHERE.find(([pattern]) => pattern.test(command));

it('every command is run here or says what runs it, and no entry of either list is left over (R105)', () => {
  assert.ok(commands.length > 40, `${commands.length} commands`);
  const unknown = commands.filter((command) => !isRun(command) && !isElsewhere(command));
  assert.deepEqual(unknown, []);
  for (const [pattern] of [...RUN, ...ELSEWHERE])
    assert.ok(
      commands.some((command) => pattern.test(command)),
      `no page has ${pattern}`,
    );
  for (const [, reason] of ELSEWHERE)
    for (const [file] of reason.matchAll(/[\w.]+(?:\/[\w.]+)+\.\w+/g))
      assert.ok(existsSync(path.join(root, file)), file);
});

describe('commands of the pages', { concurrency: 2, skip: isWindows && 'they are written for a POSIX shell' }, () => {
  let project;

  before(() => {
    project = mkdtempSync(path.join(tmpdir(), 'offloop-commands-'));
    const modules = path.join(project, 'node_modules');
    mkdirSync(path.join(modules, '.bin'), { recursive: true });
    symlinkSync(root, path.join(modules, 'offloop'));
    symlinkSync(path.join(root, 'bin', 'offloop.js'), path.join(modules, '.bin', 'offloop'));
    symlinkSync(path.join(root, 'node_modules', '@opentelemetry'), path.join(modules, '@opentelemetry'));
    cpSync(path.join(root, 'viewer', 'tests', 'fixtures', 'spans'), path.join(project, 'spans'), { recursive: true });
    writeFileSync(path.join(project, 'package.json'), '{ "name": "shop", "private": true }');
    const program = "console.log('the application ran');\n";
    for (const name of ['app.js', 'app.cjs', 'main.js', 'app.mjs']) writeFileSync(path.join(project, name), program);
    for (const name of ['tracing.js', 'tracing.cjs', 'tracing.mjs']) writeFileSync(path.join(project, name), '');
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  const shell = (command) => [
    'sh',
    ['-c', command],
    {
      cwd: project,
      env: { ...cleanEnvironment(), PATH: `${path.join(project, 'node_modules', '.bin')}:${process.env.PATH}` },
    },
  ];

  for (const command of commands.filter((each) => isRun(each) && !isElsewhere(each))) {
    const [, { prints, status = [0], isEndless = false }] = isRun(command);
    it(`${command} (R105)`, async () => {
      if (isEndless) return void (await endless(shell(`exec ${command}`), prints));
      const [program, words, options] = shell(command);
      const result = spawnSync(program, words, { ...options, encoding: 'utf8', timeout: 60_000 });
      assert.ok(status.includes(result.status), `${result.status}: ${result.stdout}${result.stderr}`);
      assert.match(result.stdout, prints);
    });
  }
});

/** A command that goes on until Ctrl-C: it has printed what it should, and then ends by the signal in its own way. */
async function endless([program, words, options], prints) {
  const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  const limit = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), 60_000);
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
    if (prints.test(output)) process.kill(-child.pid, 'SIGINT'); // to all of the group, as a terminal does
  });
  const [code, signal] = await new Promise((resolve) => child.once('close', (...how) => resolve(how)));
  clearTimeout(limit);
  assert.match(output, prints);
  assert.ok(code === 130 || signal === 'SIGINT', `${code} ${signal}`); // npx dies of the signal, the command does not
}

/** Assignments of variables that pages show, in backticks: with each of them the classes are made without a complaint. */
const ASSIGNMENT = /`((?:OTEL|OFFLOOP)_[A-Z_]+)=([^`\s…<]+)`/g;
const assignments = new Map(
  pages.flatMap((page) =>
    [...readFileSync(path.join(root, page), 'utf8').matchAll(ASSIGNMENT)].map(([whole, name, value]) => [
      whole.slice(1, -1),
      { name, value },
    ]),
  ),
);

it('every variable of the pages is set as the pages set it, and nothing complains (R105)', () => {
  assert.ok(assignments.size > 5, `${assignments.size} assignments`);
  const program = `require('offloop/register');
    const { BatchSpanProcessor, OTLPTraceExporter } = require('offloop');
    const said = [];
    const { diag, DiagLogLevel } = require('@opentelemetry/api');
    const hear = (...words) => said.push(words.join(' '));
    diag.setLogger({ error: hear, warn: hear, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
    const exporters = ['http/protobuf', 'grpc'].map((protocol) => new OTLPTraceExporter({ protocol }));
    exporters.push(new OTLPTraceExporter({ protocol: 'env' }));
    new BatchSpanProcessor(exporters[0]);
    process.stdout.write(JSON.stringify(said));`;
  for (const [words, { name, value }] of assignments) {
    const env = { ...cleanEnvironment(), [name]: value };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
      cwd: root,
      env,
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [0, '[]'], `${words}: ${stderr}`);
  }
});

/** The developer's own settings must not reach them. */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OTEL_|OFFLOOP_|NODE_OPTIONS$|NODE_TEST_CONTEXT$|npm_)/i.test(name),
    ),
  );
}
