'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const {
  exported,
  fileExporter,
  readTraceFiles,
  recordedSpan,
  temporaryDirectory,
} = require('../helpers/tusk_exporter.js');

// The file per trace: names, appends, hostile trace ids, and what a disk can do.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const TRACE = 'b348ad42b929743b82c2089f0991edbb';

function linesOf(directory) {
  return Object.values(readTraceFiles(directory)).flat();
}

/** Source of a program that records `count` spans of one trace per export to `directory`. */
function recordingProgram(directory, body) {
  return `
    const { TdSpanExporter } = require('./js/entries/tusk.js');
    const { exported, recordedSpan } = require('./__test__/helpers/tusk_exporter.js');
    const traceId = '${TRACE}';
    const make = (options) => new TdSpanExporter({ mode: 'RECORD', baseDirectory: ${JSON.stringify(directory)}, ...options });
    (async () => { ${body} })();`;
}

test('R81 fifty concurrent exports of one trace: every line whole, one file, the order of the calls', async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = fileExporter(t, { directory });
  const batches = Array.from({ length: 50 }, (_, batch) =>
    Array.from({ length: 20 }, (_, nth) =>
      recordedSpan({
        traceId: TRACE,
        attributes: { 'td.inputValue': JSON.stringify({ batch, nth, pad: 'x'.repeat(3000) }) },
      }),
    ),
  );
  const results = await Promise.all(batches.map((batch) => exported(exporter, batch)));
  assert.ok(results.every(({ code }) => code === 0));
  assert.equal(fs.readdirSync(directory).length, 1);
  const inputs = linesOf(directory).map((line) => JSON.parse(line).inputValue);
  assert.equal(inputs.length, 1000);
  for (const { batch } of inputs) {
    const own = inputs.filter((input) => input.batch === batch).map(({ nth }) => nth);
    assert.deepEqual(
      own,
      [...own].sort((a, b) => a - b),
    );
  }
});

test('R82 one file per trace, named by its first export; the permissions of the recorder', async (t) => {
  const directory = path.join(temporaryDirectory(t), 'made', 'on demand');
  const exporter = fileExporter(t, { directory });
  assert.ok(fs.existsSync(directory), 'the constructor makes it');
  const other = 'a'.repeat(32);
  const before = new Date().toISOString().replace(/[:.]/g, '-');
  await exported(exporter, [
    recordedSpan({ traceId: TRACE }),
    recordedSpan({ traceId: other }),
    recordedSpan({ traceId: TRACE }),
  ]);
  const names = fs.readdirSync(directory).sort();
  await exported(exporter, [recordedSpan({ traceId: other })]);
  assert.deepEqual(fs.readdirSync(directory).sort(), names);
  const lines = readTraceFiles(directory);
  assert.deepEqual([lines[TRACE].length, lines[other].length], [2, 2]);
  for (const name of names) assert.ok(name >= before && name < '3');
  if (process.platform !== 'win32') {
    assert.equal(fs.statSync(path.join(directory, names[0])).mode & 0o777, 0o666 & ~process.umask() & 0o644);
  }
});

for (const way of ['native', 'objects']) {
  test(`R83 F76 a trace id that is no trace id never becomes a path: ${way}`, async (t) => {
    const directory = path.join(temporaryDirectory(t), 'base');
    const exporter = fileExporter(t, { directory, way });
    const hostile = [
      '../../../x',
      '/../../escaped',
      '..',
      '',
      `${TRACE.slice(1)}/`,
      TRACE.toUpperCase(),
      TRACE.slice(1),
      `${TRACE}0`,
      `${TRACE.slice(1)}\0`,
      `${TRACE.slice(1)}:`,
      'f'.repeat(10_000),
    ];
    const spans = [recordedSpan({ traceId: TRACE }), ...hostile.map((traceId) => recordedSpan({ traceId }))];
    assert.deepEqual(await exported(exporter, spans), { code: 0 }, 'they cost only themselves');
    assert.deepEqual(Object.keys(readTraceFiles(directory)), [TRACE]);
    assert.deepEqual(fs.readdirSync(path.dirname(directory)), ['base'], 'nothing outside');
    const strict = fileExporter(t, { directory, way, failBatchOnBadSpan: true });
    const { code, error } = await exported(strict, [recordedSpan({ traceId: '../x' })]);
    assert.equal(code, 1);
    assert.ok(error instanceof Error);
    assert.deepEqual(fs.readdirSync(path.dirname(directory)), ['base']);
  });

  test(`R76 a file in the place of the directory is a failure that heals: ${way}`, async (t) => {
    const directory = path.join(temporaryDirectory(t), 'base');
    const exporter = fileExporter(t, { directory, way });
    const hiding = fileExporter(t, { directory, way, ignoreSinkErrors: true });
    fs.rmdirSync(directory);
    fs.writeFileSync(directory, 'not a directory');
    const { code, error } = await exported(exporter, [recordedSpan()]);
    assert.equal(code, 1);
    assert.ok(error instanceof Error);
    assert.match(error.message, process.platform === 'win32' ? /EEXIST|ENOTDIR/ : /ENOTDIR/);
    assert.deepEqual(await exported(hiding, [recordedSpan()]), { code: 0 }, 'as it was before, if asked');
    fs.rmSync(directory);
    fs.mkdirSync(directory);
    assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
    assert.equal(linesOf(directory).length, 1);
  });
}

test('a directory that disappears comes back', async (t) => {
  const directory = path.join(temporaryDirectory(t), 'base');
  const exporter = fileExporter(t, { directory });
  await exported(exporter, [recordedSpan({ traceId: TRACE })]);
  fs.rmSync(directory, { recursive: true });
  assert.deepEqual(await exported(exporter, [recordedSpan({ traceId: TRACE })]), { code: 0 });
  assert.equal(linesOf(directory).length, 1);
});

test('the files go on after shutdown, under new names', async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = fileExporter(t, { directory });
  await exported(exporter, [recordedSpan({ traceId: TRACE })]);
  await exporter.shutdown();
  await new Promise((resolve) => setTimeout(resolve, 2)); // names hold milliseconds
  assert.deepEqual(await exported(exporter, [recordedSpan({ traceId: TRACE })]), { code: 0 });
  assert.equal(linesOf(directory).length, 2);
});

test('an export that nobody waits for is written before a natural end, and by shutdown', async (t) => {
  const directory = temporaryDirectory(t);
  const spans = 'Array.from({ length: 300 }, () => recordedSpan({ traceId }))';
  const ending = recordingProgram(directory, `make().export(${spans}, () => {});`);
  assert.equal((await runProgram(ending)).code, 0);
  assert.equal(linesOf(directory).length, 300);
  const exiting = recordingProgram(directory, `make().export(${spans}, () => {}); process.exit(0);`);
  assert.equal((await runProgram(exiting)).code, 0);
  assert.equal(linesOf(directory).length, 600);
});

const unix = { skip: process.platform === 'win32' && 'limits of a Unix shell' };

test('R76 F74 a disk that takes no more: FAILED, and no half line', unix, async (t) => {
  const directory = temporaryDirectory(t);
  // 64 blocks of 512 or 1024 bytes: the third batch of about 20 kB does not fit.
  const program = recordingProgram(
    directory,
    `const exporter = make();
     const span = () => recordedSpan({ traceId, attributes: { 'td.inputValue': JSON.stringify('x'.repeat(20000)) } });
     const codes = [];
     for (let i = 0; i < 6; i++) codes.push((await exported(exporter, [span()])));
     console.log(JSON.stringify(codes.map(({ code, error }) => error?.code ?? code)));`,
  );
  const { stdout } = await runLimited('ulimit -f 64', program);
  const codes = JSON.parse(stdout);
  assert.equal(codes[0], 0);
  assert.equal(codes.at(-1), 'EFBIG');
  const lines = linesOf(directory);
  assert.equal(lines.length, codes.filter((code) => code === 0).length);
  for (const line of lines) JSON.parse(line);
});

test('F80 no free descriptor: FAILED, no crash, and it heals', unix, async (t) => {
  const directory = temporaryDirectory(t);
  const program = recordingProgram(
    directory,
    `const fs = require('node:fs');
     const exporter = make();
     const codes = [await exported(exporter, [recordedSpan({ traceId })])];
     const held = [];
     try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
     codes.push(await exported(exporter, [recordedSpan({ traceId })]));
     for (const fd of held) fs.closeSync(fd);
     codes.push(await exported(exporter, [recordedSpan({ traceId })]));
     console.log(JSON.stringify(codes.map(({ code, error }) => error?.code ?? code)));`,
  );
  const { stdout, stderr } = await runLimited('ulimit -n 128', program);
  assert.deepEqual(JSON.parse(stdout || '[]'), [0, 'EMFILE', 0], stderr);
  assert.equal(linesOf(directory).length, 2);
});

/** Runs a program under a limit of the shell. */
function runLimited(limit, program) {
  const script = `
    const { spawnSync } = require('node:child_process');
    const command = ${JSON.stringify(`${limit}; exec "$0" -e "$PROGRAM"`)};
    const options = { encoding: 'utf8', env: { ...process.env, PROGRAM: ${JSON.stringify(program)} } };
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command, process.execPath], options);
    process.stdout.write(stdout);
    process.stderr.write(stderr);`;
  return runProgram(script);
}

test('F78 four processes, one directory, one trace: every line there, every line whole', async (t) => {
  const directory = temporaryDirectory(t);
  const lines = isLong ? 10_000 : 1_000;
  const program = recordingProgram(
    directory,
    `const exporter = make();
     for (let left = ${lines}; left > 0; left -= 50) {
       const { code } = await exported(exporter, Array.from({ length: 50 }, () => recordedSpan({ traceId })));
       if (code !== 0) process.exit(1);
     }`,
  );
  const runs = await Promise.all(Array.from({ length: 4 }, () => runProgram(program, { limitMillis: 60_000 })));
  assert.deepEqual(
    runs.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  const written = linesOf(directory);
  assert.equal(written.length, 4 * lines);
  for (const line of written) assert.equal(JSON.parse(line).traceId, TRACE);
});

test('F79 killed while it writes: only a last line may be torn, and the next process begins a new file', async (t) => {
  const directory = temporaryDirectory(t);
  const program = recordingProgram(
    directory,
    `const exporter = make();
     const span = () => recordedSpan({ traceId, attributes: { 'td.inputValue': JSON.stringify('x'.repeat(100000)) } });
     console.log('started');
     for (;;) await exported(exporter, Array.from({ length: 20 }, span));`,
  );
  let known = [];
  const kills = isLong ? 30 : 5;
  for (let nth = 0; nth < kills; nth++) {
    await runProgram(program, {
      onStart: (child) => {
        // Some time after the first lines: as soon as the file of this process has grown a little.
        const watch = setInterval(() => {
          const names = fs.readdirSync(directory).filter((name) => !known.includes(name));
          const bytes = names.reduce((sum, name) => sum + fs.statSync(path.join(directory, name)).size, 0);
          if (bytes < 1_000_000 * (1 + nth)) return;
          clearInterval(watch);
          child.kill('SIGKILL');
        }, 1);
        child.once('exit', () => clearInterval(watch));
      },
    });
    const names = fs.readdirSync(directory);
    assert.equal(names.length, known.length + 1, 'a file of its own');
    known = names;
  }
  for (const name of known) {
    const lines = fs.readFileSync(path.join(directory, name), 'utf8').split('\n');
    const last = lines.pop(); // torn, or nothing
    assert.ok(lines.length >= 1);
    for (const line of lines) assert.equal(JSON.parse(line).traceId, TRACE);
    assert.ok(last === '' || last.startsWith('{"traceId"'));
  }
});
