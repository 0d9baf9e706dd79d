'use strict';
// Options, defaults, variables, reasons and commands that the pages name are those of the code, and the other way round.
// Owns the comparison of words; what an option does is tested elsewhere.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const typescript = require('typescript');
const { defaultText, onPage } = require('../helpers/option_words.js');
const { OPTIONS, VARIABLES } = require('../../js/config/options/table.js');
const { SDK_VARIABLES } = require('../../js/doctor/variables.js');

const root = path.resolve(__dirname, '..', '..');
const read = (...names) => readFileSync(path.join(root, ...names), 'utf8');
const pageNames = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'examples/README.md',
  'npm/README.md',
].concat(
  readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
);
const text = pageNames.map((name) => read(name)).join('\n');
const interfaces = declarations();
const OF_THE_SDK = 'OTEL_LOG_LEVEL'; // a page compares with it
/** The name of an AsyncResource, codes of process warnings, and what Windows itself sets. */
const NO_VARIABLES = /^(OFFLOOP_(EXPORT|REGISTER_LATE|REGISTER_TWICE)|PATH|SystemRoot)$/;

/** The members of every interface of index.d.ts, with the name of their type. */
function declarations() {
  const source = typescript.createSourceFile('index.d.ts', read('index.d.ts'), typescript.ScriptTarget.Latest, true);
  const found = {};
  for (const statement of source.statements) {
    if (!typescript.isInterfaceDeclaration(statement)) continue;
    const members = statement.members.filter((member) => typescript.isPropertySignature(member));
    found[statement.name.text] = members.map((member) => ({
      name: member.name.getText(source),
      type: member.type.getText(source),
    }));
  }
  return found;
}

/** `queue.maxSpans` and the like: sections of options are interfaces of their own. Rules are no options; they have a page. */
function optionsOf(name) {
  return interfaces[name].flatMap((member) =>
    /Options$/.test(member.type) && member.type !== 'ProcessOptions' && interfaces[member.type]
      ? optionsOf(member.type).map((option) => `${member.name}.${option}`)
      : [member.name],
  );
}

/** The rows of the table behind `heading`: what stands between backticks in the first cell, and the second cell. */
function tableBehind(page, heading) {
  const [, behind] = read(page).split(heading);
  const rows = /(?:^\|.*\n)+/m.exec(behind)[0].trim().split('\n').slice(2);
  return rows
    .map((row) => row.split('|').slice(1, 3))
    .map(([first, second]) => ({
      names: [...first.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
      cell: second.trim(),
    }));
}

it('the options that the pages explain are those of the types, stock ones in the sentence, ours in the table', () => {
  const rows = tableBehind('docs/options.md', '## What Offloop adds');
  const sentence = /All options of the stock exporter \(([\s\S]*?)\)/.exec(read('docs/options.md'))[1];
  const stock = [...sentence.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  const documented = new Set([...rows.flatMap(({ names }) => names), ...stock]);
  assert.deepEqual([...documented].sort(), optionsOf('OTLPTraceExporterConfig').sort());
});

it('the options of the other classes are named too', () => {
  const monitor = tableBehind('docs/event-loop-monitor.md', 'monitor.enable();');
  assert.deepEqual(monitor.flatMap(({ names }) => names).sort(), optionsOf('EventLoopMonitorConfig').sort());
  const shared = new Set(optionsOf('OTLPTraceExporterConfig'));
  for (const name of ['FileSpanExporterConfig', 'BatchSpanProcessorConfig'])
    for (const option of optionsOf(name).filter((other) => !shared.has(other)))
      assert.ok(text.includes(`\`${option}\``), `no page names ${option} of ${name}`);
});

it('the column of defaults is that of the option table', () => {
  const rows = [
    ...tableBehind('docs/options.md', '## What Offloop adds').map((row) => [OPTIONS.OTLPTraceExporter, row]),
    ...tableBehind('docs/event-loop-monitor.md', 'monitor.enable();').map((row) => [OPTIONS.EventLoopMonitor, row]),
  ];
  for (const [options, { names, cell }] of rows)
    for (const name of names) assert.equal(cell, onPage(defaultText(options[name])), name);
  const [, waits] = /flushes, for (\d+) seconds at most/.exec(read('docs/delivery.md'));
  assert.equal(Number(waits) * 1000, OPTIONS.shutdown.timeoutMillis.fallback);
});

it('the reasons of a drop are those of the types', () => {
  const declared = /type DropReason =([\s\S]*?);/.exec(read('index.d.ts'))[1];
  const [, documented] = /- `dropped`: by reason, one of ([\s\S]*?)\. The list/.exec(read('docs/delivery.md'));
  assert.deepEqual(
    [...documented.matchAll(/`(\w+)`/g)].map(([, reason]) => reason),
    [...declared.matchAll(/'(\w+)'/g)].map(([, reason]) => reason),
  );
});

it('the variables of the environment are those that the code reads', () => {
  const ofOtlp = [
    'ENDPOINT',
    'HEADERS',
    'TIMEOUT',
    'COMPRESSION',
    'CERTIFICATE',
    'CLIENT_CERTIFICATE',
    'CLIENT_KEY',
    'PROTOCOL',
  ];
  for (const name of ofOtlp) assert.match(read('js/config/environment.js'), new RegExp(`'${name}'|_${name}\``), name);
  assert.match(read('js/config/grpc/environment.js'), /'INSECURE'/);
  const name = /\b(?:OFFLOOP|OTEL|TUSK|NAPI_RS|NODE)_[A-Z_]*[A-Z]\b/g;
  const code = filesIn('js').map((file) => read(file));
  const inCode = code.flatMap((file) =>
    [
      ...file.matchAll(/process\.env\.(\w+)|'((?:OFFLOOP|OTEL_BSP|GRPC)_\w+|(?:no_)?(?:grpc_|https?_|all_)?proxy)'/g),
    ].map(([, direct, named]) => direct ?? named),
  );
  const known = new Set([
    ...Object.keys(VARIABLES),
    ...inCode.filter((variable) => !NO_VARIABLES.test(variable)),
    ...[...ofOtlp, 'INSECURE'].flatMap((variable) => [
      `OTEL_EXPORTER_OTLP_${variable}`,
      `OTEL_EXPORTER_OTLP_TRACES_${variable}`,
    ]),
  ]);
  const ofOthers = new Set([...SDK_VARIABLES, 'OTEL_CONFIG_FILE']); // exporters do not read them; the command looks at the first
  const table = tableBehind('docs/tuning.md', '## Environment variables').flatMap(({ names }) => names);
  const listed = new Set(table.flatMap((entry) => spelledOut(entry)));
  assert.deepEqual([...listed].sort(), [...known].sort());
  // What the pages show as a typing mistake.
  const misspelt = new Set(['OFFLOOP_PROCES']);
  for (const [mentioned] of text.matchAll(name))
    assert.ok(
      misspelt.has(mentioned) ||
        known.has(mentioned) ||
        ofOthers.has(mentioned) ||
        [...known].some((variable) => variable.startsWith(`${mentioned}_`)) ||
        isCode(mentioned),
      `${mentioned} is read nowhere`,
    );
});

/** `A[_B]_C` stands for two names. */
function spelledOut(entry) {
  const optional = /^(.*)\[(\w+)\](.*)$/.exec(entry);
  return optional ? [optional[1] + optional[3], optional[1] + optional[2] + optional[3]] : [entry];
}

/** Codes of errors, and variables of Node of which docs/configuration.md says what they mean here, if anything. */
function isCode(name) {
  const isOfNode = name.startsWith('NODE_') && read('docs/configuration.md').includes(name);
  return isOfNode || /^OFFLOOP_(BINDING|FORK)/.test(name) || NO_VARIABLES.test(name) || name === OF_THE_SDK;
}

function filesIn(folder) {
  return readdirSync(path.join(root, folder), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => path.join(folder, name));
}

it('the attributes of a block span are those that are written', () => {
  const page = read('docs/event-loop-monitor.md').split('## The span')[1].split('\n## ')[0];
  const rust = readdirSync(path.join(root, 'src/monitor'), { recursive: true })
    .filter((name) => name.endsWith('.rs'))
    .map((name) => read('src/monitor', name));
  const written = new Set(
    [...rust, read('js/monitor/block_span.js')].flatMap((code) => code.match(/(?<=["'])event_loop\.block\.\w+/g) ?? []),
  );
  const prefixed = page.replaceAll(/`\.(\w+)`/g, '`event_loop.block.$1`');
  const documented = new Set(prefixed.match(/event_loop\.block\.\w+/g));
  assert.deepEqual([...documented].sort(), [...written].sort());
});

it('every command is one that exists, with options that its script knows', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const commands = text.match(
    /\b(?:npm (?:run [\w:-]+|start\b|test\b)|node (?:\.\.\/)*(?:scripts|demo)\/[\w/]+\.mjs(?: (?![|#`\s])[^`\n]*)?)/g,
  );
  assert.ok(commands.length > 15, `${commands.length} commands`);
  for (const command of new Set(commands)) {
    const [program, first, second] = command.replaceAll('../../', '').split(' ');
    if (program === 'npm') {
      assert.ok((first === 'run' ? second : first) in scripts, command);
      continue;
    }
    assert.ok(existsSync(path.join(root, first)), command);
    for (const [, option] of command.split(' -- ')[0].matchAll(/ --(\w+)/g))
      assert.match(read(first), new RegExp(`['\\s-]${option}\\b`), command);
  }
});

it('every benchmark that a page repeats is one that there is', () => {
  const filters = [...read('docs/performance.md').matchAll(/npm run bench -- '([^']+)'/g)].map(([, filter]) => filter);
  const list = execFileSync(process.execPath, ['bench/run.mjs', '--list', '--all'], { cwd: root, encoding: 'utf8' });
  const cases = new Set(list.split('\n').map((line) => line.replace(/ {2}\(--all\)$/, '')));
  assert.ok(filters.length > 10);
  for (const filter of filters) assert.ok(cases.has(filter), filter);
});
