'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What the drain at the end of a process needs and leaves behind: listeners and copies (R63, R64; F57 to F59). That
// nothing is lost, however a process ends, is in exit_matrix.test.js, and how long an end takes in exit_delay.long.test.js.

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };

async function program(t, source, options, receiverOptions) {
  const receiver = await startReceiverProcess(receiverOptions, t);
  const ended = await runProgram(source, { url: receiver.url, ...options });
  const { spans } = await receiver.counts();
  return { ...ended, spans };
}

const noSignals = process.platform === 'win32' && 'no signals there';

test('a signal that the application listens to is the application`s', {
  skip: oursOnly.skip || noSignals,
}, async (t) => {
  const { code, signal, spans, stdout } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
     exporter.export(makeSpans(300), () => {});
     process.on('SIGTERM', () => { console.log('heard'); setTimeout(() => process.exit(9), 300); });
     process.kill(process.pid, 'SIGTERM');
     setInterval(() => {}, 1000);`,
  );
  assert.deepEqual({ code, signal, spans, stdout }, { code: 9, signal: null, spans: 300, stdout: 'heard\n' });
});

test('without the option nobody listens to signals', oursOnly, async (t) => {
  const { stdout } = await program(
    t,
    `new OTLPTraceExporter({ url }).export(makeSpans(300), () => {});
     console.log(process.listenerCount('SIGTERM'), process.listenerCount('SIGINT'));`,
  );
  assert.equal(stdout, '0 0\n');
});

test('how many listeners the application allows stays as it says', oursOnly, async (t) => {
  const { stdout } = await program(
    t,
    `const allowed = () => process.getMaxListeners();
     const { defaultMaxListeners } = EventEmitter;
     new OTLPTraceExporter({ url }).export(makeSpans(1), () => {
       EventEmitter.defaultMaxListeners = 33;
       const followed = allowed();
       EventEmitter.defaultMaxListeners = defaultMaxListeners;
       const exporter = new OTLPTraceExporter({ url });
       exporter.export(makeSpans(1), () => {
         console.log(followed, allowed());
       });
       process.setMaxListeners(50);
     });`.replaceAll('EventEmitter', "require('node:events')"),
  );
  assert.equal(stdout, '33 50\n');
});

test('a shut down exporter leaves no signal listener behind', oursOnly, async (t) => {
  const { stdout } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
     exporter.export(makeSpans(1), async () => {
       const before = process.listenerCount('SIGTERM');
       await exporter.shutdown();
       console.log(before, process.listenerCount('SIGTERM'));
     });`,
  );
  assert.equal(stdout, '1 0\n');
});

test('spans that an exit handler exports arrive, whether it was added before or after', oursOnly, async (t) => {
  const { code, spans } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url });
     process.on('exit', () => exporter.export(makeSpans(7), () => {}));
     exporter.export(makeSpans(1), () => {});
     process.on('exit', () => exporter.export(makeSpans(5), () => {}));
     process.exit(0);`,
  );
  assert.deepEqual({ code, spans }, { code: 0, spans: 13 });
});

test('texts that are copied in later turns are whole at process.exit()', oursOnly, async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const { code } = await runProgram(
    `const exporter = new OTLPTraceExporter({ url });
     const text = 'x'.repeat(1 << 20);
     for (let nth = 0; nth < 5; nth++) {
       const spans = makeSpans(2).map((span) => ({ ...span, attributes: { text: text + nth } }));
       exporter.export(spans, () => {});
     }
     process.exit(0);`,
    { url: receiver.url },
  );
  const { spans, bodyBytes } = await receiver.counts();
  assert.deepEqual({ code, spans }, { code: 0, spans: 10 });
  assert.ok(bodyBytes > 10 << 20, `${bodyBytes} bytes`);
});

test('many copies of the module in one process warn of no listener leak', oursOnly, async (t) => {
  const { stderr, spans } = await program(
    t,
    `for (let nth = 0; nth < 15; nth++) {
       for (const name of Object.keys(require.cache)) if (/[\\\\/]js[\\\\/]|[\\\\/]index\\.js$/.test(name)) delete require.cache[name];
       const { OTLPTraceExporter } = require('./index.js');
       new OTLPTraceExporter({ url }).export(makeSpans(1), () => {});
     }`,
  );
  assert.deepEqual({ stderr, spans }, { stderr: '', spans: 15 });
});
