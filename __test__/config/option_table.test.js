'use strict';
// The option table beside everything that speaks of options: the declaration files and their comments, the pages, the
// core's defaults; and every row of it beside every odd value. What classes do with odd values: option_values.long.test.js.

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const typescript = require('typescript');
const { withEnvironment, recordDiag } = require('../helpers/config/recorder.js');
const { ODD_VALUES, optionsWith } = require('../helpers/odd_values.js');
const { defaultText, rowsOf } = require('../helpers/option_words.js');
const { OPTIONS, VARIABLES } = require('../../js/config/options/table.js');
const { readOptions, readVariable } = require('../../js/config/options/read.js');

const root = path.resolve(__dirname, '..', '..');
const read = (name) => readFileSync(path.join(root, name), 'utf8');

/** Interface -> member -> `{ type, comment }`, of a declaration file. */
function interfacesOf(file) {
  const source = typescript.createSourceFile(file, read(file), typescript.ScriptTarget.Latest, true);
  const found = {};
  for (const statement of source.statements.filter(typescript.isInterfaceDeclaration)) {
    const members = statement.members.filter(typescript.isPropertySignature).map((member) => {
      const comments = typescript.getJSDocCommentsAndTags(member).map((doc) => doc.getText(source));
      const comment = comments.join(' ').replace(/\s*\n\s*\* ?/g, ' ');
      return [member.name.getText(source), { type: member.type.getText(source), comment }];
    });
    found[statement.name.text] = Object.fromEntries(members);
  }
  return found;
}

const ofIndex = interfacesOf('index.d.ts');
const ofTusk = interfacesOf('js/entries/tusk.d.ts');

/** Where the declarations have the options of a group; those that are taken over from another interface are given. */
const shared = Object.fromEntries(
  ['queue', 'limits', 'exit', 'onError'].map((name) => [name, ofIndex.OTLPTraceExporterConfig[name]]),
);
const sharedByRecorders = { ...shared, process: ofTusk.AdapterOptions.process };
const declared = {
  OTLPTraceExporter: ofIndex.OTLPTraceExporterConfig,
  FileSpanExporter: ofIndex.FileSpanExporterConfig,
  BatchSpanProcessor: { ...ofIndex.BatchSpanProcessorConfig, exporter: { type: 'SpanExporterLike', comment: '' } },
  EventLoopMonitor: ofIndex.EventLoopMonitorConfig,
  forceFlush: ofIndex.FlushOptions,
  shutdown: ofIndex.ShutdownOptions,
  ApiSpanAdapter: {
    ...ofTusk.ApiSpanAdapterConfig,
    ...pick(ofTusk.TdTraceExporterConfig, 'honorRetryAfter', 'transport', 'failBatchOnBadSpan'),
    ...sharedByRecorders,
  },
  FilesystemSpanAdapter: {
    ...ofTusk.FilesystemSpanAdapterConfig,
    ...pick(ofTusk.TdTraceExporterConfig, 'failBatchOnBadSpan'),
    ...sharedByRecorders,
  },
  DriftBatchSpanProcessor: { config: { type: 'DriftBatchSpanProcessorConfig', comment: '' } },
};

function pick(members, ...names) {
  return Object.fromEntries(names.map((name) => [name, members[name]]));
}

/** `queue.maxSpans` -> its member: sections are interfaces of their own. */
function flattened(members) {
  const flat = {};
  for (const [name, member] of Object.entries(members)) {
    const section = ofIndex[member.type] ?? ofTusk[member.type];
    const isSection = section !== undefined && !/Like$|Blocker$|Resource$|ProcessOptions$/.test(member.type);
    if (!isSection) flat[name] = member;
    else for (const [option, inner] of Object.entries(section)) flat[`${name}.${option}`] = inner;
  }
  return flat;
}

describe('the declaration files', () => {
  for (const [group, members] of Object.entries(declared)) {
    it(`${group}: the same options, with range and default in their comments`, () => {
      const flat = flattened(members);
      assert.deepEqual(Object.keys(flat).sort(), Object.keys(OPTIONS[group]).sort());
      for (const [name, row] of Object.entries(OPTIONS[group])) checkMember(name, row, flat[name]);
    });
  }

  it('the exporter of the recorder takes its own options and those of both adapters', () => {
    const members = { ...ofTusk.TdTraceExporterConfig, ...sharedByRecorders };
    const own = Object.keys(flattened(members));
    const rows = { ...OPTIONS.TdSpanExporter, ...OPTIONS.ApiSpanAdapter, ...OPTIONS.FilesystemSpanAdapter };
    assert.deepEqual(own.sort(), Object.keys(rows).sort());
    for (const [name, row] of Object.entries(OPTIONS.TdSpanExporter)) checkMember(name, row, members[name]);
  });

  function checkMember(name, row, { type, comment }) {
    const text = comment.replaceAll('`', '');
    const { kind, unit } = row;
    if (/^number|integer$/.test(kind.type)) {
      assert.equal(type, 'number', name);
      const words = kind.type === 'integer' ? `Integer, ${kind.range}` : kind.range && `Number, ${kind.range}`;
      assert.ok(text.includes(words), `${name} says "${text}", and not "${words}"`);
    }
    if (kind.type === 'boolean') assert.equal(type, 'boolean', name);
    for (const [word] of kind.range.matchAll(/'[^']+'/g)) assert.ok(`${type}${ofIndexMode(type)}`.includes(word), name);
    // The 256 MiB of the adapters stand on their page: the declaration is the one of every exporter.
    const standard = name === 'queue.maxBytes' ? '64 MiB' : defaultText(row).replaceAll('`', '');
    if (standard !== 'required' && standard !== '–') {
      assert.ok(text.includes(`Default ${standard}`), `${name} says "${text}", and not "Default ${standard}"`);
    }
    assert.equal(/Millis$/.test(name), unit === 'ms', `the unit of ${name}`);
    if (kind.type === 'integer') assert.equal(/Bytes$/.test(name), unit === 'bytes', `the unit of ${name}`);
  }

  function ofIndexMode(type) {
    return type.includes('TuskDriftMode') ? /type TuskDriftMode = (.*);/.exec(read('js/entries/tusk.d.ts'))[1] : '';
  }
});

describe('the pages', () => {
  const page = read('docs/options.md');

  it('docs/options.md has the table as it is', () => {
    const sections = page.split(/^## /m).slice(1);
    assert.match(sections.shift(), /^What Offloop adds\n/); // docs_tables.test.js compares that one
    assert.deepEqual(
      sections.map((section) => /\w+/.exec(section)[0]),
      Object.keys(OPTIONS),
    );
    for (const section of sections) {
      const rows = section.split('\n').filter((line) => line.startsWith('|'));
      const cells = rows.slice(2).map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
      assert.deepEqual(cells, rowsOf(/\w+/.exec(section)[0]));
    }
  });

  it('docs/tuning.md names the option that a variable is', () => {
    const lines = read('docs/tuning.md').split('\n');
    for (const [variable, [, option]] of Object.entries(VARIABLES)) {
      const row = lines.find((line) => line.includes(`\`${variable}\``));
      assert.ok(row?.includes(`\`${option}\``), `${variable}: ${row}`);
    }
  });
});

describe('the core has the defaults that the table names', () => {
  const places = {
    'queue.maxSpans': ['src/config.rs', /max_spans: ([\d_]+),/, Number],
    'queue.maxBytes': ['src/config.rs', /max_bytes: (\d+) << 20,/, (shifted) => `${shifted} MiB`],
    'limits.maxSpanBytes': [
      'js/exporter/lazy_lane.js',
      /DEFAULT_MAX_SPAN_BYTES = (\d+) << 20/,
      (shifted) => `${shifted} MiB`,
    ],
    maxConcurrency: ['src/config.rs', /max_concurrency: (\d+),/, Number],
    'retry.maxAttempts': [
      'src/config.rs',
      /max_retries: ([1-9]\d*),/,
      (retries) => `${Number(retries) + 1}, with \`maxElapsedMillis\` no limit`,
    ],
    timeoutMillis: ['js/config/timeout.js', /DEFAULT_TIMEOUT_MILLIS = (\d+)/, Number],
    maxFiles: ['src/sink/file.rs', /max_files: (\d+)/, Number],
  };
  for (const [name, [file, pattern, convert]] of Object.entries(places)) {
    it(name, () => {
      const { standard } = OPTIONS.OTLPTraceExporter[name] ?? OPTIONS.FileSpanExporter[name];
      assert.equal(convert(pattern.exec(read(file))[1].replaceAll('_', '')), standard);
    });
  }
});

const isWithin = (range, value) => {
  const [, first, last] = /(-?\d+)(?: to (\d+))?/.exec(range) ?? [];
  return first === undefined || (value >= Number(first) && value <= Number(last ?? Number.MAX_SAFE_INTEGER));
};

/** Whether a value that was read is of the kind that its row names. */
const isOfType = {
  integer: (value, { range }) => Number.isSafeInteger(value) && isWithin(range, value),
  number: (value, { range }) => typeof value === 'number' && isWithin(range, value),
  boolean: (value) => typeof value === 'boolean',
  text: (value) => typeof value === 'string',
  'text or true': (value) => value === true || typeof value === 'string',
  function: (value) => typeof value === 'function',
  object: (value) => value !== null && ['object', 'function'].includes(typeof value),
  'list of texts': (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
};

// Their meaning is decided as the stock exporter or the SDK decides it, from whatever is given.
const isRaw = (row) => row.kind.read(row) === row;
const SAME = [
  ['numeric text', 10],
  ['BigInt', 5],
];

for (const [group, rows] of Object.entries(OPTIONS)) {
  describe(`${group}: every option read from every odd value`, () => {
    for (const [name, row] of Object.entries(rows).filter(([, each]) => !isRaw(each))) {
      const readFrom = (value) =>
        name.split('.').reduce((object, part) => object[part], readOptions(rows, optionsWith(name, value)));
      it(name, () => {
        for (const [what, make] of Object.entries(ODD_VALUES)) {
          let meant;
          try {
            meant = readFrom(make());
          } catch (error) {
            const message = new RegExp(`^Configuration: ${name} is invalid, expected .+ \\(actual: .{1,120}\\)$`);
            assert.match(error.message, message, what);
            assert.ok(make() != null, `${what} means that the option is absent`);
            continue;
          }
          const isAbsent = meant === row.fallback;
          // What is no number is no limit to the stock exporter.
          const isNoLimit = name === 'concurrencyLimit' && Number.isNaN(meant);
          assert.ok(
            isAbsent || isNoLimit || isOfType[row.kind.type](meant, row.kind),
            `${what} is read as ${typeof meant} ${String(meant)}`,
          );
        }
        for (const [what, plain] of SAME)
          assertSame(
            () => readFrom(ODD_VALUES[what]()),
            () => readFrom(plain),
            row,
            what,
          );
      });
    }
  });
}

/** Text and BigInt mean the number, or nothing. */
function assertSame(readOdd, readPlain, row, what) {
  let odd;
  try {
    odd = readOdd();
  } catch {
    return;
  }
  if (row.kind.type === 'number') assert.equal(odd, readPlain(), what);
  else assert.ok(/^text/.test(row.kind.type) || odd === row.fallback, `${what} was taken for a ${row.kind.type}`);
}

describe('every variable with every odd text', () => {
  for (const variable of Object.keys(VARIABLES)) {
    it(variable, async () => {
      const [group, option] = VARIABLES[variable];
      const { kind } = OPTIONS[group][option];
      const texts = [
        '10',
        ' 10 ',
        '0x10',
        'abc',
        '',
        ' ',
        'NaN',
        '-1',
        '0',
        '1.5',
        '2147483648',
        '4294967297',
        '1e300',
      ].concat(['9007199254740992', 'Infinity', '-Infinity', 'null', 'undefined', 'true', '[object Object]', '10n']);
      for (const text of texts) {
        const { value, lines } = await withEnvironment({ [variable]: text }, () =>
          recordDiag(() => readVariable(variable)),
        );
        if (text.trim() === '') assert.deepEqual([value, lines], [undefined, []], text);
        else if (value === undefined)
          assert.match(
            lines.join(),
            new RegExp(`^warn: Unknown value '.*' for ${variable}, expected a number.*, using defaults$`),
          );
        else assert.ok(isOfType.number(value, kind) && !Number.isNaN(value) && lines.length === 0, `${text}: ${value}`);
      }
    });
  }
});
