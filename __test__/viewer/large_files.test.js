'use strict';
// Many spans, as files and through a pipe: the same figures, and how much memory the program takes. `npm run test:long` does it
// with a gigabyte, with the release build where it is there.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const test = require('node:test');

const root = path.resolve(__dirname, '..', '..');
const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const SPANS = isLong ? 1_140_000 : 20_000;
/** What is between the reader and the index, and what the program is: see IN_FLIGHT in viewer/src/reading.rs. */
const CONSTANT_BYTES = 160 * 1024 * 1024;
const MOST_BYTES_PER_SPAN = 250;
/** At a gigabyte the whole process stays below this. */
const MOST_BYTES = 350e6;
const name = process.platform === 'win32' ? 'offloop-viewer.exe' : 'offloop-viewer';
const profiles = isLong ? ['release', 'debug'] : ['debug', 'release'];
const viewer = profiles.map((profile) => path.join(root, 'target', profile, name)).find(existsSync);
const skip = viewer === undefined ? 'cargo build -p offloop-viewer has not been run' : false;

/** The answer of the program, and the most memory that Linux says it had. */
async function run(words, inputs) {
  const child = spawn(viewer, words, { stdio: [inputs ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  let [output, errors, peakBytes] = ['', '', 0];
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid));
  }, 5);
  const ended = new Promise((settle) => {
    child.once('close', settle);
  });
  for (const input of inputs ?? []) {
    for await (const chunk of createReadStream(input)) if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  }
  child.stdin?.end();
  const code = await ended;
  clearInterval(watch);
  assert.strictEqual(code, 0, errors);
  return { answer: JSON.parse(output), peakBytes };
}

function peakOf(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has ended, or this is not Linux
  }
}

test('many spans through a pipe are those of the files, in memory that the index needs and little more (V103, V106)', {
  skip,
}, async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-large-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const make = path.join(root, 'viewer', 'bench', 'make_spans.mjs');
  const { status } = spawnSync(process.execPath, [make, '--spans', String(SPANS), '--out', directory]);
  assert.strictEqual(status, 0);
  const files = readdirSync(directory)
    .sort()
    .map((file) => path.join(directory, file));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);

  const words = ['stats', '--json', '--quiet', '--strict'];
  const fromFiles = await run([...words, directory]);
  const piped = await run([...words, '-'], files);
  for (const { answer, peakBytes } of [fromFiles, piped]) {
    const sum = (member) => answer.files.reduce((total, file) => total + file[member], 0);
    assert.deepStrictEqual([sum('bytes'), sum('seen'), sum('shown')], [bytes, SPANS, SPANS]);
    assert.strictEqual(sum('lines'), sum('parsed'));
    assert.strictEqual(answer.spans, SPANS);
    assert.strictEqual(answer.valuesNotIndexed, 0);
    const mebibytes = Math.round(peakBytes / 2 ** 20);
    t.diagnostic(`${Math.round(bytes / 1e6)} MB: ${mebibytes} MiB, ${Math.round(peakBytes / SPANS)} bytes per span`);
    if (process.platform !== 'linux') continue;
    assert.ok(peakBytes > SPANS * 100, `${peakBytes}: the index was not even there`);
    assert.ok(peakBytes < CONSTANT_BYTES + SPANS * MOST_BYTES_PER_SPAN, `${mebibytes} MiB`);
    if (isLong) assert.ok(peakBytes < MOST_BYTES, `${mebibytes} MiB`);
  }
  assert.deepStrictEqual(piped.answer.groups, fromFiles.answer.groups);
});
