// The tree of a trace as the page holds it: pieces of bytes, and what is in the list of rows.

import assert from 'node:assert';
import test from 'node:test';
import { FLAG, NO_ROW, Skeleton } from '../../viewer/page/skeleton.js';
import { GROUPED, scrollMapping, TALLEST, VisibleList } from '../../viewer/page/visible.js';
import { pieceOf, rowsOf } from '../helpers/viewer/skeleton_bytes.mjs';

const leaf = (values = {}) => ({ ...values });
const leaves = (count, values = {}) => Array.from({ length: count }, () => leaf(values));
const listOf = (roots, options) => new VisibleList(new Skeleton(pieceOf(rowsOf(roots), options)));
const shown = (list) =>
  Array.from(list.entries.subarray(0, list.length), (entry) => (entry < 0 ? `group ${~entry}` : entry));

test('a skeleton in pieces is one tree: columns, names and resources go on where the piece before ended (V81)', () => {
  const rows = rowsOf([{ name: 0, children: [{ name: 1, resource: 1, flags: FLAG.error | (2 << 12) }, { name: 2 }] }]);
  rows[1].start = 4_294_967_295;
  rows[2].row = NO_ROW;
  const about = {
    total: 3,
    spans: 2,
    tick: 7,
    generation: 5,
    start: 1_795_298_340_000_000_001n,
    end: 1_795_298_370_000_000_004n,
  };
  const first = pieceOf(rows.slice(0, 2), {
    ...about,
    names: ['GET /cart', 'SELECT é'],
    resources: [{ service: 'shop' }, { service: 'db' }],
  });
  const skeleton = new Skeleton(first);
  assert.deepStrictEqual([skeleton.length, skeleton.total, skeleton.spans, skeleton.isComplete], [2, 3, 2, false]);
  assert.strictEqual(skeleton.endOf(0), 2, 'a subtree ends where the rows end that have arrived');
  skeleton.add(pieceOf(rows.slice(2), { ...about, first: 2, names: ['third'] }));
  assert.strictEqual(skeleton.isComplete, true);
  assert.deepStrictEqual(
    [0, 1, 2].map((at) => skeleton.nameOf(at)),
    ['GET /cart', 'SELECT é', 'third'],
  );
  assert.deepStrictEqual(
    [skeleton.serviceOf(1), skeleton.kindOf(1), skeleton.has(1, FLAG.error)],
    ['db', 'server', true],
  );
  assert.strictEqual(skeleton.startOf(1), 4_294_967_295 * 7);
  assert.strictEqual(skeleton.traceStart, 1_795_298_340_000_000_001n);
  assert.strictEqual(skeleton.traceDuration, 30_000_000_003);
  assert.strictEqual(skeleton.positionOf(NO_ROW), 2);
});

test('a piece of another state, out of turn, or cut off is refused (V81)', () => {
  const rows = rowsOf([{ children: leaves(3) }]);
  const begin = () => new Skeleton(pieceOf(rows.slice(0, 2), { total: 4 }));
  assert.throws(() => begin().add(pieceOf(rows.slice(2), { total: 4, first: 2, generation: 2 })), /another state/);
  assert.throws(() => begin().add(pieceOf(rows.slice(3), { total: 4, first: 3 })), /does not fit/);
  assert.throws(() => begin().add(pieceOf(rows, { total: 4, first: 2 })), /does not fit/);
  assert.throws(() => begin().add(pieceOf(rows.slice(2), { total: 4, first: 2 }).slice(0, 80)), /cut off/);
  assert.throws(() => new Skeleton(new ArrayBuffer(64)), /different versions/);
});

test('parents, and the next row with a flag going round, are found (V85)', () => {
  const rows = rowsOf([{ children: [{ flags: FLAG.error, children: [{}] }, {}] }, { flags: FLAG.error }]);
  const skeleton = new Skeleton(pieceOf(rows));
  assert.deepStrictEqual(
    rows.map((_, at) => skeleton.parentOf(at)),
    [-1, 0, 1, 0, -1],
  );
  assert.strictEqual(skeleton.nextWith(1, 1, FLAG.error), 4);
  assert.strictEqual(skeleton.nextWith(4, 1, FLAG.error), 1);
  assert.strictEqual(skeleton.nextWith(0, -1, FLAG.error), 4);
  assert.strictEqual(skeleton.nextWith(0, 1, FLAG.block), -1);
});

test('the marks of a row are the words of `offloop trace` (V55)', () => {
  const flags = [
    FLAG.circle | FLAG.idTwice,
    FLAG.endsAfter,
    FLAG.beginsBefore | FLAG.otherResource,
    FLAG.noStart | FLAG.endsEarly,
  ];
  const skeleton = new Skeleton(pieceOf(rowsOf(flags.map((one) => ({ flags: one })))));
  assert.deepStrictEqual(
    flags.map((_, at) => skeleton.marksOf(at)),
    [
      ['its own ancestor', 'id used twice'],
      ['outside its parent'],
      ['outside its parent: clocks differ?'],
      ['no start', 'ends before it starts'],
    ],
  );
});

test('what is collapsed hides what is below it, and everything can be closed and opened (V81)', () => {
  const list = listOf([{ children: [{ children: leaves(2) }, {}] }, {}]);
  assert.deepStrictEqual(shown(list), [0, 1, 2, 3, 4, 5]);
  assert.strictEqual(list.set(1, false), true);
  assert.deepStrictEqual(shown(list), [0, 1, 4, 5]);
  assert.strictEqual(list.set(1, false), false, 'it is closed already');
  assert.strictEqual(list.set(2, false), false, 'it has nothing below it');
  assert.strictEqual(list.indexOf(3), 1, 'a hidden row stands where the row is that hides it');
  assert.strictEqual(list.indexOf(4), 2);
  list.setAll(false);
  assert.deepStrictEqual(shown(list), [0, 5]);
  assert.strictEqual(list.reveal(3), 3);
  assert.deepStrictEqual(shown(list), [0, 1, 2, 3, 4, 5]);
});

test('twenty equal siblings without children share a line that opens; nineteen do not (V61)', () => {
  const query = { name: 1 };
  const few = listOf([{ children: leaves(GROUPED - 1, query) }]);
  assert.strictEqual(few.length, GROUPED);
  const many = listOf([{ children: [...leaves(GROUPED, { ...query, duration: 5 }), { name: 2 }] }]);
  assert.deepStrictEqual(shown(many), [0, 'group 1', GROUPED + 1]);
  assert.deepStrictEqual(many.groupFigures(1), { count: 20, total: 100, longest: 5, errors: 0, end: 5 });
  assert.strictEqual(many.indexOf(7), 1, 'a row of a closed group stands at its line');
  assert.strictEqual(many.at(1).depth, 1);
  many.set(1, true);
  assert.strictEqual(many.length, GROUPED + 3);
  assert.strictEqual(many.at(2).depth, 2, 'its rows are one level deeper than their line');
  assert.strictEqual(many.indexOf(1), 2);
  many.setGrouping(false);
  assert.strictEqual(many.length, GROUPED + 2);
});

test('a group ends at another name, resource or mark, but not at an error, and errors are counted (V61)', () => {
  const equal = leaves(25, { name: 1 });
  const roots = (odd) => [{ children: [...equal.slice(0, 10), { name: 1, ...odd }, ...equal.slice(0, 14)] }];
  assert.deepStrictEqual(shown(listOf(roots({ flags: FLAG.error }))), [0, 'group 1']);
  assert.strictEqual(listOf(roots({ flags: FLAG.error })).groupFigures(1).errors, 1);
  for (const odd of [
    { name: 2 },
    { resource: 1 },
    { flags: FLAG.endsAfter },
    { flags: FLAG.block },
    { children: [{}] },
  ]) {
    assert.ok(!shown(listOf(roots(odd))).some((entry) => typeof entry === 'string'), JSON.stringify(odd));
  }
});

test('finding a row of a group opens it, and a group over the end of a piece becomes one (V61)', () => {
  const rows = rowsOf([{ children: [...leaves(30, { name: 1 }), ...leaves(30, { name: 2 })] }]);
  const skeleton = new Skeleton(pieceOf(rows.slice(0, 15), { total: 61 }));
  const list = new VisibleList(skeleton);
  assert.strictEqual(list.length, 15);
  skeleton.add(pieceOf(rows.slice(15), { total: 61, first: 15 }));
  list.build();
  assert.deepStrictEqual(shown(list), [0, 'group 1', 'group 31']);
  assert.strictEqual(list.reveal(40), 12);
  assert.strictEqual(list.at(12).position, 40);
});

test('any list is scrolled by at most 8,000,000 pixels, both ends meet, and a short one is not stretched (V82)', () => {
  const short = scrollMapping(5_328_000, 600);
  assert.deepStrictEqual([short.spacer, short.scale, short.toTop(1234)], [5_328_000, 1, 1234]);
  const rowHeight = 24;
  const long = scrollMapping(2_000_000 * rowHeight, 600);
  assert.strictEqual(long.spacer, TALLEST);
  assert.strictEqual(long.toTop(0), 0);
  assert.strictEqual(long.toTop(TALLEST - 600), 2_000_000 * rowHeight - 600);
  const top = 1_234_567 * rowHeight;
  assert.ok(Math.abs(long.toTop(long.toScroll(top)) - top) < 0.01);
});
