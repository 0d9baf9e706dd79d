'use strict';
// What SECURITY.md and docs/record-replay.md promise of files, over every public way that ends in one: promise × way.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { arrived, linesOf, made, row, temporaryDirectory } = require('../helpers/promise_table.js');
const { WRITING } = require('../helpers/ways_in.js');

const HALF_A_PAIR = /\\ud[89a-f][0-9a-f]{2}/i;
const unix = { skip: process.platform === 'win32' && 'limits, links and permissions of Unix' };

/** Runs a program under a limit of the shell. */
function runLimited(limit, program) {
  const script = `
    const { spawnSync } = require('node:child_process');
    const command = ${JSON.stringify(`${limit}; exec "$0" -e "$PROGRAM"`)};
    const options = { encoding: 'utf8', env: { ...process.env, PROGRAM: ${JSON.stringify(program)} } };
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command, process.execPath], options);
    process.stdout.write(stdout);
    process.stderr.write(stderr);`;
  return runProgram(script, { limitMillis: 60_000 });
}

test('a disk that takes no more: a failure and no half line, on every way, and it heals', unix, async (t) => {
  const directories = Object.fromEntries(Object.keys(WRITING).map((name) => [name, temporaryDirectory(t)]));
  // 64 blocks of 512 or 1024 bytes for each file.
  const { stdout, stderr } = await runLimited(
    'ulimit -f 64',
    `
    const fs = require('node:fs');
    const { WRITING } = require('./__test__/helpers/ways_in.js');
    const directories = ${JSON.stringify(directories)};
    const id = 'a'.repeat(32);
    (async () => {
      const results = {};
      for (const [name, way] of Object.entries(WRITING)) {
        const target = way.make({ directory: directories[name] });
        const send = async () => (await target.send([way.span({ payload: 'x'.repeat(9000), id })])).ok;
        results[name] = [];
        for (let nth = 0; nth < 10; nth += 1) results[name].push(await send());
        const [file] = fs.readdirSync(directories[name]).map((file) => directories[name] + '/' + file);
        const text = fs.readFileSync(file, 'utf8');
        fs.writeFileSync(file, text.slice(text.indexOf('\\n') + 1)); // somebody makes room at its beginning
        results[name].push('room', await send());
      }
      console.log(JSON.stringify(results));
      process.exit();
    })();`,
  );
  const results = JSON.parse(stdout || 'null');
  assert.ok(results, stderr);
  for (const [name, way] of Object.entries(WRITING)) {
    const filled = results[name].slice(0, 10).filter(Boolean).length;
    assert.ok(filled > 0 && filled < 10, `${name}: ${results[name]}`);
    assert.deepEqual(results[name].slice(-2), ['room', true], name);
    assert.equal(arrived(way, { directory: directories[name] }), filled, name); // throws for a torn line
  }
});

row('a link in the place of a file is not followed; permissions', WRITING, async (t, way) => {
  if (unix.skip) return t.skip(unix.skip);
  const directory = temporaryDirectory(t);
  const victim = path.join(temporaryDirectory(t), 'victim');
  fs.writeFileSync(victim, 'precious');
  const target = made(t, way, { directory });
  const id = 'b'.repeat(32);
  assert.equal((await target.send([way.span({ id })])).ok, true);
  const names = fs.readdirSync(directory);
  assert.equal(names.length, 1);
  const file = path.join(directory, names[0]);
  assert.equal(fs.statSync(file).mode & 0o7777, (way.isOtlp ? 0o640 : 0o644) & ~process.umask());
  fs.rmSync(file);
  fs.symlinkSync(victim, file);
  await target.send([way.span({ id })]);
  assert.equal(fs.readFileSync(victim, 'utf8'), 'precious');
});

row('a directory that disappears is made again', WRITING, async (t, way) => {
  const directory = path.join(temporaryDirectory(t), 'made');
  const target = made(t, way, { directory });
  const id = 'c'.repeat(32);
  assert.equal((await target.send([way.span({ id })])).ok, true);
  fs.rmSync(directory, { recursive: true });
  assert.equal((await target.send([way.span({ id })])).ok, true);
  assert.equal(arrived(way, { directory }), 1);
});

row(
  'half a surrogate pair: U+FFFD in OTLP files, the recorder’s own escape in trace files',
  WRITING,
  async (t, way) => {
    const directory = temporaryDirectory(t);
    const payload = 'cut \ud83d whole \ud83d\ude00 end \ude00';
    assert.equal((await made(t, way, { directory }).send([way.span({ payload })])).ok, true);
    const [line] = linesOf(directory);
    assert.equal(HALF_A_PAIR.test(line), !way.isOtlp);
    assert.ok(line.includes(way.isOtlp ? 'cut \ufffd whole \u{1f600} end \ufffd' : JSON.stringify(payload)), line);
  },
);

row('a trace id never becomes a path', WRITING, async (t, way) => {
  const directory = path.join(temporaryDirectory(t), 'base');
  const target = made(t, way, { directory });
  for (const id of ['../../../x', '/../escaped', '..', 'A'.repeat(32), `${'a'.repeat(31)}/`, `${'a'.repeat(31)}\0`]) {
    const { ok } = await target.send([way.span({ id })]);
    if (!way.isOtlp) assert.equal(ok, false, id);
  }
  const expected = way.isOtlp ? 1 : 0;
  assert.equal(fs.readdirSync(directory).length, expected);
  assert.deepEqual(fs.readdirSync(path.dirname(directory)), ['base']);
});

test('two recorders of one trace in one directory never share a file, whatever way', async (t) => {
  const directory = temporaryDirectory(t);
  const id = 'd'.repeat(32);
  const recording = Object.values(WRITING).filter(({ isOtlp }) => !isOtlp);
  const targets = Array.from({ length: 12 }, (_, nth) => {
    const way = recording[nth % recording.length];
    return { way, target: made(t, way, { directory }) };
  });
  for (let batch = 0; batch < 3; batch++) {
    const sent = targets.map(({ way, target }) => target.send([way.span({ id })]));
    for (const { ok } of await Promise.all(sent)) assert.equal(ok, true);
  }
  const files = fs.readdirSync(directory).map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
  assert.deepEqual(
    files.map((text) => text.split('\n').length - 1),
    targets.map(() => 3),
  );
});
