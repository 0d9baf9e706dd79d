'use strict';
// What a program may rely on while exports are under way: contexts, callbacks, flush and shutdown. Each flow runs with the
// stock exporter and with ours. Where they differ, they do so on purpose, and docs/differences.md lists it (X1 to X28).

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { execFile } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const { after, before, beforeEach, describe, it } = require('node:test');
const { promisify } = require('node:util');
const { recordDiag, startRecorder } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { OURS, STOCK } = require('../helpers/config/subjects.js');

const run = promisify(execFile);
let recorder;
before(async () => {
  recorder = await startRecorder();
});
beforeEach(() => recorder.reset());
after(() => recorder.close());

const exportSpans = (exporter, spans = [span]) => new Promise((resolve) => exporter.export(spans, resolve));
const isSettled = async (promise) => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 50, pending))])) !== pending;
};

/** Answers only when told to; `arrived` settles with the first request. */
function holdAnswers() {
  const held = [];
  let arrive;
  const arrived = new Promise((resolve) => {
    arrive = resolve;
  });
  recorder.respond = (_request, response) => {
    held.push(response);
    arrive();
  };
  return {
    arrived,
    release: (status = 200) => held.splice(0).forEach((response) => void response.writeHead(status).end()),
  };
}

for (const [name, classes] of Object.entries({ stock: STOCK, ours: OURS })) {
  const create = (config) => new classes['http/json']({ url: `${recorder.origin}/x`, ...config });

  describe(`contexts, ${name}`, () => {
    const storage = new AsyncLocalStorage();
    const seen = {};
    const note = (what) => {
      seen[what] = storage.getStore();
    };

    it('the callback, a headers function and an agent factory run in the context of the export', async () => {
      const exporter = create({
        headers: async () => {
          note('headers');
          return { a: '1' };
        },
        httpAgentOptions: async () => {
          note('factory');
          return new http.Agent();
        },
      });
      await storage.run(
        'caller',
        () => new Promise((resolve) => exporter.export([span], () => resolve(note('callback')))),
      );
      assert.deepEqual(seen, { headers: 'caller', factory: 'caller', callback: 'caller' });
      await exporter.shutdown();
    });

    it('each export has its own', async () => {
      const callers = [];
      const exporter = create({ headers: async () => ({ caller: storage.getStore() }) });
      const exportAs = (caller) =>
        storage.run(
          caller,
          () => new Promise((resolve) => exporter.export([span], () => resolve(callers.push(storage.getStore())))),
        );
      await Promise.all(['a', 'b', 'c'].map(exportAs));
      assert.deepEqual(callers.sort(), ['a', 'b', 'c']);
      assert.deepEqual(recorder.requests.map(({ headers }) => headers.caller).sort(), ['a', 'b', 'c']);
      await exporter.shutdown();
    });
  });

  describe(`headers per attempt, ${name}`, () => {
    const failOnce = (_request, response, count) => response.writeHead(count === 1 ? 503 : 200).end();

    it('a function is called once for each', async () => {
      recorder.respond = failOnce;
      let calls = 0;
      const exporter = create({ headers: async () => ({ call: String(++calls) }) });
      assert.equal((await exportSpans(exporter)).code, 0);
      assert.deepEqual(
        recorder.requests.map(({ headers }) => headers.call),
        ['1', '2'],
      );
      await exporter.shutdown();
    });

    it('an object is read for each', async () => {
      const headers = { token: 'old' };
      recorder.respond = (...args) => {
        headers.token = 'new';
        failOnce(...args);
      };
      const exporter = create({ headers });
      assert.equal((await exportSpans(exporter)).code, 0);
      assert.deepEqual(
        recorder.requests.map((request) => request.headers.token),
        ['old', 'new'],
      );
      await exporter.shutdown();
    });
  });

  describe(`forceFlush and shutdown, ${name}`, () => {
    for (const method of ['forceFlush', 'shutdown']) {
      it(`${method} waits for exports under way`, async () => {
        const gate = holdAnswers();
        const exporter = create();
        const result = exportSpans(exporter);
        await gate.arrived;
        const done = exporter[method]();
        assert.equal(await isSettled(done), false);
        gate.release();
        await done;
        assert.equal((await result).code, 0);
        await exporter.shutdown();
      });

      it(`${method} does not reject because an export failed`, async () => {
        const gate = holdAnswers();
        const exporter = create();
        const result = exportSpans(exporter);
        await gate.arrived;
        const done = exporter[method]();
        gate.release(404);
        await done;
        assert.equal((await result).code, 1);
        await exporter.shutdown();
      });

      it(`${method} without any export`, async () => {
        await create()[method]();
        assert.equal(recorder.requests.length, 0);
      });
    }

    it('shutdown twice, and forceFlush after it', async () => {
      const exporter = create();
      await exportSpans(exporter);
      await Promise.all([exporter.shutdown(), exporter.shutdown()]);
      await exporter.shutdown();
      await exporter.forceFlush();
    });

    it('an export after shutdown', async () => {
      const exporter = create();
      await exporter.shutdown();
      const { code, error } = await exportSpans(exporter);
      if (name === 'stock') assert.equal(code, 0);
      else assert.deepEqual([code, error.code, recorder.requests.length], [1, 'after_shutdown', 0]); // ours fails on purpose (X2)
    });
  });

  describe(`the callback, ${name}`, () => {
    it('that throws harms nobody', async () => {
      const unhandled = [];
      const listener = (error) => unhandled.push(error);
      process.on('unhandledRejection', listener);
      const exporter = create();
      const { lines } = await recordDiag(async () => {
        await new Promise((resolve) =>
          exporter.export([span], () => {
            setImmediate(resolve);
            throw new Error('from the callback');
          }),
        );
        assert.equal((await exportSpans(exporter)).code, 0);
      });
      process.off('unhandledRejection', listener);
      assert.deepEqual(unhandled, []);
      const errors = lines.filter((line) => line.startsWith('error:'));
      assert.equal(errors.length, name === 'stock' ? 0 : 1); // ours logs it on purpose (X19)
      await exporter.shutdown();
    });

    it('comes later, also when nothing has to be sent', async () => {
      const exporter = create();
      let returned = false;
      const late = new Promise((resolve) => exporter.export([], (result) => resolve({ result, returned })));
      returned = true;
      const answer = await late;
      assert.equal(answer.returned, true);
      assert.equal(answer.result.code, 0);
      assert.equal(recorder.requests.length, name === 'stock' ? 1 : 0); // ours sends no empty batch (X5)
      await exporter.shutdown();
    });
  });

  it(`spans are read before export returns, ${name}`, async () => {
    const attributes = { changed: 'before', bytes: new Uint8Array([1, 2]), long: 'x'.repeat(20_000) };
    const batch = [{ ...span, attributes }];
    const exporter = create();
    const result = exportSpans(exporter, batch);
    attributes.changed = 'after';
    attributes.long = 'after';
    attributes.bytes[0] = 9;
    batch.length = 0;
    assert.equal((await result).code, 0);
    const sent = JSON.stringify(recorder.requests[0].body);
    assert.ok(sent.includes('"before"') && !sent.includes('"after"') && sent.includes('x'.repeat(20_000)));
    assert.ok(sent.includes('"AQI="'));
    await exporter.shutdown();
  });

  it(`the exporter's own traffic is not traced, ${name}`, async () => {
    const program = path.join(__dirname, '..', 'helpers', 'config', 'traced_program.js');
    const { stdout } = await run(process.execPath, [program, name, recorder.origin], { timeout: 20_000 });
    const { spans, suppressed } = JSON.parse(stdout);
    assert.deepEqual(spans, ['work']);
    assert.deepEqual(suppressed, [true, true]);
    assert.equal(recorder.requests.length, 2, 'natively and through the agent');
  });
}
