// From view to view, back and again after a reload; filters, sorting, facets and ranges.

import assert from 'node:assert';
import test from 'node:test';
import { onPages, rowsInSight, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { shopLines } from '../../helpers/viewer/shop.mjs';

const first = async (page) => (await rowsInSight(page))[0] ?? '';

test(
  'each view has its address, and a reload or "back" shows it as it was: filter, sort, selection, zoom (V80)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines()));
    const { page } = await open(address);
    await page.locator('.traces .row').first().waitFor();
    for (const [name, fragment, words] of [
      ['Operations', '#/operations', 'SELECT stock'],
      ['Blocks', '#/blocks', 'parseCoupon'],
      ['Files', '#/files', 'traces-1.jsonl'],
      ['Traces', '#/traces', 'POST /checkout'],
    ]) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.locator('main').getByText(words).first().waitFor();
      assert.strictEqual(new URL(page.url()).hash, fragment);
      assert.strictEqual(await page.locator('nav [aria-current=page]').innerText(), name);
    }
    await page.locator('.filter').fill('status=error');
    await page.locator('.filter').press('Enter');
    await page.getByText('8 traces · 16 spans match').waitFor();
    await page.getByRole('button', { name: 'Duration' }).click();
    await until(
      () => first(page),
      (row) => row.includes('447 ms'),
      'the longest trace first',
    );
    const list = page.url();
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.locator('.trace h1').getByText('POST /checkout').waitFor();
    await page.keyboard.press('e');
    await page.keyboard.press('+');
    await until(
      () => new URL(page.url()).hash,
      (hash) => /\?span=[0-9a-f]{16}&from=\d+&to=\d+$/.test(hash),
      'span and zoom in the address',
    );
    const trace = page.url();
    await page.reload();
    await page.locator('.row[aria-selected]').getByText('POST /charges').waitFor();
    assert.strictEqual(page.url(), trace);
    const [from] = /(?<=from=)\d+/.exec(trace);
    assert.ok(Number(from) > 0, 'it is zoomed to a part');
    await page.goBack();
    await page.getByText('8 traces · 16 spans match').waitFor();
    assert.strictEqual(page.url(), list);
    assert.match(await first(page), /447 ms/);
  }),
);

test(
  'the token leaves the address at once, and without one the page says what to open (V69)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines({ requests: 2 })));
    const { page } = await open(address);
    await page.locator('.traces .row').first().waitFor();
    assert.strictEqual(page.url(), `${new URL(address).origin}/#/traces`);
    const { page: stranger } = await open(`${new URL(address).origin}/#/traces`);
    await stranger.getByText('Open the whole address that offloop view has printed').waitFor();
  }),
);

test(
  'a filter that is wrong is underlined where it is wrong, and the list stays (V39)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines({ requests: 20 })));
    const { page } = await open(address);
    await page.locator('.traces .row').first().waitFor();
    const before = await rowsInSight(page);
    await page.locator('.filter').fill('service=web duration>5 kind=server');
    await page.locator('.problem').getByText('duration').waitFor();
    assert.strictEqual(await page.locator('.wrong').innerText(), '5');
    assert.strictEqual(await page.locator('.filter').getAttribute('aria-invalid'), 'true');
    assert.deepStrictEqual(await rowsInSight(page), before);
    const [wrong, text] = await page.evaluate(() => {
      const box = document.querySelector('.wrong').getBoundingClientRect();
      const input = document.querySelector('.filter');
      const canvas = document.createElement('canvas').getContext('2d');
      const style = getComputedStyle(input);
      canvas.font = `${style.fontSize} ${style.fontFamily}`;
      const start = input.getBoundingClientRect().left + Number.parseFloat(style.paddingLeft) + 1;
      return [box.left, start + canvas.measureText('service=web duration>').width];
    });
    assert.ok(Math.abs(wrong - text) < 2, `the line is below the letter: ${wrong} and ${text}`);
    await page.locator('.filter').fill('service=web duration>5ms');
    await until(
      () => page.locator('.problem').innerText(),
      (words) => words === '',
      'the end of the problem',
    );
  }),
);

test(
  'a facet adds its term, a range of the histogram its durations, and an id opens its trace (V42, V47, V50)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines()));
    const { page } = await open(address);
    await page.locator('.facets').getByRole('button', { name: 'payments' }).click();
    await page.getByText('40 traces · 40 spans match').waitFor();
    assert.strictEqual(await page.locator('.filter').inputValue(), 'service=payments');
    const drawing = page.locator('.chart').nth(1).locator('svg');
    const { x, y, width, height } = await drawing.boundingBox();
    await page.mouse.move(x + width * 0.02, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.98, y + height / 2, { steps: 3 });
    await page.mouse.up();
    await until(
      () => page.locator('.filter').inputValue(),
      (text) => /^service=payments duration>=\d+ns duration<\d+ns$/.test(text),
      'the range',
    );
    await page.getByText('40 traces · 40 spans match').waitFor();
    const [trace] = /"traceId":"(\w+)"/.exec(shopLines()[0]).slice(1);
    await page.locator('.filter').fill(trace);
    await page.locator('.filter').press('Enter');
    await page.locator('.trace .id').getByText(trace).waitFor();
  }),
);
