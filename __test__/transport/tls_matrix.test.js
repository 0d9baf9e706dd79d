'use strict';
// The differential matrix against Node's own TLS: every generated chain gets the verdict of Node's https from an exporter, too,
// and over gRPC that of the stock exporter. What is right is never written down here; which of the two senders finds it out is
// the exporter's to choose.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const { allChains } = require('../helpers/tls/chains.js');
const { PROTOCOLS } = require('../helpers/tls/protocols.js');
const { judgeAll } = require('../helpers/tls/serve.js');
const { listenToMoves } = require('../helpers/tls/verdicts.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const STRIDE = isLong ? 1 : 11; // a prime: the short form meets twists of every kind
const all = allChains();
const chainsOf = (stride) => all.filter((_, index) => index % stride === 0 || index < 5);

before(() => {
  listenToMoves();
  for (const chain of chainsOf(STRIDE)) chain.issue(); // the keys: RSA takes its time, and no deadline shall notice
});

it('TLS matrix: there are more than 300 chains, each of a kind', () => {
  const names = all.map(({ name }) => name);
  assert.ok(names.length > 300, `${names.length}`);
  assert.equal(new Set(names).size, names.length);
});

for (const [protocol, { compare, serve, hosts, module, rarer }] of Object.entries(PROTOCOLS)) {
  describe(`TLS matrix: generated chains over ${protocol}`, () => {
    // Who goes on, and what is wrong with the certificate.
    const moving = new RegExp(`is sent to through Node's ${module}: (?!.*(Last error|Resolution note))`);
    const chains = chainsOf(isLong ? 1 : STRIDE * rarer);

    it('with `ca`, by name and by address: verdict, code and text are those of Node', async () => {
      let own = 0;
      const wrong = await judgeAll(chains, async (chain) => {
        const { ca, cert, key } = chain.issue();
        return serve({ cert, key }, async (port) => {
          const lines = [];
          for (const host of hosts) {
            const { ours, wrong } = await compare(`https://${host}:${port}/`, { ca });
            if (wrong) lines.push(`${host}: ${wrong}`);
            own += ours.moves.length === 0 ? 1 : 0;
            for (const line of ours.moves) assert.match(line, moving);
          }
          return lines;
        });
      });
      assert.deepEqual(wrong, []);
      assert.ok(own > chains.length / 3, `${own} verdicts of our own in ${chains.length} chains`);
    });

    it('ordinary chains, and the usual mistakes, are judged without Node', async () => {
      const usual =
        /^\d ordinary|alone: ordinary|: (expired|another host|key rsa-2048|key ed25519|identifies its key)$/;
      const ours = all.filter(({ name }) => usual.test(name) && !/certificate [01]: expired|4,/.test(name));
      const wrong = await judgeAll(ours.slice(0, isLong ? Infinity : 12 / rarer), async (chain) => {
        const { ca, cert, key } = chain.issue();
        return serve({ cert, key }, async (port) => (await compare(`https://localhost:${port}/`, { ca })).ours.moves);
      });
      assert.deepEqual(wrong, []);
    });

    it('with `rejectUnauthorized: false`', async () => {
      const wrong = await judgeAll(chains, async (chain) => {
        const { ca, cert, key } = chain.issue();
        return serve({ cert, key }, async (port) => {
          const { wrong } = await compare(`https://localhost:${port}/`, { ca, rejectUnauthorized: false });
          return wrong ? [wrong] : [];
        });
      });
      assert.deepEqual(wrong, []);
    });
  });
}
