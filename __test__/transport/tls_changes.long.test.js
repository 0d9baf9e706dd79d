'use strict';
// What a process changes about the TLS of all its connections, while exporters are there: code in place of Node's functions,
// other defaults, another variable. The stock exporter, asked at the same moment, says what ours has to make of it, over HTTP and
// over gRPC.

const assert = require('node:assert/strict');
const tls = require('node:tls');
const { describe, it } = require('node:test');
const { prepare, put, refusing, root, server, VARIABLE } = require('../helpers/tls/changes.js');
const { PROTOCOLS } = require('../helpers/tls/protocols.js');
const { movesOf } = require('../helpers/tls/verdicts.js');
const { span } = require('../helpers/config/runner.js');

prepare();

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

for (const [protocol, { open, serve, trusting }] of Object.entries(PROTOCOLS)) {
  describe(`TLS of a process that changes, over ${protocol}`, () => {
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
            const [used, unused] = [await open(port, options), await open(port, options)];
            exporters.push(used, unused);
            await ask('before', used);
            undos.push(change());
            await ask('after its first export', used);
            await ask('before its first export', unused);
            const made = await open(port, options);
            exporters.push(made);
            await ask('before it was made', made);
            undos.pop()();
            await ask('after it was taken back', used);
            const restored = await open(port, options);
            exporters.push(restored);
            await ask('made after it was taken back', restored);
            // The variable has no say in gRPC.
            const matters = protocol === 'HTTP' || !name.startsWith(VARIABLE);
            assert.equal(differing.size, matters ? 2 : 1, 'the change matters');
          } finally {
            for (const undo of undos.reverse()) undo();
            for (const exporter of exporters) await exporter.close();
          }
        }),
      );
    }

    it('a change that is taken back before a connection is opened moves nobody', () =>
      serve(server, async (port) => {
        const exporter = await open(port, { ca: root.cert });
        put(tls, 'checkServerIdentity', refusing)();
        assert.deepEqual(await exporter.ask(), { ours: 'ok', right: new Set(['ok']) });
        assert.deepEqual(movesOf(exporter.url), []);
        await exporter.close();
      }));

    it("`transport: 'native'` sends nothing that Node might refuse, and says why", () =>
      serve(server, async (port) => {
        const make = () => trusting(`https://localhost:${port}/`, root.cert, { transport: 'native' });
        const exporter = make();
        assert.equal((await exporter.exportSpans([span])).delivered, 1);
        const undo = put(tls, 'checkServerIdentity', refusing);
        try {
          const { error } = await new Promise((resolve) => exporter.export([span], resolve));
          assert.match(error.message, /tls\.checkServerIdentity that was replaced; transport: 'node'/);
          assert.throws(make, /cannot honour tls\.checkServerIdentity that was replaced/);
        } finally {
          undo();
        }
        await exporter.shutdown();
      }));
  });
}
