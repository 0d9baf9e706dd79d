'use strict';
// What a process changes about the TLS of all its connections, while exporters are there: code in place of Node's functions,
// other defaults, another variable. The stock exporter, asked at the same moment, says what ours has to make of it.

const assert = require('node:assert/strict');
const https = require('node:https');
const tls = require('node:tls');
const { setTimeout: sleep } = require('node:timers/promises');
const { after, before, describe, it } = require('node:test');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { OTLPTraceExporter } = require('../../js/entries/otlp_http.js');
const { EventLoopMonitor } = require('../..');
const { ApiSpanAdapter } = require('../../js/entries/tusk.js');
const { build, LEAF, ROOT } = require('../helpers/tls/chains.js');
const { compare, serve } = require('../helpers/tls/serve.js');
const { listenToMoves, movesOf, verdictOfNode } = require('../helpers/tls/verdicts.js');
const { spanOf } = require('../helpers/ways_in.js');
const { span } = require('../helpers/config/runner.js');

const VARIABLE = 'NODE_TLS_REJECT_UNAUTHORIZED';
const [root, leaf] = build([ROOT, LEAF]);
const server = { cert: leaf.cert, key: leaf.key };
const { emitWarning } = process;

before(() => {
  listenToMoves();
  process.emitWarning = () => {}; // Node warns of the variable
});
after(() => {
  process.emitWarning = emitWarning;
});

/** `object[name]` is `value` until what this returns is called. */
function put(object, name, value) {
  const original = object[name];
  if (value === undefined) delete object[name];
  else object[name] = value;
  return () => put(object, name, original);
}

const refusing = () => Object.assign(new Error('not the one I know'), { code: 'PINNED' });

// [what, what is set before, what changes, options, more of the server]
const CHANGES = [
  ['tls.checkServerIdentity', null, () => put(tls, 'checkServerIdentity', refusing), { ca: root.cert }],
  [
    'tls.checkServerIdentity with the name of Node’s',
    null,
    () => put(tls, 'checkServerIdentity', { checkServerIdentity: refusing }.checkServerIdentity),
    { ca: root.cert },
  ],
  [
    'tls.createSecureContext',
    null,
    () => {
      const { createSecureContext } = tls;
      return put(tls, 'createSecureContext', (options) => createSecureContext({ ...options, ca: root.cert }));
    },
    {},
  ],
  [
    'tls.connect',
    null,
    () => {
      const { connect } = tls;
      return put(tls, 'connect', (...all) => {
        const socket = connect(...all);
        return socket.once('secureConnect', () => socket.destroy(refusing()));
      });
    },
    { ca: root.cert },
  ],
  [
    'tls.DEFAULT_MIN_VERSION',
    null,
    () => put(tls, 'DEFAULT_MIN_VERSION', 'TLSv1.3'),
    { ca: root.cert },
    { maxVersion: 'TLSv1.2' },
  ],
  [`${VARIABLE} set`, null, () => put(process.env, VARIABLE, '0'), {}],
  [`${VARIABLE} deleted`, () => put(process.env, VARIABLE, '0'), () => put(process.env, VARIABLE, undefined), {}],
  [`${VARIABLE} is another word`, () => put(process.env, VARIABLE, '0'), () => put(process.env, VARIABLE, 'no'), {}],
];

let last = 0;

const codeOf = (exporter) =>
  new Promise((resolve) => {
    exporter.export([span], ({ error }) => resolve(error === undefined ? 'ok' : (error.code ?? error.message)));
  });

/** An exporter without kept connections, the stock one beside it, and Node's https, which resumes no session of before. */
function open(port, options) {
  const url = `https://localhost:${port}/changes/${++last}`;
  // The variable counts only where no agent options are given.
  const isPlain = Object.keys(options).length === 0;
  const config = { url, ...(isPlain ? { keepAlive: false } : { httpAgentOptions: { keepAlive: false, ...options } }) };
  const [ours, stock] = [new OTLPTraceExporter(config), new StockExporter(config)];
  return {
    url,
    async ask() {
      const [code, stockCode, node] = await Promise.all([codeOf(ours), codeOf(stock), verdictOfNode(url, options)]);
      return { ours: code, right: new Set([stockCode, node.code ?? node.message]) };
    },
    close: () => Promise.all([ours.shutdown(), stock.shutdown()]),
  };
}

describe('TLS of a process that changes', () => {
  for (const [name, begin, change, options, more] of CHANGES) {
    it(name, () =>
      serve({ ...server, ...more }, async (port) => {
        const undos = [];
        const exporters = [];
        const differing = new Set();
        const ask = async (moment, exporter) => {
          const { ours, right } = await exporter.ask();
          // A session that an agent resumes was judged when it began.
          assert.ok(right.has(ours), `${moment}: ${ours}, not ${[...right].join(' or ')}`);
          differing.add(ours);
        };
        try {
          if (begin) undos.push(begin());
          const [used, unused] = [open(port, options), open(port, options)];
          exporters.push(used, unused);
          await ask('before', used);
          undos.push(change());
          await ask('after its first export', used);
          await ask('before its first export', unused);
          const made = open(port, options);
          exporters.push(made);
          await ask('before it was made', made);
          undos.pop()();
          await ask('after it was taken back', used);
          const restored = open(port, options);
          exporters.push(restored);
          await ask('made after it was taken back', restored);
          assert.equal(differing.size, 2, 'the change matters');
        } finally {
          for (const undo of undos.reverse()) undo();
          for (const exporter of exporters) await exporter.close();
        }
      }),
    );
  }

  it('a change that is taken back before a connection is opened moves nobody', () =>
    serve(server, async (port) => {
      const exporter = open(port, { ca: root.cert });
      put(tls, 'checkServerIdentity', refusing)();
      assert.deepEqual(await exporter.ask(), { ours: 'ok', right: new Set(['ok']) });
      assert.deepEqual(movesOf(exporter.url), []);
      await exporter.close();
    }));

  it('code that only sees requests moves nobody', () =>
    serve(server, async (port) => {
      const { request } = https;
      const undo = put(https, 'request', (...all) => request(...all));
      try {
        const { ours, wrong } = await compare(`https://localhost:${port}/`, { ca: root.cert });
        assert.deepEqual([wrong, ours.moves], [null, []]);
      } finally {
        undo();
      }
    }));

  it("`transport: 'native'` sends nothing that Node might refuse, and says why", () =>
    serve(server, async (port) => {
      const url = `https://localhost:${port}/`;
      const options = { url, transport: 'native', httpAgentOptions: { ca: root.cert, keepAlive: false } };
      const exporter = new OTLPTraceExporter(options);
      const undo = put(tls, 'checkServerIdentity', refusing);
      try {
        const { error } = await new Promise((resolve) => exporter.export([span], resolve));
        assert.match(error.message, /tls\.checkServerIdentity that was replaced; transport: 'node'/);
        assert.throws(() => new OTLPTraceExporter(options), /cannot honour tls\.checkServerIdentity that was replaced/);
      } finally {
        undo();
      }
      await exporter.shutdown();
    }));

  it('what native threads export by themselves is noticed, too', () =>
    serve(server, async (port) => {
      const url = `https://localhost:${port}/monitor`;
      const agentOptions = { ca: root.cert, keepAlive: false };
      const exporter = new OTLPTraceExporter({ url, timeoutMillis: 2000, httpAgentOptions: agentOptions });
      const monitor = new EventLoopMonitor({ exporter, thresholdMillis: 20 });
      assert.ok(monitor.enable());
      const undo = put(tls, 'checkServerIdentity', refusing);
      try {
        await sleep(1200); // it looks once a second
        for (const end = performance.now() + 200; performance.now() < end; );
        await sleep(100);
        monitor.disable();
        await exporter.forceFlush();
      } finally {
        undo();
        monitor.disable();
      }
      assert.equal(exporter.stats().delivered, 0);
      assert.match(movesOf(url).join(), /tls\.checkServerIdentity that was replaced/);
      await exporter.shutdown();
    }));

  it('a retry opens no connection by what was true when its batch began', async (t) => {
    const opened = [];
    const peer = https.createServer(server, (request, response) => {
      request.resume().on('end', () => response.writeHead(503, { Connection: 'close' }).end());
    });
    peer.on('secureConnection', () => opened.push(performance.now()));
    await new Promise((resolve) => peer.listen(0, '127.0.0.1', resolve));
    t.after(() => peer.close());
    const restore = put(process.env, VARIABLE, '0');
    const url = `https://localhost:${peer.address().port}/changes/retry`;
    const exporter = new OTLPTraceExporter({ url, keepAlive: false, timeoutMillis: 5000 });
    const done = codeOf(exporter);
    while (opened.length === 0) await sleep(10);
    await sleep(50);
    restore();
    const changed = performance.now();
    assert.equal(await done, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    assert.deepEqual(
      opened.filter((at) => at > changed + 400),
      [],
    );
    await exporter.shutdown();
  });

  it('`offloop/tusk` sends nothing either', () =>
    serve(server, async (port) => {
      const adapter = new ApiSpanAdapter({
        apiKey: 'k',
        tuskBackendBaseUrl: `https://localhost:${port}`,
        observableServiceId: 's',
        sdkVersion: '1',
        sdkInstanceId: 'i',
        exportTimeoutMillis: 5000,
      });
      const undo = put(tls, 'checkServerIdentity', refusing);
      try {
        const { error } = await adapter.exportSpans([spanOf.clean()]);
        assert.match(error.message, /tls\.checkServerIdentity that was replaced/);
      } finally {
        undo();
      }
      await adapter.shutdown();
    }));

  it('names that only Node can ask for', async () => {
    for (const name of [
      '-a.test',
      'a-.test',
      '.example.test',
      '127.0.0.1',
      '0x7f.1',
      'a b',
      'é.test',
      'a..test',
      'a.test.',
    ]) {
      const names = ['localhost', name === '127.0.0.1' ? '127.0.0.1.' : name];
      const [top, below] = build([ROOT, { ...LEAF, names: /^[ -~]+$/.test(name) ? names : ['localhost'] }]);
      await serve({ cert: below.cert, key: below.key }, async (port) => {
        const { wrong } = await compare(`https://localhost:${port}/`, { ca: top.cert, servername: name });
        assert.equal(wrong, null, name);
      });
    }
  });

  it('a certificate that begins after it has ended', async () => {
    const [top, below] = build([ROOT, { ...LEAF, days: [2, -1] }]);
    await serve({ cert: below.cert, key: below.key }, async (port) => {
      const { node, ours, wrong } = await compare(`https://localhost:${port}/`, { ca: top.cert });
      assert.deepEqual([wrong, node.code, ours.moves], [null, 'CERT_HAS_EXPIRED', []]);
    });
  });
});
