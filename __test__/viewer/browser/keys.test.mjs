// The keys of the page, in the trace where each of them has something to do.

import assert from 'node:assert';
import test from 'node:test';
import { onPages, rowsInSight, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { shopLines } from '../../helpers/viewer/shop.mjs';

/** Opens the checkout that was blocked and declined: 47 spans, of which 37 are one line. */
async function openCheckout(t, open) {
  const { address } = await view(t, storeOf(t, shopLines()));
  const log = await open(address);
  const { page } = log;
  await page.locator('.traces .row').first().waitFor();
  await page.locator('.filter').fill('trace.spans>45 block=true');
  await page.locator('.filter').press('Enter');
  await page.getByText('1 trace · 1 span match').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.trace .row').first().waitFor();
  await until(
    () => page.locator('.labels button').count(),
    (count) => count === 1,
    'the label of the block',
  );
  return log;
}

const selected = (page) => page.locator('.trace .row[aria-selected] .operation').innerText();
const zoom = (page) => new URLSearchParams(new URL(page.url()).hash.split('?')[1]);

test(
  'every key of the list does what it says, and the mouse does the same (V85)',
  onPages(async (t, open) => {
    const { page } = await openCheckout(t, open);
    const press = async (key, name) => {
      await page.keyboard.press(key);
      await until(
        () => selected(page),
        (text) => text === name,
        `${key} selects ${name}`,
      );
    };
    const count = (wanted, why) =>
      until(
        async () => (await rowsInSight(page)).length,
        (rows) => rows === wanted,
        why,
      );
    const rows = 11;
    await count(rows, 'all rows');
    await press('Home', 'POST /checkout');
    await press('j', 'session');
    await press('ArrowDown', 'price cart');
    await press('k', 'session');
    await press('ArrowUp', 'POST /checkout');
    await press('End', 'order placed publish');
    await press('PageUp', 'POST /checkout');
    await press('PageDown', 'order placed publish');
    await press('ArrowLeft', 'POST /checkout');

    await page.keyboard.press('ArrowLeft');
    await count(1, '← collapses');
    await page.keyboard.press('ArrowRight');
    await count(rows, '→ expands');
    await press('ArrowRight', 'session');
    await page.keyboard.press('x');
    await count(1, 'x collapses everything');
    await page.keyboard.press('x');
    await count(rows, 'x expands everything');
    await page.locator('.row .twisty').first().click();
    await count(1, 'a click on the triangle collapses');
    await page.locator('.row .twisty').first().click();
    await count(rows, 'and expands');

    await page.keyboard.press('g');
    await until(
      async () => (await rowsInSight(page)).length,
      (shown) => shown > 20,
      'g shows each of the 37 spans',
    );
    await page.getByRole('button', { name: 'Group' }).click();
    await count(rows, 'the button groups them again');

    await page.keyboard.press('Home');
    await press('e', 'POST /charges');
    await press('e', 'POST /checkout');
    await press('E', 'POST /charges');
    await page.getByRole('button', { name: '›' }).nth(1).click();
    await until(
      () => selected(page),
      (text) => text === 'POST /checkout',
      'the button goes to the next error',
    );
    await press('b', 'event-loop-blocked');
    assert.ok(await page.locator('.labels .chosen').isVisible(), 'the block is marked');
    await press('B', 'event-loop-blocked');

    await page.keyboard.press('c');
    await until(
      () => page.locator('.row.critical').count(),
      (rows) => rows > 3,
      'c shows the critical path',
    );
    await page.getByRole('button', { name: 'Critical path' }).click();
    await until(
      () => page.locator('.row.critical').count(),
      (rows) => rows === 0,
      'the button takes it away',
    );

    await page.keyboard.press('f');
    await page.keyboard.type('stock');
    await page.keyboard.press('Enter');
    await page.locator('.steps').getByText('1 of 37').waitFor();
    await until(
      () => selected(page),
      (text) => text === 'SELECT stock',
      'Enter finds the first',
    );
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.locator('.steps').getByText('2 of 37').waitFor();
    await page.keyboard.press('N');
    await page.locator('.steps').getByText('1 of 37').waitFor();

    assert.strictEqual(zoom(page).has('from'), false);
    await page.keyboard.press('+');
    await until(() => zoom(page).has('from'), Boolean, '+ zooms in');
    const [from, to] = ['from', 'to'].map((name) => Number(zoom(page).get(name)));
    await page.keyboard.press('.');
    await until(
      () => Number(zoom(page).get('to')),
      (later) => later > to,
      '. goes on',
    );
    await page.keyboard.press(',');
    await until(
      () => Number(zoom(page).get('from')),
      (now) => now === from,
      ', goes back',
    );
    await page.keyboard.press('-');
    await until(
      () => zoom(page).has('from'),
      (has) => !has,
      '− zooms out',
    );
    await page.keyboard.press('z');
    await until(() => zoom(page).has('from'), Boolean, 'z zooms to the span');
    await page.keyboard.press('0');
    await until(
      () => zoom(page).has('from'),
      (has) => !has,
      '0 shows the whole trace',
    );

    await page.keyboard.press('Enter');
    await page.locator('.details h2').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.details').waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await page.locator('dialog').getByText('critical path').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await page.getByText('1 trace · 1 span match').waitFor();
    await page.keyboard.press('/');
    assert.ok(await page.locator('.filter').evaluate((input) => document.activeElement === input));
  }),
);

test(
  'the wheel with Ctrl and a drag on axis or minimap zoom as the keys do (V81)',
  onPages(async (t, open) => {
    const { page } = await openCheckout(t, open);
    const drag = async (selector, first, last) => {
      const { x, y, width, height } = await page.locator(selector).boundingBox();
      await page.mouse.move(x + width * first, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + width * last, y + height / 2, { steps: 4 });
      await page.mouse.up();
    };
    const total = 446_797_000; // more or less: the duration of the trace
    const share = () => ['from', 'to'].map((name) => Number(zoom(page).get(name)) / total);
    await drag('.axis', 0.25, 0.5);
    await until(
      share,
      ([from, to]) => Math.abs(from - 0.25) < 0.02 && Math.abs(to - 0.5) < 0.02,
      'the quarter that was dragged',
    );
    await page.locator('.minimap').dblclick();
    await until(
      () => zoom(page).has('from'),
      (has) => !has,
      'the whole trace again',
    );
    await drag('.minimap', 0.5, 0.75);
    await until(
      share,
      ([from, to]) => Math.abs(from - 0.5) < 0.02 && Math.abs(to - 0.75) < 0.02,
      'the part that was brushed',
    );
    await drag('.minimap', 0.6, 0.4);
    await until(share, ([from, to]) => Math.abs(from - 0.3) < 0.02 && Math.abs(to - 0.55) < 0.02, 'the brush moved');
    const { x, y, width } = await page.locator('.axis').boundingBox();
    await page.mouse.move(x + width / 2, y + 60);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -100);
    await page.keyboard.up('Control');
    await until(share, ([from, to]) => to - from < 0.22 && from > 0.3, 'closer around the pointer');
  }),
);

test(
  'a tree grid for screen readers: counts, levels, what is open, and the row that is selected (V86)',
  onPages(async (t, open) => {
    const { page } = await openCheckout(t, open);
    const grid = page.getByRole('treegrid');
    assert.strictEqual(await grid.getAttribute('aria-rowcount'), '12');
    await page.keyboard.press('Home');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await until(
      () => selected(page),
      (text) => text === 'price cart',
      'the third row',
    );
    const active = await grid.getAttribute('aria-activedescendant');
    const row = page.locator(`#${active}`);
    const attributes = await Promise.all(
      ['aria-level', 'aria-expanded', 'aria-rowindex', 'aria-selected'].map((name) => row.getAttribute(name)),
    );
    assert.deepStrictEqual(attributes, ['2', 'true', '4', 'true']);
    await page.keyboard.press('ArrowLeft');
    await until(
      () => row.getAttribute('aria-expanded'),
      (value) => value === 'false',
      'closed',
    );
    assert.ok(await grid.evaluate((element) => element === document.activeElement));
  }),
);

test(
  'twenty or more equal siblings are one line that opens, with count, total, longest (V61)',
  onPages(async (t, open) => {
    const { page } = await openCheckout(t, open);
    const group = page.locator('.row.group');
    assert.match(
      (await group.innerText()).replace(/\s+/g, ' '),
      /SELECT stock ?× 37 · total 73\.3 ms · longest 1\.98 ms/,
    );
    await group.click();
    await page.locator('.details').getByText('37 spans next to each other').waitFor();
    await page.keyboard.press('ArrowRight');
    await until(
      () => page.locator('.row[aria-level="5"]').count(),
      (count) => count > 10,
      'its spans',
    );
  }),
);

test(
  'a block is a band through all rows of its process, labelled, and nothing is told by colour alone (V66)',
  onPages(async (t, open) => {
    const { page } = await openCheckout(t, open);
    const bands = () =>
      page
        .locator('.trace .row:not([hidden])')
        .evaluateAll((rows) =>
          rows.map((row) => [
            row.querySelector('.service').textContent,
            row.querySelector('.time').style.background.includes('repeating-linear-gradient'),
          ]),
        );
    for (const [service, isHatched] of await bands()) assert.strictEqual(isHatched, service === 'web', service);
    assert.strictEqual(await page.locator('.labels button').innerText(), 'parseCoupon coupons.js:88');
    const words = await page.locator('.row.error em').allInnerTexts();
    assert.deepStrictEqual(words, ['error', 'error']);
  }),
);
