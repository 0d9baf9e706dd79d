// What looking at span files costs: reading them beside other parsers, questions, a gigabyte, loading the exporters.
// CPU time wherever a machine that does other things would falsify time.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { OURS } from '../harness/contenders.mjs';
import { threadCpuMicros } from '../harness/cpu.mjs';
import { cargoMissing, checked, filesOf, parsersProgram, spanFiles, viewerProgram } from '../harness/viewer_files.mjs';
import { runMeasured } from '../harness/viewer_process.mjs';

export const name = 'viewer';
export const title = 'Viewer: span files into the index, questions, a gigabyte, loading the exporters';
export const heavy = true;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const JSON_PARSE = 'JSON.parse alone';
const WITHOUT = 'without the viewer';
/** About a gigabyte in the shape of FileSpanExporter. */
const GIGABYTE_SPANS = 1_140_000;
const LARGE_TRACE = 222_000;
const STARTS = 5;

const row = (what, unit, metric, more) => ({ what, unit, metric, subject: OURS, ...more });

/** The native programs read the files anew each time, so that none inherits memory of another. */
function parser(who, what) {
  return {
    name: who,
    absent: cargoMissing(),
    setUp: () => ({ program: parsersProgram(), directory: spanFiles('many', 200_000) }),
    body: (_round, { program, directory }) => {
      const { memory, count, ...figures } = JSON.parse(checked(program, [what, directory]));
      return { ...figures, bytesPerSpan: memory / count };
    },
  };
}

const jsonParse = {
  name: JSON_PARSE,
  absent: null,
  setUp: () =>
    filesOf(spanFiles('many', 200_000)).flatMap((file) => readFileSync(file, 'latin1').split('\n').filter(Boolean)),
  body(_round, lines) {
    const started = threadCpuMicros();
    let bytes = 0;
    for (const line of lines) {
      if (JSON.parse(line).resourceSpans.length === 0) throw new Error('a line without spans');
      bytes += line.length + 1;
    }
    return { megabytesPerCpuSecond: bytes / (threadCpuMicros() - started), bytesPerSpan: Number.NaN };
  },
};

const SIZES = { twenty: ['one', 20_000], large: ['one', LARGE_TRACE], deep: ['deep', LARGE_TRACE] };

const questions = {
  name: OURS,
  absent: cargoMissing(),
  setUp: () => ({
    program: parsersProgram(),
    directories: Object.entries(SIZES).map(([size, [shape, spans]]) => [size, spanFiles(shape, spans)]),
  }),
  body: (_round, { program, directories }) =>
    Object.fromEntries(
      directories.flatMap(([size, directory]) => {
        const figures = JSON.parse(checked(program, ['questions', directory]));
        return Object.entries(figures).map(([figure, value]) => [`${size}.${figure}`, value]);
      }),
    ),
};

/** `stats` of a gigabyte, from files and through a pipe. */
const gigabyte = {
  name: OURS,
  absent: cargoMissing(),
  setUp() {
    const directory = spanFiles('many', GIGABYTE_SPANS);
    return { program: viewerProgram(), directory };
  },
  async body(_round, { program, directory }) {
    const fromFiles = await runMeasured(program, ['stats', '--json', '--quiet', '--strict', directory]);
    const inputs = filesOf(directory);
    const pipe = await runMeasured(program, ['stats', '--json', '--quiet', '--strict', '-'], { inputs });
    for (const { output } of [fromFiles, pipe]) {
      const seen = JSON.parse(output).files.reduce((sum, file) => sum + file.shown, 0);
      if (seen !== GIGABYTE_SPANS) throw new Error(`${seen} of ${GIGABYTE_SPANS} spans`);
    }
    return {
      cpuSeconds: fromFiles.cpuSeconds,
      peakMB: fromFiles.peakBytes / 1e6,
      pipeCpuSeconds: pipe.cpuSeconds,
      pipePeakMB: pipe.peakBytes / 1e6,
    };
  },
};

/** Copies of the package, so that both are loaded from the same kind of place. */
function loading(who, leftOut) {
  return {
    name: who,
    absent: null,
    setUp() {
      const home = mkdtempSync(join(tmpdir(), 'offloop-load-'));
      const names = ['index.js', 'package.json', 'js', 'addon', 'bin'].filter((each) => !leftOut.includes(each));
      for (const each of names)
        cpSync(join(ROOT, each), join(home, each), {
          recursive: true,
          filter: (source) =>
            !leftOut.some((part) => source === join(ROOT, part)) && !/addon\/(src|target)/.test(source),
        });
      return home;
    },
    body(_round, home) {
      const program = `const before = process.cpuUsage(); require(${JSON.stringify(home)}).BatchSpanProcessor;
        const { user, system } = process.cpuUsage(before);
        const files = Object.keys(require.cache).map((file) => file.slice(${home.length})).sort();
        console.log(JSON.stringify({ millis: (user + system) / 1000, files }));`;
      const runs = Array.from({ length: STARTS }, () => JSON.parse(checked(process.execPath, ['-e', program])));
      if (runs.some(({ files: loaded }) => loaded.some((file) => /viewer|^.bin/.test(file))))
        throw new Error('a file of the viewer was loaded');
      const sorted = runs.map(({ millis }) => millis).sort((one, other) => one - other);
      return { loadMillis: sorted[(STARTS - 1) / 2], files: runs[0].files.length };
    },
    tearDown: (home) => rmSync(home, { recursive: true, force: true }),
  };
}

/** The rows of this scenario. */
export function cases() {
  return [
    {
      name: 'reading',
      note: '200,000 spans in 166 MB, lines in memory; one thread; the index with every attribute',
      contenders: [
        parser(OURS, 'index'),
        jsonParse,
        parser('simd-json tape alone', 'tape'),
        parser('sonic-rs Value alone', 'sonic'),
      ],
      limitSeconds: 1800,
      rows: [
        row('reading', 'MB per CPU second', 'megabytesPerCpuSecond', {
          higherIsBetter: true,
          atLeast: 250,
          timesBetter: { [JSON_PARSE]: 2.5 },
        }),
        row('index', 'bytes per span', 'bytesPerSpan', { atMost: 250 }),
      ],
    },
    {
      name: 'questions',
      note: 'means of many; 222,000 spans in one trace unless another size is named',
      contenders: [questions],
      limitSeconds: 1800,
      rows: [
        row('tree of 20,000', 'CPU ms', 'twenty.tree', { atMost: 4 }),
        row('tree', 'CPU ms', 'large.tree', { atMost: 60 }),
        row('tree of a chain', 'CPU ms', 'deep.tree', { atMost: 150 }),
        row('critical path', 'CPU ms', 'large.critical path', { atMost: 40 }),
        row('skeleton, all pieces', 'CPU ms', 'large.skeleton, all pieces', { atMost: 30 }),
        row('percentiles of all operations', 'CPU ms', 'large.percentiles of all operations', { atMost: 15 }),
        row('one attribute', 'CPU ms', 'large.filter: one attribute', { atMost: 15 }),
        row('a text in indexed values', 'CPU ms', 'large.filter: text in values', { atMost: 25 }),
      ],
    },
    {
      name: '1 GB',
      note: `${GIGABYTE_SPANS.toLocaleString('en-US')} spans, offloop stats --json; all threads`,
      contenders: [gigabyte],
      limitSeconds: 1800,
      warmUpRounds: 0,
      rows: [
        row('files', 'CPU s', 'cpuSeconds', { atMost: 4.5 }),
        row('most that was resident', 'MB', 'peakMB', { atMost: 350 }),
        row('through a pipe', 'CPU s', 'pipeCpuSeconds', { atMost: 4.5 }),
        row('most that was resident with a pipe', 'MB', 'pipePeakMB', { atMost: 350 }),
      ],
    },
    {
      name: 'loading the exporters',
      note: `require('offloop') in fresh processes, medians of ${STARTS}; fails if a file of the viewer is loaded`,
      contenders: [loading(OURS, []), loading(WITHOUT, ['bin', 'js/viewer'])],
      rows: [
        row('CPU', 'ms', 'loadMillis', { atMostOver: { [WITHOUT]: 1 } }),
        row('files', '', 'files', { atMostOver: { [WITHOUT]: 0 } }),
      ],
    },
  ];
}
