'use strict';
// The TLS matrix along how a certificate is written: each certificate of a path in ways that parsers understand differently.
// Node's own https says what is right, and over gRPC the stock exporter. An exporter that takes a certificate that Node refuses would trust a stranger.

const assert = require('node:assert/strict');
const tls = require('node:tls');
const { before, describe, it } = require('node:test');
const { build, LEAF, MIDDLE, ROOT } = require('../helpers/tls/chains.js');
const { brokenBytes, ENCODINGS } = require('../helpers/tls/encodings.js');
const { PROTOCOLS } = require('../helpers/tls/protocols.js');
const { judgeAll } = require('../helpers/tls/serve.js');
const { listenToMoves } = require('../helpers/tls/verdicts.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const STRIDE = isLong ? 1 : 6;
const BROKEN = isLong ? 1500 : 40;
// The more a certificate says, the more can be broken. A month that is another must not let it end this very second.
const FULL = { days: [-10.4, 30.6], keyId: true, authorityKey: 'id', purposes: ['client', 'server'] };

before(listenToMoves);

// What is trusted, and what the server shows, with one of the certificates written as `how` says.
const PLACES = {
  root(how) {
    const [root, leaf] = build([{ ...ROOT, keyId: true, ...how }, LEAF]);
    return { ca: root.cert, cert: leaf.cert, key: leaf.key };
  },
  'root above others'(how) {
    const [root, middle, leaf] = build([{ ...ROOT, ...how }, MIDDLE, LEAF]);
    return { ca: root.cert, cert: leaf.cert + middle.cert, key: leaf.key };
  },
  middle(how) {
    const [root, middle, leaf] = build([ROOT, { ...MIDDLE, ...how }, LEAF]);
    return { ca: root.cert, cert: leaf.cert + middle.cert, key: leaf.key };
  },
  leaf(how) {
    const [root, leaf] = build([ROOT, { ...LEAF, ...how }]);
    return { ca: root.cert, cert: leaf.cert, key: leaf.key };
  },
  only(how) {
    const [server] = build([{ ...LEAF, subject: 'localhost', which: 'collector', ...how }]);
    return { ca: server.cert, cert: server.cert, key: server.key };
  },
};

/** Both verdicts on what `issue` makes; none where Node cannot even show it. */
async function judge({ compare, serve }, { issue }) {
  const made = issue();
  try {
    tls.createSecureContext({ cert: made.cert, key: made.key });
  } catch {
    return { lines: [], isShown: false, isOwn: false };
  }
  return serve({ cert: made.cert, key: made.key }, async (port) => {
    const { ours, wrong } = await compare(`https://localhost:${port}/`, { ca: [made.ca] });
    return { lines: wrong ? [wrong] : [], isShown: true, isOwn: ours.moves.length === 0 };
  });
}

async function judgeRows(protocol, rows) {
  let [shown, own] = [0, 0];
  const wrong = await judgeAll(rows, async (row) => {
    const { lines, isShown, isOwn } = await judge(protocol, row);
    shown += isShown;
    own += isOwn;
    return lines;
  });
  return { wrong, shown, own };
}

const rowsOf = (place, list) =>
  list.map(([what, how]) => ({ name: `${place}: ${what}`, issue: () => PLACES[place](how) }));

for (const [name, protocol] of Object.entries(PROTOCOLS)) {
  describe(`TLS matrix: how a certificate is written, over ${name}`, () => {
    const rarer = isLong ? 1 : protocol.rarer;
    const some = (rows, stride = 1) => rows.filter((_, index) => index % (stride * rarer) === 0);

    it('each certificate of a path, in each way that is not the canonical one: the verdict is that of Node', async () => {
      const rows = Object.keys(PLACES).flatMap((place) => rowsOf(place, Object.entries(ENCODINGS)));
      assert.ok(rows.length > 400, `${rows.length}`);
      const { wrong, shown } = await judgeRows(protocol, some(rows, STRIDE));
      assert.deepEqual(wrong, []);
      assert.ok(shown > some(rows, STRIDE).length / 2, `${shown}`);
    });

    it('the canonical ways are judged without Node', async () => {
      const canonical = ['canonical', 'key identifier', 'authority key', 'places of revocation lists', 'ends, long'];
      const rows = Object.keys(PLACES).flatMap((place) =>
        rowsOf(
          place,
          canonical.map((name) => [name, ENCODINGS[name]]),
        ),
      );
      const { wrong, own } = await judgeRows(protocol, some(rows));
      assert.deepEqual(wrong, []);
      assert.equal(own, some(rows).length);
    });

    it('with bytes that are others', async () => {
      const seed = isLong ? 1 + (Date.now() % 1e6) : 7;
      const rows = Object.keys(PLACES).flatMap((place, at) => {
        const full = /root|middle/.test(place) ? { ...FULL, pathLength: 3 } : FULL;
        return rowsOf(
          place,
          [...brokenBytes(seed + at, Math.ceil(BROKEN / protocol.rarer))].map(([name, how]) => [
            name,
            { ...full, ...how },
          ]),
        );
      });
      const { wrong, shown, own } = await judgeRows(protocol, rows);
      assert.deepEqual(wrong, []);
      assert.ok(shown > rows.length / 3 && own > 0 && own < shown, `${own} of ${shown} of ${rows.length}`);
    });
  });
}
