// The panel of a span: attributes and what is done with them, long and structured values, events, links, bytes, code.

import assert from 'node:assert';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { onPages, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { attributesOf, shopLines } from '../../helpers/viewer/shop.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const START = 1_795_298_340_000_000_000n;
const PAYLOAD = {
  items: Array.from({ length: 300 }, (_, id) => ({ id, text: `item "${id}" of a list` })),
  note: { deep: [1, 2] },
};

/** A parent with odd values, and a child in another service that links to it. */
function lines() {
  const span = (id, service, more) => ({
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': service }) },
        scopeSpans: [
          {
            scope: { name: 'test', version: '1.0.0' },
            spans: [
              {
                traceId: TRACE,
                spanId: id,
                name: `work of ${service}`,
                kind: 2,
                startTimeUnixNano: String(START),
                endTimeUnixNano: String(START + 10_000_000n),
                attributes: [],
                ...more,
              },
            ],
          },
        ],
      },
    ],
  });
  const attributes = [
    ...attributesOf({ 'http.route': '/cart', retries: '2', payload: JSON.stringify(PAYLOAD), long: 'x'.repeat(9000) }),
    { key: 'big', value: { intValue: '9007199254740993' } },
    { key: 'list', value: { arrayValue: { values: [{ intValue: 1 }, { stringValue: 'two' }] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: 'inner', value: { boolValue: true } }] } } },
  ];
  const events = [
    { name: 'cache missed', timeUnixNano: String(START + 2_500_000n), attributes: attributesOf({ 'cache.key': 'k1' }) },
  ];
  const links = [{ traceId: TRACE, spanId: '0000000000000001', attributes: [] }];
  return [
    span('0000000000000001', 'shop', { attributes, events, status: { code: 2, message: 'it broke' } }),
    span('0000000000000002', 'mail', { parentSpanId: '0000000000000001', links }),
  ].map((request) => JSON.stringify(request));
}

async function openSpan(t, open, id) {
  const { address } = await view(t, storeOf(t, lines()));
  const log = await open(address, { permissions: ['clipboard-read', 'clipboard-write'] });
  await log.page.locator('.traces .row').first().waitFor();
  await log.page.evaluate((hash) => {
    location.hash = hash;
  }, `#/trace/${TRACE}?span=${id}`);
  await log.page.locator('.details h2').waitFor();
  await log.page.locator('.details .pairs').first().waitFor();
  return log;
}

const pair = (page, key) =>
  page
    .locator('.pairs > li')
    .filter({ has: page.locator('.key', { hasText: new RegExp(`^${key}$`) }) })
    .first();

test(
  'attributes are exact, long values are folded, and JSON in a text is a tree when somebody asks (V83)',
  onPages(async (t, open) => {
    const { page } = await openSpan(t, open, '0000000000000001');
    const text = async (key) => (await pair(page, key).locator('.text').innerText()).trim();
    assert.strictEqual(await text('big'), '9007199254740993');
    assert.match(await text('list'), /^\[1,"two"\]/);
    assert.strictEqual(await text('map.inner'), 'true');
    const folded = await text('long');
    assert.ok(folded.length < 600 && folded.includes('all 9,000 letters'), folded.slice(-60));
    await pair(page, 'long').getByRole('button', { name: 'all 9,000 letters' }).click();
    await until(
      () => text('long'),
      (now) => now.startsWith('x'.repeat(9000)),
      'the whole value',
    );
    await pair(page, 'payload').getByRole('button', { name: 'as a tree' }).click();
    const tree = pair(page, 'payload').locator('ul.tree').first();
    assert.strictEqual(await tree.locator('li').count(), 2, 'only the first level is made');
    await tree.locator('summary', { hasText: 'items' }).click();
    await until(
      () => tree.locator('li').count(),
      (count) => count === 2 + 201,
      '200 members and the line that leads to the others',
    );
    await tree.getByRole('button', { name: '100 more' }).click();
    await until(
      () => tree.locator('li').count(),
      (count) => count === 302,
      'all members',
    );
    await tree.locator('summary', { hasText: /^299/ }).click();
    await tree.getByText('"item \\"299\\" of a list"').waitFor();
  }),
);

test(
  'key, value and term are copied, and a click on "filter" shows the traces with this attribute (V83)',
  onPages(async (t, open) => {
    const { page } = await openSpan(t, open, '0000000000000001');
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    const copy = async (key, name, wanted) => {
      await pair(page, key).hover();
      await page.locator('.pairs .tools').getByRole('button', { name, exact: true }).click();
      await until(clipboard, (text) => text === wanted, `${name} of ${key}`);
    };
    await copy('retries', 'key', 'retries');
    await copy('retries', 'value', '2');
    await copy('retries', 'term', 'retries="2"');
    await copy('service.name', 'term', 'resource.service.name=shop');
    // The pointer would take the buttons to the row that comes below it.
    await page.mouse.move(2, 2);
    await pair(page, 'retries').focus();
    await page.locator('.pairs .tools').getByRole('button', { name: 'filter' }).press('Enter');
    await page.getByText('1 trace · 1 span match').waitFor();
    assert.strictEqual(await page.locator('.filter').inputValue(), 'retries="2"');
  }),
);

test(
  'status, events with their offset, the bytes as written and where they stand are shown (V83)',
  onPages(async (t, open) => {
    const { page } = await openSpan(t, open, '0000000000000001');
    const details = page.locator('.details');
    await details.getByText('error: it broke').waitFor();
    await details.getByText('10,000,000 ns').waitFor();
    assert.match(await details.locator('.event summary').innerText(), /\+2\.50 ms\s+cache missed/);
    assert.match(await details.locator('.file').innerText(), /traces-1\.jsonl, line at byte 0, span 1$/);
    const marks = () => page.locator('.row[aria-selected] .path').evaluate((element) => element.style.background);
    await until(marks, (style) => style.includes('1px 9px'), 'the event on the bar');
    await details.locator('summary', { hasText: 'As written' }).click();
    const raw = await details.locator('pre[aria-label="The span as written"]').innerText();
    assert.deepStrictEqual(JSON.parse(raw), JSON.parse(lines()[0]).resourceSpans[0].scopeSpans[0].spans[0]);
  }),
);

test(
  'links lead both ways (V62)',
  onPages(async (t, open) => {
    const { page } = await openSpan(t, open, '0000000000000001');
    const details = page.locator('.details');
    await details.getByText('Linked from').waitFor();
    await details.getByRole('link', { name: 'work of mail' }).click();
    await details.locator('h2', { hasText: 'work of mail' }).waitFor();
    await details.getByText('Links to').waitFor();
    await details.getByRole('link', { name: 'work of shop' }).click();
    await details.locator('h2', { hasText: 'work of shop' }).waitFor();
    assert.match(page.url(), /span=0000000000000001/);
  }),
);

test(
  'a block shows what was open meanwhile, its stack before its attributes, and with --source its lines of code, marked if they changed since (V65, V84)',
  onPages(async (t, open) => {
    const directory = storeOf(t, []);
    const source = path.join(directory, 'code');
    mkdirSync(source);
    const lines = shopLines().map((line) => line.replaceAll('/app/src/', `${source}/`));
    writeFileSync(path.join(directory, 'traces-1.jsonl'), `${lines.join('\n')}\n`);
    const file = path.join(source, 'coupons.js');
    writeFileSync(file, Array.from({ length: 120 }, (_, nth) => `const line${nth + 1} = ${nth + 1};\n`).join(''));
    // Older than the span.
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    const { address } = await view(t, path.join(directory, 'traces-1.jsonl'), ['--source', source]);
    const { page } = await open(`${address}`);
    await page.getByRole('link', { name: 'Blocks', exact: true }).click();
    const details = page.locator('.details');
    await details.getByText('Open in the same process meanwhile').waitFor();
    assert.ok(!(await details.innerText()).includes('caused by'));
    const here = details.locator('.code .here');
    const words = await until(
      () => details.locator('.code').innerText(),
      (text) => text !== '',
      'the lines of code',
    );
    assert.ok(words.startsWith(`${file}:88`) && !words.includes('changed since'), words);
    assert.strictEqual((await here.innerText()).trim(), 'const line88 = 88;');
    assert.strictEqual(await details.locator('.code li').count(), 11);
    await details.locator('.links a').first().click();
    await page.locator('.trace .details').getByText('The block happened in').waitFor();
    await page.locator('.trace .details .code .here').waitFor();
    const panel = await page.locator('.trace .details').innerText();
    const places = ['The block happened in', 'const line88', 'Stack\n', 'Attributes\n', 'code.function.name'];
    const found = places.map((text) => panel.indexOf(text));
    assert.ok(found[0] > 0 && found.every((at, nth) => nth === 0 || at > found[nth - 1]), `${found}: ${panel}`);
    const stack = page.locator('.trace .details pre[aria-label="The stack of the block"]');
    assert.match(await stack.innerText(), /^ *at \S+/);
    assert.ok(!panel.includes('code.stacktrace'), 'the stack is there once');
    utimesSync(file, 1_900_000_000, 1_900_000_000);
    await page.reload();
    await page.locator('.trace .details .code').getByText('changed since').waitFor();
  }),
);
