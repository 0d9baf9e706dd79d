'use strict';
// Size, age and compression of the files of FileSpanExporter. Compressed files are judged by decoders that are not ours:
// Node's zlib, and for zstd, which Node has since 22.15, else the command `zstd`.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const zlib = require('node:zlib');
const { FileSpanExporter, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertSettled } = require('../helpers/conservation.js');
const { randomSpans } = require('../helpers/plain_spans.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const hasCommand = spawnSync('zstd', ['--version']).status === 0;
const hasZstd = hasCommand || zlib.zstdDecompressSync !== undefined;
const ENDINGS = { none: '.jsonl', gzip: '.jsonl.gz', zstd: '.jsonl.zst' };
const MAX_BYTES = 1 << 30;

const skipFor = (compression) => {
  if (subjectName === 'stock') return 'a class of ours';
  return compression === 'zstd' && !hasZstd && 'no decoder of others: Node 22.15 or the command zstd';
};

/** What can be read of a file; `isWhole`: anything that cannot be read is an error. */
function decompressed(name, bytes, isWhole) {
  if (name.endsWith('.gz')) {
    const flush = isWhole ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH;
    return zlib.gunzipSync(bytes, { finishFlush: flush });
  }
  if (!name.endsWith('.zst') || bytes.length === 0) return bytes;
  if (!hasCommand && isWhole) return zlib.zstdDecompressSync(bytes);
  if (!hasCommand) return zlib.zstdDecompressSync(bytes, { finishFlush: zlib.constants.ZSTD_e_flush });
  const { status, stdout, stderr } = spawnSync('zstd', ['-dcq'], { input: bytes, maxBuffer: MAX_BYTES });
  if (isWhole) assert.equal(status, 0, String(stderr));
  return stdout;
}

function temporaryDirectory(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-limits-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Names of the files, as they were begun. */
function namesIn(directory) {
  const number = (name) => Number(/-(\d+)\.jsonl/.exec(name)[1]);
  return fs.readdirSync(directory).sort((one, other) => number(one) - number(other));
}

function textIn(directory, isWhole = true) {
  const texts = namesIn(directory).map((name) =>
    decompressed(name, fs.readFileSync(path.join(directory, name)), isWhole),
  );
  return Buffer.concat(texts).toString();
}

const batches = () => [randomSpans(1, 40), randomSpans(2, 1), randomSpans(3, 300), randomSpans(4, 7)];

async function write(directory, options) {
  const exporter = new FileSpanExporter({ directory, ...options });
  for (const batch of batches()) assert.equal((await exporter.exportSpans(batch)).delivered, batch.length);
  await exporter.shutdown();
  assertSettled(exporter.stats());
}

describe('compression', () => {
  for (const compression of ['gzip', 'zstd']) {
    test(`${compression}: the same bytes as without, in files of that name (F88)`, {
      skip: skipFor(compression),
    }, async (t) => {
      const [plain, packed] = [temporaryDirectory(t), temporaryDirectory(t)];
      await write(plain, { compression: 'none' });
      await write(packed, { compression });
      assert.ok(
        namesIn(packed).every((name) => name.endsWith(ENDINGS[compression])),
        `${namesIn(packed)}`,
      );
      assert.ok(textIn(packed) === textIn(plain), 'the decompressed bytes differ');
      assert.equal(textIn(plain).split('\n').length - 1, batches().length);
      const size = (directory) => fs.statSync(path.join(directory, namesIn(directory)[0])).size;
      assert.ok(size(packed) < size(plain) / 2, `${size(packed)} of ${size(plain)} bytes`);
    });

    test(`${compression}: cut anywhere, every batch before the cut is readable (F88)`, {
      skip: skipFor(compression),
    }, async (t) => {
      const directory = temporaryDirectory(t);
      const exporter = new FileSpanExporter({ directory, compression });
      const file = () => path.join(directory, namesIn(directory)[0]);
      const ends = [0];
      for (let nth = 1; nth <= 3; nth++) {
        await exporter.exportSpans(randomSpans(nth, 2));
        ends.push(fs.statSync(file()).size);
      }
      await exporter.shutdown();
      const bytes = fs.readFileSync(file());
      const lines = textIn(directory).split('\n');
      // The command takes a few milliseconds per cut: every byte near the ends of batches, and some between.
      const step = compression === 'zstd' && hasCommand && !isLong ? 37 : 1;
      for (let cut = 0; cut <= bytes.length; cut++) {
        const isNearEnd = ends.some((end) => Math.abs(end - cut) < 8);
        if (cut % step !== 0 && !isNearEnd) continue;
        const whole = ends.filter((end) => end <= cut).length - 1;
        const text = cut === 0 ? '' : decompressed(file(), bytes.subarray(0, cut), false).toString();
        const expected = lines.slice(0, whole).map((line) => `${line}\n`);
        assert.ok(text.startsWith(expected.join('')), `cut at ${cut}: ${text.length} characters, ${whole} batches`);
      }
    });
  }

  for (const compression of Object.keys(ENDINGS)) {
    test(`${compression}: killed while it writes, what was answered is readable, in a file per process (F79, F88)`, {
      skip: skipFor(compression),
    }, async (t) => {
      const directory = temporaryDirectory(t);
      const source = `
        const { FileSpanExporter } = subject;
        const exporter = new FileSpanExporter({ directory: ${JSON.stringify(directory)}, compression: '${compression}' });
        const spans = makeSpans(3000);
        (async () => {
          for (let nth = 1; ; nth++) {
            await exporter.exportSpans(spans);
            require('node:fs').writeSync(1, nth + '\\n');
          }
        })();`;
      const kills = isLong ? 20 : 4;
      let answered = 0;
      for (let nth = 1; nth <= kills; nth++) {
        const { stdout, signal } = await runProgram(source, {
          limitMillis: 60_000,
          onStart: (child) => {
            let lines = 0;
            child.stdout.on('data', (text) => {
              lines += String(text).split('\n').length - 1;
              if (lines >= 2) setTimeout(() => child.kill('SIGKILL'), nth * 3);
            });
          },
        });
        assert.equal(signal ?? 'SIGKILL', 'SIGKILL');
        answered += stdout.split('\n').filter(Boolean).length;
        assert.equal(namesIn(directory).length, nth, 'a file of its own');
      }
      let whole = 0;
      for (const name of namesIn(directory)) {
        const text = decompressed(name, fs.readFileSync(path.join(directory, name)), false).toString();
        const lines = text.split('\n');
        lines.pop(); // torn, or nothing
        for (const line of lines) assert.equal(JSON.parse(line).resourceSpans[0].scopeSpans[0].spans.length, 3000);
        whole += lines.length;
      }
      assert.ok(whole >= answered, `${whole} lines, ${answered} answers`);
    });

    test(`${compression}: several processes write into one directory, and every line is there (F78, F88)`, {
      skip: skipFor(compression),
    }, async (t) => {
      const directory = temporaryDirectory(t);
      const source = `
        const { FileSpanExporter } = subject;
        const exporter = new FileSpanExporter({
          directory: ${JSON.stringify(directory)}, compression: '${compression}', maxFileBytes: 20_000, maxFiles: 1000, maxAgeMillis: 600_000,
        });
        (async () => {
          for (let nth = 0; nth < 20; nth++) {
            const { delivered } = await exporter.exportSpans(makeSpans(50));
            if (delivered !== 50) process.exit(1);
          }
          await exporter.shutdown();
        })();`;
      const ended = await Promise.all([1, 2, 3].map(() => runProgram(source, { limitMillis: 60_000 })));
      assert.deepEqual(
        ended.map(({ code, stderr }) => [code, stderr]),
        [
          [0, ''],
          [0, ''],
          [0, ''],
        ],
      );
      const lines = textIn(directory).split('\n').filter(Boolean);
      assert.equal(lines.length, 60);
      for (const line of lines) assert.equal(JSON.parse(line).resourceSpans[0].scopeSpans[0].spans.length, 50);
    });
  }
});

describe('maxFileBytes', { skip: skipFor('none') }, () => {
  for (const [compression, maxFileBytes] of [
    ['none', 500_000],
    ['gzip', 20_000],
  ]) {
    test(`counts bytes on the disk, compression '${compression}'`, async (t) => {
      const directory = temporaryDirectory(t);
      const exporter = new FileSpanExporter({ directory, compression, maxFileBytes, maxFiles: 3 });
      const spans = randomSpans(5, 20);
      for (let nth = 0; nth < 60; nth++) await exporter.exportSpans(spans);
      await exporter.shutdown();
      const sizes = namesIn(directory).map((name) => fs.statSync(path.join(directory, name)).size);
      assert.equal(sizes.length, 3);
      assert.ok(
        sizes.every((size) => size <= maxFileBytes),
        `${sizes}`,
      );
      assert.ok(
        sizes.slice(0, 2).every((size) => size > maxFileBytes / 2),
        `${sizes}`,
      );
    });
  }

  test('a batch that is larger has a file of its own', async (t) => {
    const directory = temporaryDirectory(t);
    const exporter = new FileSpanExporter({ directory, maxFileBytes: 1, maxFiles: 100 });
    for (let nth = 0; nth < 5; nth++) await exporter.exportSpans(randomSpans(nth, 3));
    await exporter.shutdown();
    assert.equal(namesIn(directory).length, 5);
  });
});

describe('maxAgeMillis', { skip: skipFor('none') }, () => {
  const old = 'traces-2020-01-01T00-00-00-000Z-1-1.jsonl';

  test('a file is followed by another at its age, and goes when nobody has written to it for as long (F87)', async (t) => {
    const directory = temporaryDirectory(t);
    const exporter = new FileSpanExporter({ directory, maxAgeMillis: 1000 });
    await exporter.exportSpans(randomSpans(1, 1));
    const [first] = namesIn(directory);
    await exporter.exportSpans(randomSpans(2, 1));
    assert.deepEqual(namesIn(directory), [first]);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await exporter.exportSpans(randomSpans(3, 1));
    await exporter.shutdown();
    const names = namesIn(directory);
    assert.equal(names.length, 1);
    assert.notEqual(names[0], first);
    assertSettled(exporter.stats());
  });

  test('old files of earlier starts go, younger ones and those of others stay (F87)', async (t) => {
    const directory = temporaryDirectory(t);
    const day = 24 * 3600;
    const put = (name, ageSeconds) => {
      fs.writeFileSync(path.join(directory, name), 'old\n');
      const when = Date.now() / 1000 - ageSeconds;
      fs.utimesSync(path.join(directory, name), when, when);
    };
    put(old, 8 * day);
    put(`${old}.gz`, 8 * day);
    put('traces-2020-01-01T00-00-00-000Z-1-2.jsonl', 6 * day);
    put('traces.jsonl', 8 * day);
    put('access.log', 8 * day);
    // More than a day, which is where other times of ours end.
    const exporter = new FileSpanExporter({ directory, maxAgeMillis: 7 * day * 1000 });
    await exporter.exportSpans(randomSpans(1, 1));
    await exporter.shutdown();
    const others = fs.readdirSync(directory).filter((name) => !name.includes(`-${process.pid}-`));
    assert.deepEqual(others.sort(), ['access.log', 'traces-2020-01-01T00-00-00-000Z-1-2.jsonl', 'traces.jsonl']);
  });

  test('without it old files stay (F87)', async (t) => {
    const directory = temporaryDirectory(t);
    fs.writeFileSync(path.join(directory, old), 'old\n');
    fs.utimesSync(path.join(directory, old), 1, 1);
    const exporter = new FileSpanExporter({ directory });
    await exporter.exportSpans(randomSpans(1, 1));
    await exporter.shutdown();
    assert.ok(fs.existsSync(path.join(directory, old)));
  });
});
