'use strict';
// Planted secrets, judged over every byte that leaves: bodies in both formats and over both senders, files, what a logger is
// given, errors, outcomes and snapshots. `npm run test:long` plants a million spans, which takes four minutes of one core.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { inspect } = require('node:util');
const { describe, it } = require('node:test');
const zlib = require('node:zlib');
const { FileSpanExporter, OTLPTraceExporter } = require('../../index.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { Judge, leakIn } = require('../helpers/processing/leaks.js');
const { KEY, plantedSpans, RULES, spanWith, WAYS } = require('../helpers/processing/plants.js');
const { Random } = require('../helpers/random.js');
const { startReceiver } = require('../helpers/receiver.js');
const { assertConserved, assertOutcome } = require('../helpers/conservation.js');

const LONG = Number(process.env.OFFLOOP_TEST_SPANS ?? 1_000_000);
const SPANS = process.env.OFFLOOP_TEST_LONG ? LONG : 2000;
/** With few spans many batches, with many spans large ones. */
const BATCH = SPANS > 10_000 ? 500 : 50;
const PROCESS = { redact: RULES, hashKey: KEY };

/** Two rules take it. */
const COVERED_TWICE = new Set(['user']);

const shown = (value) =>
  Buffer.from(inspect(value, { depth: 20, maxArrayLength: null, maxStringLength: null, showHidden: true }));

function temporaryDirectory(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-secrets-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The body as it was encoded. */
function bodyOf({ body }) {
  return body[0] === 0x1f && body[1] === 0x8b ? zlib.gunzipSync(body) : body;
}

async function received(t, options) {
  const receiver = await startReceiver(options, t);
  return receiver;
}

function assertNoLeak(bytes, where) {
  const leak = leakIn(bytes);
  assert.equal(leak, null, `${where}: ${leak}`);
}

/** Every message of a receiver that speaks gRPC, which it forgets. */
function judgeCalls(receiver) {
  const messages = receiver.calls.splice(0).flatMap(({ messages }) => messages);
  for (const { message } of messages) assertNoLeak(message, 'gRPC');
  return messages.length;
}

/** Every body of `receiver` so far, which it forgets. */
function judge(receiver, where) {
  for (const request of receiver.requests.splice(0)) {
    assertNoLeak(bodyOf(request), where);
    assertNoLeak(Buffer.from(JSON.stringify(request.headers)), `${where}, headers`);
  }
}

/** What was appended to the files of a directory since the last look. */
class FilesJudge {
  #files = new Map();
  bytes = 0;

  constructor(directory) {
    this.directory = directory;
  }

  judge() {
    for (const name of fs.readdirSync(this.directory)) {
      if (!this.#files.has(name)) this.#files.set(name, { judge: new Judge(), read: 0 });
      const file = this.#files.get(name);
      const descriptor = fs.openSync(path.join(this.directory, name));
      const bytes = Buffer.alloc(fs.fstatSync(descriptor).size - file.read);
      fs.readSync(descriptor, bytes, 0, bytes.length, file.read);
      fs.closeSync(descriptor);
      file.read += bytes.length;
      this.bytes += bytes.length;
      const leak = file.judge.leakIn(bytes);
      assert.equal(leak, null, `${name}: ${leak}`);
    }
  }
}

/** Some bodies are split, some repeated, some refused, at first most of them: what is sent again is what was encoded once. */
function faults() {
  const statuses = [200, 413, 503, 200, 400];
  let number = 0;
  return () => {
    const nth = number++;
    return statuses[nth % (nth < 25 ? 5 : 100)] ?? 200;
  };
}

describe('planted secrets', () => {
  it(`P98 P103: none of them is in any byte that leaves`, async (t) => {
    const files = new FilesJudge(temporaryDirectory(t));
    const receiver = await received(t, { otherwise: faults() });
    const grpc = await startGrpcReceiver();
    t.after(() => grpc.close());
    let calls = 0;
    const failures = [];
    const common = { process: PROCESS, onError: (failure) => failures.push(failure), retry: { maxAttempts: 2 } };
    const exporters = [
      new OTLPTraceExporter({ ...common, url: receiver.url, compression: 'gzip' }),
      new OTLPTraceExporter({ ...common, url: receiver.url, protocol: 'http/json' }),
      new OTLPTraceExporter({ ...common, url: receiver.url, transport: 'node' }),
      new FileSpanExporter({ process: PROCESS, directory: files.directory, maxFiles: 2 }),
      new OTLPTraceExporter({ ...common, url: grpc.origin, protocol: 'grpc' }),
    ];
    const random = new Random(98);
    const exportWith = async (exporter, spans, isCallback) => {
      if (isCallback) {
        const result = await new Promise((resolve) => exporter.export(spans, resolve));
        return assertNoLeak(shown(result), 'result');
      }
      const outcome = await exporter.exportSpans(spans);
      assertOutcome(outcome, spans.length);
      assertNoLeak(shown(outcome), 'outcome');
    };
    const said = await diagLines(async () => {
      for (let round = 0; round * exporters.length * BATCH < SPANS; round++) {
        const batches = exporters.map(() => plantedSpans(random, BATCH));
        await Promise.all(batches.map((spans, nth) => exportWith(exporters[nth], spans, (round + nth) % 3 === 0)));
        judge(receiver, `round ${round}`);
        calls += judgeCalls(grpc);
        files.judge();
        for (const exporter of exporters) assertConserved(exporter.stats());
        if (round % 100 === 99) t.diagnostic(`${(round + 1) * exporters.length * BATCH} spans`);
      }
    });
    for (const exporter of exporters) {
      await exporter.shutdown();
      assertNoLeak(shown(exporter), 'inspect');
      assertNoLeak(shown(exporter.stats()), 'stats');
      const { rules } = exporter.stats().process;
      for (const [name, hits] of Object.entries(rules)) assert.ok(hits > 0, `${name} has hits`);
    }
    files.judge();
    assert.ok(files.bytes > SPANS * 100, 'the files were read');
    assertNoLeak(shown(said), 'diag');
    assertNoLeak(shown(failures), 'onError');
    assert.ok(calls > 0, 'gRPC was in use');
    assert.ok(
      said.some(([, , text]) => text === 'items to be sent') && failures.length > 0,
      'something was said and refused',
    );
  });

  for (const way of WAYS) {
    it(`P26 P98: rule ${way.rule} takes ${way.name}, and the judge sees it without that rule`, async (t) => {
      const receiver = await received(t, {});
      for (const protocol of ['http/protobuf', 'http/json']) {
        const random = new Random(way.rule + 1);
        const span = spanWith(way, random);
        const all = new OTLPTraceExporter({ url: receiver.url, protocol, process: PROCESS });
        assert.equal((await all.exportSpans([span])).delivered, 1);
        judge(receiver, protocol);
        const redact = RULES.filter((_, index) => index !== way.rule);
        const without = new OTLPTraceExporter({ url: receiver.url, protocol, process: { ...PROCESS, redact } });
        await without.exportSpans([span]);
        const leak = leakIn(bodyOf(receiver.requests.pop()));
        if (!COVERED_TWICE.has(way.name)) assert.notEqual(leak, null, 'the judge is blind');
        await Promise.all([all.shutdown(), without.shutdown()]);
      }
    });
  }
});
