// Spans whose every text is markup and script: nothing of it is run, asked for or reported, and no other origin is asked.

import assert from 'node:assert';
import test from 'node:test';
import { onPages, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { attributesOf, shopLines } from '../../helpers/viewer/shop.mjs';

const MARKUP = `"><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)><style>*{display:none}</style><a href="javascript:alert(4)">`;
const START = 1_795_298_340_000_000_000n;

/** A trace with a block, a group, an event, a link and an error, of which every text is markup. */
function hostileLines() {
  const text = (nth) => `${MARKUP}${nth}`;
  const span = (nth, parent, more = {}) => ({
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: String(nth).padStart(16, '0'),
    parentSpanId: parent === undefined ? undefined : String(parent).padStart(16, '0'),
    name: text('name'),
    kind: 2,
    startTimeUnixNano: String(START + BigInt(nth) * 1_000_000n),
    endTimeUnixNano: String(START + BigInt(nth) * 1_000_000n + 5_000_000n),
    attributes: attributesOf({
      [text('key')]: text('value'),
      json: JSON.stringify({ [MARKUP]: [MARKUP] }),
      url: 'javascript:alert(5)',
    }),
    events: [{ name: text('event'), timeUnixNano: String(START + 1n), attributes: attributesOf({ [MARKUP]: MARKUP }) }],
    links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: [] }],
    status: { code: 2, message: text('status') },
    ...more,
  });
  const block = span(2, 1, {
    name: 'event-loop-blocked',
    attributes: attributesOf({
      'event_loop.block.cause': MARKUP,
      'code.function.name': MARKUP,
      'code.file.path': `/${MARKUP}.js`,
      'code.line.number': 1,
      'code.stacktrace': MARKUP,
    }),
  });
  const spans = [span(1), ...Array.from({ length: 25 }, (_, nth) => span(nth + 10, 1))];
  const resource = { attributes: attributesOf({ 'service.name': text('service'), [MARKUP]: MARKUP }) };
  const scopes = [
    { scope: { name: MARKUP, version: MARKUP }, spans },
    { scope: { name: 'offloop/event-loop-monitor', version: MARKUP }, spans: [block] },
  ];
  return [JSON.stringify({ resourceSpans: [{ resource, scopeSpans: scopes }] })];
}

test(
  'texts of spans are texts: no dialog, no element, no request and no report in any view (V74, V76)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, hostileLines()));
    const log = await open(address);
    const { page } = log;
    const dialogs = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      dialog.dismiss();
    });
    await page.evaluate(() => {
      window.reports = [];
      document.addEventListener('securitypolicyviolation', (event) => window.reports.push(event.violatedDirective));
    });
    const visit = async (fragment, ready) => {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, fragment);
      await page.locator(ready).first().waitFor();
    };
    await visit('#/traces', '.facets summary');
    for (const summary of await page.locator('.facets summary').all()) await summary.click();
    await visit('#/operations?by=kind', '.operations .row');
    await visit('#/blocks', '.blocks .details h2');
    await visit('#/files', '.files th[scope=row]');
    await visit('#/trace/4bf92f3577b34da6a3ce929d0e0e4736?span=0000000000000001', '.details h3');
    await page.locator('.pairs').first().hover();
    await page.getByRole('button', { name: 'as a tree' }).first().click();
    for (const summary of await page.locator('.details summary').all()) await summary.click();
    await page.keyboard.press('b');
    await page.locator('.details').getByText('Open in the same process').waitFor();
    await page.keyboard.press('c');
    await page.keyboard.press('f');
    await page.keyboard.type(MARKUP.slice(0, 20));
    await page.keyboard.press('Enter');
    await until(
      () => page.locator('.steps [role=status]').innerText(),
      (text) => text !== '',
      'an answer to "find"',
    );

    assert.ok(
      (await page.locator('.row .operation').first().innerText()).includes('<img src=x onerror=alert(1)>'),
      'the text is there',
    );
    assert.deepStrictEqual(dialogs, []);
    assert.deepStrictEqual(await page.evaluate(() => window.reports), []);
    assert.strictEqual(await page.locator('img, iframe, object, embed, script:not([src]), body style').count(), 0);
    assert.strictEqual(await page.locator('[href^="javascript:"]').count(), 0);
    const { origin } = new URL(address);
    const foreign = log.requests.filter((url) => new URL(url).origin !== origin && !url.startsWith('data:'));
    assert.deepStrictEqual(foreign, []);
    assert.ok(log.requests.length > 20, 'the log has the requests of the page');
  }),
);

test(
  'the policy of the page forbids what it does not need, and a page of another origin reads nothing (V70, V71)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines({ requests: 3 })));
    const { page } = await open(address);
    await page.locator('.traces .row').first().waitFor();
    const refused = await page.evaluate(() => {
      try {
        document.createElement('div').innerHTML = '<b>x</b>';
        return 'taken';
      } catch (error) {
        return error.name;
      }
    });
    assert.strictEqual(refused, 'TypeError');
    const other = await view(t, storeOf(t, shopLines({ requests: 3 })));
    const { page: stranger } = await open(other.address);
    await stranger.locator('.traces .row').first().waitFor();
    const answer = await stranger.evaluate(
      async (url) => {
        try {
          return (await fetch(url)).status;
        } catch (error) {
          return error.name;
        }
      },
      `${new URL(address).origin}/api/traces`,
    );
    assert.strictEqual(answer, 'TypeError');
  }),
);
