// A trace of 222,000 spans: how many elements it takes, that its last row can be reached, and what scrolling it costs.

import assert from 'node:assert';
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { onPages, rowsInSight, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { randomNumbers } from '../../../viewer/bench/make_spans.mjs';

const SPANS = 222_000;
const MOST_ELEMENTS = 800;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const START = 1_795_298_340_000_000_000n;
const SPANS_PER_LINE = 2_000;

/** One trace: each span below one of the last forty, so that the tree is neither flat nor a chain. */
function writeTrace(file, count) {
  const random = randomNumbers(3);
  const descriptor = openSync(file, 'w');
  let spans = [];
  for (let nth = 0; nth < count; nth++) {
    const start = START + BigInt(nth) * 50_000n;
    const parent = nth === 0 ? undefined : Math.max(0, nth - 1 - (random() % 40));
    spans.push({
      traceId: TRACE,
      spanId: (nth + 1).toString(16).padStart(16, '0'),
      parentSpanId: parent === undefined ? undefined : (parent + 1).toString(16).padStart(16, '0'),
      name: `operation ${random() % 30}`,
      kind: 1,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(random() % 900_000)),
      status: { code: random() % 500 === 0 ? 2 : 0 },
    });
    if (spans.length < SPANS_PER_LINE && nth < count - 1) continue;
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: `service-${random() % 4}` } }] };
    writeSync(
      descriptor,
      `${JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] })}\n`,
    );
    spans = [];
  }
  closeSync(descriptor);
}

/** How long the page draws in each frame while it is scrolled by rows, or by jumps after which every row is another one; in ms. */
function measureScroll(page, frames, kind) {
  return page.evaluate(
    async ([count, how]) => {
      const { Grid } = await import('/grid.js');
      const { draw } = Grid.prototype;
      const spent = [];
      Grid.prototype.draw = function timed() {
        const started = performance.now();
        draw.call(this);
        spent.push(performance.now() - started);
      };
      const grid = document.querySelector('.waterfall');
      for (let nth = 0; nth < count; nth++) {
        grid.scrollTo(0, how === 'rows' ? grid.scrollTop + 72 : (grid.scrollHeight / count) * nth);
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }
      Grid.prototype.draw = draw;
      return spent.sort((a, b) => a - b);
    },
    [frames, kind],
  );
}

test(
  '222,000 spans: few elements, the first rows before the last, every row reachable, 8,000,000 pixels at most (V81, V82)',
  onPages(async (t, open) => {
    const directory = storeOf(t, []);
    writeTrace(path.join(directory, 'traces-1.jsonl'), SPANS);
    const { address } = await view(t, directory, ['--once']);
    const log = await open(address);
    const { page } = log;
    await page.locator('#state').getByText('222,000 spans · read once').waitFor({ timeout: 60_000 });
    await page.locator('.traces .row').first().dblclick();
    const rows = (wanted) =>
      until(
        () => page.locator('.waterfall').getAttribute('aria-rowcount'),
        (count) => wanted(Number(count)),
        'the rows',
      );
    await rows((count) => count > 100_000);
    await page.keyboard.press('g');
    await rows((count) => count === SPANS + 1);
    const pieces = log.requests
      .filter((url) => url.includes('/api/skeleton'))
      .map((url) => Number(new URL(url).searchParams.get('from') ?? 0));
    assert.deepStrictEqual(pieces, [0, 4_096, 69_632, 135_168, 200_704]);

    const elements = () => page.evaluate(() => document.querySelectorAll('*').length);
    const counts = [await elements()];
    await page.keyboard.press('End');
    await until(
      () => page.locator('.row[aria-selected]').getAttribute('aria-rowindex'),
      (index) => index === String(SPANS + 1),
      'the last row',
    );
    counts.push(await elements());
    await page.locator('.waterfall').evaluate((grid) => grid.scrollTo(0, grid.scrollHeight / 2));
    await until(
      () => rowsInSight(page),
      (list) => list.length > 10,
      'rows in the middle',
    );
    counts.push(await elements());
    assert.ok(Math.max(...counts) <= MOST_ELEMENTS, `${counts} elements`);
    assert.ok(
      (await page
        .locator('.spacer:visible')
        .first()
        .evaluate((spacer) => spacer.clientHeight)) <= 8_000_000,
    );

    await page.keyboard.press('Home');
    const near = await measureScroll(page, 120, 'rows');
    const far = await measureScroll(page, 120, 'jumps');
    assert.ok(near.length > 60 && far.length > 60, 'frames were drawn');
    const at = (list, share) => list[Math.min(list.length - 1, Math.floor(list.length * share))].toFixed(1);
    t.diagnostic(
      `script per frame, p50 / p95 / longest: by rows ${at(near, 0.5)} / ${at(near, 0.95)} / ${at(near, 1)} ms, by jumps ${at(far, 0.5)} / ${at(far, 0.95)} / ${at(far, 1)} ms`,
    );
    await page.keyboard.press('Home');
    const took = await page.evaluate(() => {
      const started = performance.now();
      dispatchEvent(new KeyboardEvent('keydown', { key: 'x', bubbles: true }));
      return performance.now() - started;
    });
    await rows((count) => count === 2);
    t.diagnostic(`collapsing all of it: ${took.toFixed(1)} ms`);
    assert.ok(took < 1_000, `collapsing took ${took} ms`);
    const memory = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
    t.diagnostic(
      `JavaScript heap with it: ${(memory / 1e6).toFixed(1)} MB, arrays included; ${Math.max(...counts)} elements`,
    );
  }),
);

test(
  'the last of 2,000,000 rows is reached by the bar, the keys and the wheel (V82)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, []));
    const { page } = await open(address);
    await page.locator('.words').waitFor();
    // A file of two million spans is over a gigabyte, so the list of the page is used without its trace.
    const seen = await page.evaluate(async () => {
      const { Grid } = await import('/grid.js');
      const main = document.getElementById('main');
      const grid = new Grid({
        role: 'grid',
        label: 'many',
        rowHeight: 24,
        create: () => {
          const row = document.createElement('div');
          row.className = 'row';
          row.style.height = '24px';
          return row;
        },
        draw: (row, index) => {
          row.textContent = String(index);
        },
      });
      grid.element.style.height = '480px';
      main.replaceChildren(grid.element);
      grid.setCount(2_000_000);
      const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const last = () => {
        const { bottom } = grid.element.getBoundingClientRect();
        const rows = [...grid.layer.children].filter(
          (row) => !row.hidden && row.getBoundingClientRect().bottom <= bottom + 1,
        );
        return Math.max(...rows.map((row) => Number(row.textContent)));
      };
      const result = { height: grid.spacer.clientHeight, elements: grid.layer.childElementCount };
      grid.element.scrollTo(0, 1e9);
      await frame();
      result.byBar = last();
      grid.element.scrollTo(0, 0);
      await frame();
      result.first = grid.layer.querySelector('[data-index="0"]').textContent;
      grid.select(1_999_999);
      await frame();
      result.byKey = last();
      grid.scrollTo(0);
      grid.element.dispatchEvent(new WheelEvent('wheel', { deltaY: 48, bubbles: true, cancelable: true }));
      await frame();
      result.byWheel = grid.top;
      return result;
    });
    assert.deepStrictEqual(seen, {
      height: 8_000_000,
      elements: 22,
      byBar: 1_999_999,
      first: '0',
      byKey: 1_999_999,
      byWheel: 48,
    });
  }),
);
