// What the page writes and reads as text: figures, times, addresses, filters, ticks of the axis.

import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { bytesText, counted, countText, durationText, exactText, moment } from '../../viewer/page/figures.js';
import { attributeTerm, term, termsOf, withDurations, withTerm, withTimes } from '../../viewer/page/filter.js';
import { credentials, parseRoute, routeTo, traceName, traceRoute } from '../../viewer/page/route.js';
import { around, inside, moved, scaled, ticks, toOffset, toPixels } from '../../viewer/page/zoom.js';

test('durations have three significant digits and a unit, the words of the terminal; tooltips are exact (V87)', () => {
  const table = [
    [0, '0 ns'],
    [999, '999 ns'],
    [1000, '1.00 µs'],
    [9_994, '9.99 µs'],
    [9_996, '10.0 µs'],
    [99_960, '100 µs'],
    [999_499, '999 µs'],
    [999_500, '1.00 ms'],
    [78_400_000, '78.4 ms'],
    [1_000_000_000, '1.00 s'],
    [119_000_000_000, '119 s'],
    [120_000_000_000, '2.00 m'],
    [7_200_000_000_000, '2.00 h'],
  ];
  for (const [nanos, text] of table) assert.strictEqual(durationText(nanos), text);
  assert.strictEqual(exactText(182_500_001), '182,500,001 ns');
  assert.strictEqual(bytesText(64 * 1024 * 1024), '67.1 MB');
  assert.deepStrictEqual([countText(0), countText(1000), countText(1234567)], ['0', '1,000', '1,234,567']);
  assert.deepStrictEqual([counted(1, 'span'), counted(2, 'span')], ['1 span', '2 spans']);
});

test('times beyond 2^53 keep every nanosecond, in UTC or with the offset of the zone (V24, V87)', () => {
  const { date, time, exact } = moment('1795298340182500001', true);
  assert.deepStrictEqual([date, time, exact], ['2026-11-21', '21:59:00.182', '2026-11-21T21:59:00.182500001Z']);
  const program = `import(process.argv[1]).then(({ moment }) => console.log(moment('1795298340182500001', false).exact))`;
  const figures = new URL('../../viewer/page/figures.js', import.meta.url).href;
  for (const [zone, text] of [
    ['Europe/Rome', '2026-11-21T22:59:00.182500001+01:00'],
    ['America/St_Johns', '2026-11-21T18:29:00.182500001-03:30'],
  ]) {
    const { stdout } = spawnSync(process.execPath, ['-e', program, figures], {
      encoding: 'utf8',
      env: { ...process.env, TZ: zone },
    });
    assert.strictEqual(stdout.trim(), text);
  }
});

test('an address says view, filter, sort, zoom and selection, and comes back as it was (V80)', () => {
  const filter = 'status=error http.route="/a b?c=d&e#f"';
  const list = parseRoute(routeTo('traces', { filter, sort: 'duration', order: 'desc', empty: '' }));
  assert.deepStrictEqual(
    [list.view, list.id, list.query.get('filter'), list.query.get('sort')],
    ['traces', '', filter, 'duration'],
  );
  assert.strictEqual(list.query.has('empty'), false);
  const trace = parseRoute(
    traceRoute('4bf92f3577b34da6a3ce929d0e0e4736', { span: '0000000000000001', from: 5, to: 10 }),
  );
  assert.deepStrictEqual(
    [trace.view, trace.id, trace.query.get('span')],
    ['trace', '4bf92f3577b34da6a3ce929d0e0e4736', '0000000000000001'],
  );
  assert.strictEqual(parseRoute(traceRoute(traceName({ id: '', key: 7 }))).id, 'key:7');
  for (const odd of ['', '#', '#/nowhere', '#/trace/', '#/__proto__', '#token=abc'])
    assert.strictEqual(parseRoute(odd).view, 'traces', odd);
  assert.strictEqual(parseRoute('#/trace/%E0%A4%A').id, '%E0%A4%A');
});

test('token and one-time code are read from the fragment only in their form (V69)', () => {
  assert.deepStrictEqual(credentials('#token=abc_-9'), { token: 'abc_-9' });
  assert.deepStrictEqual(credentials('#code=xyz'), { code: 'xyz' });
  assert.deepStrictEqual(credentials('#/traces?token=abc'), {});
});

test('a click adds a term once, and quotes what would end it (V50)', () => {
  assert.strictEqual(withTerm('', 'status=error'), 'status=error');
  assert.strictEqual(withTerm('service=shop ', 'status=error'), 'service=shop status=error');
  assert.strictEqual(withTerm('service=shop status=error', 'status=error'), 'service=shop status=error');
  assert.strictEqual(term('name', '=', 'GET /cart'), 'name="GET /cart"');
  assert.strictEqual(term('name', '=', 'a"b\\c'), 'name="a\\"b\\\\c"');
  assert.strictEqual(attributeTerm('retries', 2), 'retries=2');
  assert.strictEqual(attributeTerm('retries', '2'), 'retries="2"');
  assert.strictEqual(attributeTerm('empty', ''), 'empty=""');
  assert.deepStrictEqual(termsOf('a="x \\" y" -name~z "free text"'), ['a="x \\" y"', '-name~z', '"free text"']);
});

test('a range of durations or times takes the place of the one before (V47)', () => {
  assert.strictEqual(withDurations('service=shop', 100.5, 2000.2), 'service=shop duration>=100ns duration<2001ns');
  assert.strictEqual(
    withDurations('duration>=1ns service=shop duration<5ms', 7, 9),
    'service=shop duration>=7ns duration<9ns',
  );
  const times = withTimes('start>=2026-01-01T00:00:00Z', 1_795_298_340_000_000_001n, 1_795_298_341_000_000_000n);
  assert.strictEqual(times, 'start>=2026-11-21T21:59:00.000000001Z start<2026-11-21T21:59:01.000000000Z');
});

test('zoom keeps the point under the pointer, and stays inside the trace (V81)', () => {
  const total = 1_000_000;
  const closer = scaled({ from: 0, to: total }, 0.5, 250_000, total);
  assert.deepStrictEqual(closer, { from: 125_000, to: 625_000 });
  assert.strictEqual(toPixels(250_000, closer, 1000), toPixels(250_000, { from: 0, to: total }, 1000));
  assert.strictEqual(toOffset(toPixels(333, closer, 640), closer, 640), 333);
  assert.deepStrictEqual(scaled(closer, 100, 0, total), { from: 0, to: total });
  assert.deepStrictEqual(moved(closer, 9e9, total), { from: 500_000, to: 1_000_000 });
  assert.deepStrictEqual(inside({ from: -5, to: -4 }, total), { from: 0, to: 100 });
  assert.deepStrictEqual(
    inside({ from: 0, to: 0 }, 0),
    { from: 0, to: 100 },
    'a trace without duration has an axis, too',
  );
  const { from, to } = around(400_000, 100_000, total);
  assert.ok(from < 400_000 && to > 500_000 && to - from < 120_000);
});

test('ticks are round, in order, and have room for their words (V81)', () => {
  for (const [from, to] of [
    [0, 182_500_000],
    [0, 100],
    [123_456, 123_987],
    [5e12, 9e12],
  ]) {
    const list = ticks({ from, to }, 800);
    assert.ok(list.length >= 2 && list.length <= 8, `${list}`);
    const step = list[1] - list[0];
    assert.match(step.toPrecision(1), /^[125](e\+\d+)?$|^[125]0*$/);
    assert.ok(list.every((at) => at >= from && at <= to && Math.abs(at / step - Math.round(at / step)) < 1e-6));
  }
});
