'use strict';
// Every option of every class and call with every odd value, through the public constructors and with spans behind it:
// either an error that names the option at construction, or a value that works. Nothing may throw later, nothing may wait
// for what does not come, and where the stock exporter or the SDK has the option, the outcome is theirs.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { BatchSpanProcessor: StockProcessor } = require('@opentelemetry/sdk-trace-base');
const { ODD_VALUES, optionsWith } = require('../helpers/odd_values.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { SUCCESS_RESPONSE } = require('../helpers/drift_request.js');
const { recordedSpan } = require('../helpers/tusk_exporter.js');
const { runProgram } = require('../helpers/child.js');
const { OPTIONS } = require('../../js/config/options/table.js');
const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter, OTLPTraceExporter } = require('../..');
const { DriftBatchSpanProcessor, TdSpanExporter } = require('../../js/entries/tusk.js');

// Node warns of each time that does not fit its timers, as the SDK's processor gives it some.
process.removeAllListeners('warning');

const EXPORT_MILLIS = [300, 3000]; // for exports that cannot work, as through an agent without sockets; the second if late
const SETTLED_MILLIS = 20_000;
const plain = new PlainSpans(16);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-options-'));
const seen = new Map(); // path -> requests

const server = http.createServer((request, response) => {
  seen.set(request.url, [...(seen.get(request.url) ?? []), request.headers]);
  const body = request.url.includes('/api/drift/') ? SUCCESS_RESPONSE : '';
  request.resume().on('end', () => response.end(body));
});
before(() => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)));
after(() => {
  server.closeAllConnections();
  server.close();
  fs.rmSync(directory, { recursive: true, force: true });
});
let paths = 0;
const newUrl = () => `http://127.0.0.1:${server.address().port}/${++paths}`;

/** Answers `{ made }` or `{ error }`; an error has to name the option, unless the stock exporter words it. */
function construct(name, make, isStockWorded = false) {
  try {
    return { made: make() };
  } catch (error) {
    if (!isStockWorded)
      assert.match(error.message, new RegExp(`^Configuration: ${name}\\b.* is invalid, expected .+ \\(actual: .+\\)$`));
    return { error };
  }
}

function settled(promise, what, limitMillis = SETTLED_MILLIS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} is not answered`)), limitMillis);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const exported = (exporter, spans) =>
  new Promise((resolve) => {
    exporter.export(spans, resolve);
  });

/** One test per option; the values of an option side by side. */
function eachValue(name, check) {
  it(name, async () => {
    await Promise.all(Object.entries(ODD_VALUES).map(([what, make]) => settled(check(make, what), `${name}: ${what}`)));
  });
}

/** A batch by `export`, one through the processor, a flush and a shutdown; the account is exact. */
async function drive(exporter) {
  const { code } = await exported(exporter, [plain.span()]);
  const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 });
  processor.onEnd(plain.span());
  await processor.forceFlush().catch(() => {});
  await processor.shutdown().catch(() => {});
  const { offered, accepted, pending } = exporter.stats();
  assert.equal(pending, 0);
  assert.ok(offered === 2 && accepted <= 2, `${offered} spans offered`);
  return code;
}

const AGENT = [
  'keepAlive',
  'keepAliveMsecs',
  'maxSockets',
  'maxFreeSockets',
  'maxTotalSockets',
  'scheduling',
  'timeout',
]
  .concat(['noDelay', 'socketPath', 'ca', 'cert', 'key', 'rejectUnauthorized', 'servername', 'minVersion', 'lookup'])
  .map((name) => `httpAgentOptions.${name}`);
const STOCK = [
  'url',
  'headers',
  'timeoutMillis',
  'concurrencyLimit',
  'compression',
  'keepAlive',
  'httpAgentOptions',
].concat(['userAgent', 'selfObsMeterProvider']);

const UNEQUAL = { timeoutMillis: '1.5', headers: 'proxy that throws at every read', userAgent: 'true' };

describe('the stock options beside the stock exporter', () => {
  for (const name of [...STOCK, ...AGENT]) {
    eachValue(name, async (make, what) => {
      const run = async (Exporter, timeoutMillis) => {
        const url = newUrl();
        const given = { url, timeoutMillis, ...optionsWith(name, make()) };
        const { made, error } = construct(name, () => new Exporter(given), true);
        if (error !== undefined) return { error };
        // Without a socket the stock exporter never answers: its time-out is one of the socket.
        const isOurs = Exporter === OTLPTraceExporter;
        const limitMillis = isOurs ? SETTLED_MILLIS : timeoutMillis + 200;
        const { code } = await settled(exported(made, [plain.span()]), what, limitMillis).catch((thrown) => ({
          code: thrown,
        }));
        if (isOurs) await driveProcessor(made);
        else if (typeof code === 'number') await made.shutdown();
        const [headers] = seen.get(new URL(url).pathname) ?? [];
        const sent = headers && { connection: 'keep-alive', ...headers };
        for (const own of ['accept', 'content-length', 'transfer-encoding', 'host']) delete sent?.[own];
        return { code, sent };
      };
      for (const millis of EXPORT_MILLIS) {
        const ours = await run(OTLPTraceExporter, millis);
        if (ours.error !== undefined) {
          const words = new RegExp(`^Configuration: (${name.split('.')[0]} is invalid|Could not parse user-provided)`);
          assert.match(ours.error.message, words);
          return;
        }
        assert.ok([0, 1].includes(ours.code), `export() threw ${ours.code}`);
        const stock = await run(StockExporter, millis);
        if (stock.error !== undefined || typeof stock.code !== 'number') return;
        // An export within a millisecond is a matter of luck, and the stock exporter awaits the headers themselves.
        if (UNEQUAL[name] === what) return;
        if (isDeepStrictEqual(ours, stock)) return;
        if (millis === EXPORT_MILLIS.at(-1)) assert.deepEqual({ what, ...ours }, { what, ...stock });
      }
    });
  }

  async function driveProcessor(exporter) {
    const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 });
    processor.onEnd(plain.span());
    await processor.forceFlush().catch(() => {});
    await processor.shutdown().catch(() => {});
    assert.equal(exporter.stats().pending, 0);
  }
});

describe('the other options of the exporters', () => {
  for (const name of Object.keys(OPTIONS.OTLPTraceExporter).filter((each) => !STOCK.includes(each))) {
    eachValue(`OTLPTraceExporter: ${name}`, async (make, what) => {
      const given = { url: newUrl(), ...optionsWith(name, make()) };
      const { made } = construct(name, () => new OTLPTraceExporter(given));
      if (made === undefined) return;
      assert.equal(await drive(made), 0, what);
    });
  }

  for (const name of Object.keys(OPTIONS.FileSpanExporter)) {
    eachValue(`FileSpanExporter: ${name}`, async (make, what) => {
      const given = { directory: path.join(directory, 'spans'), ...optionsWith(name, make()) };
      if (name === 'directory' && typeof given.directory === 'string')
        given.directory = path.join(directory, given.directory);
      const { made } = construct(name, () => new FileSpanExporter(given));
      // Windows takes blanks off the end of a name.
      const isNameless = process.platform === 'win32' && name === 'directory' && what === 'blank text';
      if (made !== undefined) assert.equal(await drive(made), isNameless ? 1 : 0, what);
    });
  }

  it('no time for repeats is one attempt in its own time, whoever sends it', async () => {
    for (const transport of ['native', 'node']) {
      const exporter = new OTLPTraceExporter({ url: newUrl(), transport, retry: { maxElapsedMillis: 0 } });
      assert.equal(await drive(exporter), 0, transport);
    }
  });

  it('many attempts are many, many files are many', async () => {
    const refusing = http.createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(503).end());
    });
    await new Promise((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${refusing.address().port}/`;
    const retry = { maxAttempts: 2 ** 32 + 1, maxElapsedMillis: 1500 };
    const exporter = new OTLPTraceExporter({ url, retry });
    const { attempts } = await exporter.exportSpans([plain.span()]);
    assert.ok(attempts > 1, `${attempts} attempt`);
    await exporter.shutdown();
    refusing.closeAllConnections();
    refusing.close();
    const many = path.join(directory, 'many');
    for (let n = 0; n < 3; n += 1) {
      const files = new FileSpanExporter({ directory: many, maxFiles: 2 ** 32 + 1 });
      await files.exportSpans([plain.span()]);
      await files.shutdown();
    }
    assert.equal(fs.readdirSync(many).length, 3);
  });
});

/** How many of 30 spans that end in one turn get to an exporter, before and after a shutdown. */
async function throughProcessor(Processor, name, value, exporter) {
  let count = 0;
  const foreign = {
    export(spans, done) {
      count += spans.length;
      done({ code: 0 });
    },
    async shutdown() {},
  };
  const options = { scheduledDelayMillis: 60_000, maxExportBatchSize: 5, [name]: value };
  const processor = new Processor(exporter ?? foreign, options);
  for (let n = 0; n < 30; n += 1) processor.onEnd(plain.span());
  // A time that is shorter than an export ends the wait with an error, and costs no span.
  const isShort = (error) => assert.deepEqual([name, error.message], ['exportTimeoutMillis', 'Timeout']);
  await processor.forceFlush().catch(isShort);
  await processor.shutdown().catch(isShort);
  return exporter === undefined ? count : exporter.stats().accepted;
}

describe('the options of the processor', () => {
  // What the SDK itself loses: its flush counts batches of 1.5 and takes out batches of 1; it divides by Infinity.
  const SDK_LOSES = { maxQueueSize: ['1.5'], maxExportBatchSize: ['1.5', 'Infinity'] };
  for (const name of Object.keys(OPTIONS.BatchSpanProcessor).filter((each) => each !== 'exporter')) {
    eachValue(name, async (make, what) => {
      const { error } = construct(name, () => new BatchSpanProcessor({ export() {} }, { [name]: make() }));
      if (error !== undefined) return;
      const ours = await throughProcessor(BatchSpanProcessor, name, make());
      const overOurs = await throughProcessor(
        BatchSpanProcessor,
        name,
        make(),
        new OTLPTraceExporter({ url: newUrl() }),
      );
      const number = typeof make() === 'string' || typeof make() === 'bigint' ? Number(make()) : make();
      const plainly = await throughProcessor(
        BatchSpanProcessor,
        name,
        number,
        new OTLPTraceExporter({ url: newUrl() }),
      );
      assert.equal(overOurs, plainly, `${what} is not taken as ${String(number)}`);
      if (SDK_LOSES[name]?.includes(what)) {
        assert.ok(ours >= 3, `${ours} of 30`);
        return;
      }
      // A BigInt makes the SDK throw out of span.end(), or spin.
      if (!what.includes('BigInt')) assert.equal(ours, await throughProcessor(StockProcessor, name, make()), what);
    });
  }

  eachValue('exporter', async (make, what) => {
    if (what.startsWith('proxy')) return; // the error of the application's own code
    for (const made of [() => new BatchSpanProcessor(make()), () => new BatchSpanProcessor({ exporter: make() })]) {
      const { error } = construct('exporter', made);
      assert.ok(error !== undefined);
    }
  });
});

describe('the options of calls', () => {
  const calls = Object.entries({ forceFlush: OPTIONS.forceFlush, shutdown: OPTIONS.shutdown });
  for (const [call, rows] of calls) {
    for (const name of Object.keys(rows)) {
      eachValue(`${call}: ${name}`, async (make) => {
        const exporter = new OTLPTraceExporter({ url: newUrl() });
        const sending = exporter.exportSpans([plain.span()]);
        await exporter[call]({ [name]: make() }).catch((error) => {
          assert.match(error.message, new RegExp(`^Configuration: ${name} is invalid, expected .+ \\(actual: .+\\)$`));
        });
        await sending;
        await exporter.shutdown();
        assert.deepEqual([exporter.stats().offered, exporter.stats().pending], [1, 0]);
      });
    }
    eachValue(`${call}: its argument`, async (make, what) => {
      const exporter = new OTLPTraceExporter({ url: newUrl() });
      await exporter.exportSpans([plain.span()]);
      const { message = '' } = (await exporter[call](make()).catch((error) => error)) ?? {};
      assert.ok(message === '' || what.startsWith('proxy'), message);
      await exporter.shutdown();
      assert.equal((await exporter.exportSpans([plain.span()])).dropped.after_shutdown, 1);
    });
  }

  it('none of them holds the process', async () => {
    const { code, signal, stdout, millis } = await runProgram(
      `const { ODD_VALUES } = require('./__test__/helpers/odd_values.js');
       const { OTLPTraceExporter: Exporter } = require('.');
       (async () => {
         for (const make of Object.values(ODD_VALUES)) {
           const exporter = new Exporter({ url, exit: { drainMillis: 100 } });
           await exporter.exportSpans(makeSpans(1));
           await exporter.forceFlush({ timeoutMillis: make() }).catch(() => {});
           await exporter.shutdown({ timeoutMillis: make() }).catch(() => {});
         }
         console.log('done');
       })();`,
      { url: newUrl() },
    );
    assert.deepEqual([code, signal, stdout], [0, null, 'done\n']);
    assert.ok(millis < 10_000, `the process ended after ${millis} ms`);
  });
});

describe('the options of the event-loop monitor', () => {
  for (const name of Object.keys(OPTIONS.EventLoopMonitor)) {
    it(name, () => {
      for (const [what, make] of Object.entries(ODD_VALUES)) {
        const { made } = construct(name, () => new EventLoopMonitor({ [name]: make() }));
        if (made === undefined) continue;
        assert.equal(made.enable(), true, what);
        made.disable();
      }
    });
  }
});

describe('the options of the recorder', () => {
  const base = () => ({
    mode: 'RECORD',
    baseDirectory: path.join(directory, 'traces'),
    apiKey: 'key',
    observableServiceId: 'service',
    tuskBackendBaseUrl: newUrl(),
    sdkVersion: '1',
    sdkInstanceId: '1',
    exportTimeoutMillis: 1000,
  });
  // Where requests go and how long they may take: not every value of them can be served.
  const ELSEWHERE = ['tuskBackendBaseUrl', 'exportTimeoutMillis', 'apiKey', 'mode'];
  for (const [group, useRemoteExport] of [
    ['FilesystemSpanAdapter', false],
    ['ApiSpanAdapter', true],
    ['TdSpanExporter', false],
  ]) {
    for (const name of Object.keys(OPTIONS[group])) {
      eachValue(`${group}: ${name}`, async (make, what) => {
        const given = { ...base(), useRemoteExport, ...optionsWith(name, make()) };
        if (name === 'baseDirectory' && typeof given[name] === 'string')
          given[name] = path.join(directory, given[name]);
        const { made } = construct(name, () => new TdSpanExporter(given));
        if (made === undefined) return;
        const { code, error } = await exported(made, [recordedSpan()]);
        if (ELSEWHERE.includes(name)) assert.ok([0, 1].includes(code), what);
        else assert.equal(code, 0, `${what}: ${error?.message}`);
        await made.forceFlush();
        await made.shutdown();
      });
    }
  }

  for (const name of Object.keys(OPTIONS.DriftBatchSpanProcessor)) {
    eachValue(`DriftBatchSpanProcessor: ${name}`, async (make, what) => {
      let count = 0;
      const exporter = {
        export(spans, done) {
          count += spans.length;
          done({ code: 0 });
        },
        async shutdown() {},
      };
      const config = { maxQueueSize: 100, maxExportBatchSize: 5, scheduledDelayMillis: 60_000 };
      config[name.split('.')[1]] = make();
      const { made } = construct(name, () => new DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' }));
      if (made === undefined) return;
      for (let n = 0; n < 8; n += 1) made.onEnd(plain.span());
      await made.shutdown();
      const { maxQueueSize } = made.getHealthSnapshot();
      assert.equal(count, Math.min(8, Math.max(0, maxQueueSize)), what);
    });
  }
});
