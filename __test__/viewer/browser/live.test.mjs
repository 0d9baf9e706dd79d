// This file measures time, so it runs alone.
// Spans that arrive while somebody looks, and the words for each state.

import assert from 'node:assert';
import { appendFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { onPages, rowsInSight, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { shopLines } from '../../helpers/viewer/shop.mjs';

const LATER = 1_795_299_340_000_000_000n;

test(
  'new traces wait behind a button: scroll position, selection and rows stay, and figures go on (V95)',
  onPages(async (t, open) => {
    const directory = storeOf(t, shopLines());
    const { address } = await view(t, directory);
    const { page } = await open(address);
    await page.locator('.traces .row').first().waitFor();
    await page.locator('.grid').evaluate((grid) => grid.scrollTo(0, 900));
    await until(
      async () => (await rowsInSight(page)).length > 0 && page.locator('.grid').evaluate((grid) => grid.scrollTop),
      (top) => top === 900,
      'the place',
    );
    await page.locator('.traces .row:not([hidden])').nth(4).click();
    const before = await rowsInSight(page);
    const selected = await page.locator('.row[aria-selected]').innerText();
    appendFileSync(
      path.join(directory, 'traces-1.jsonl'),
      `${shopLines({ requests: 8, seed: 11, start: LATER }).join('\n')}\n`,
    );
    await page
      .locator('.news')
      .getByText(/^\d+ new traces · show$/)
      .waitFor();
    const count = Number.parseInt(await page.locator('.news').innerText(), 10);
    await until(
      () => page.locator('#state').innerText(),
      (text) => text.startsWith(`${206 + count} traces`),
      'the new total',
    );
    assert.deepStrictEqual(await rowsInSight(page), before);
    assert.strictEqual(await page.locator('.row[aria-selected]').innerText(), selected);
    assert.strictEqual(await page.locator('.grid').evaluate((grid) => grid.scrollTop), 900);
    await page.locator('.news').click();
    await until(
      () => rowsInSight(page),
      ([first]) => first.includes('22:16:'),
      'the newest trace first',
    );
  }),
);

test(
  'an open trace that grows says how many spans are new, and shows them where one was (V95)',
  onPages(async (t, open) => {
    const lines = shopLines();
    const directory = storeOf(t, lines);
    const { address } = await view(t, directory);
    const { page } = await open(address);
    await page.locator('.traces .row').first().waitFor();
    await page.locator('.filter').fill('trace.spans>45 root=true');
    await page.locator('.filter').press('Enter');
    await page.getByText('1 trace · 1 span match').waitFor();
    await page.locator('.traces .row').first().dblclick();
    await page.locator('.trace .row', { hasText: 'price cart' }).click();
    await page.locator('.details h2', { hasText: 'price cart' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await until(
      () => page.locator('.row[aria-selected]').getAttribute('aria-expanded'),
      (value) => value === 'false',
      'collapsed',
    );
    const trace = await page.locator('.trace .id').first().innerText();
    const request = JSON.parse(lines.find((line) => line.includes(trace)));
    const [{ spans }] = request.resourceSpans[0].scopeSpans;
    const root = spans.find((span) => span.traceId === trace);
    const late = Array.from({ length: 3 }, (_, nth) => ({
      ...root,
      spanId: `aaaaaaaaaaaaaaa${nth}`,
      parentSpanId: root.spanId,
      name: 'late',
    }));
    request.resourceSpans[0].scopeSpans[0].spans = late;
    appendFileSync(path.join(directory, 'traces-1.jsonl'), `${JSON.stringify(request)}\n`);
    await page.locator('.trace .news').getByText('3 new spans · show').waitFor();
    assert.ok(!(await rowsInSight(page)).some((row) => row.includes('late')), 'nothing has moved yet');
    await page.locator('.trace .news').click();
    await until(
      () => rowsInSight(page),
      (rows) => rows.filter((row) => row.includes('late')).length === 3,
      'the new spans',
    );
    assert.match(await page.locator('.row[aria-selected]').innerText(), /price cart/);
    assert.strictEqual(await page.locator('.row[aria-selected]').getAttribute('aria-expanded'), 'false');
  }),
);

test(
  'each state has words: nothing yet, nothing matches, a file that is gone, a lost connection (V88)',
  onPages(async (t, open) => {
    const directory = storeOf(t, []);
    const running = await view(t, directory);
    const { page } = await open(running.address);
    await page.locator('.words').getByText('waits for files in').waitFor();
    assert.match(await page.locator('.words').innerText(), /written by FileSpanExporter/);
    const file = path.join(directory, 'traces-1.jsonl');
    appendFileSync(file, `${shopLines({ requests: 4 }).join('\n')}\n`);
    await page.locator('.traces .row').first().waitFor();
    await page.locator('.filter').fill('name=nobody');
    await page.locator('.words').getByText('Nothing matches this filter.').waitFor();
    await page.locator('.filter').fill('');
    await page.locator('.traces .row').first().waitFor();
    const rows = await rowsInSight(page);
    rmSync(file);
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.locator('.files').getByText('The file is gone').waitFor();
    await page.getByRole('link', { name: 'Traces', exact: true }).click();
    await running.stop();
    await page.locator('#notice').getByText('The connection is lost').waitFor();
    assert.match(await page.locator('#notice').innerText(), /tries again, and keeps what it shows/);
    assert.deepStrictEqual(await rowsInSight(page), rows);
  }),
);
