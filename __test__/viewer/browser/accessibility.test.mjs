// axe-core in every view, light and dark, and narrow windows.

import assert from 'node:assert';
import test from 'node:test';
import { axeSource } from '../../../scripts/test/chromium.mjs';
import { onPages, storeOf, until, view } from '../../helpers/viewer/page.mjs';
import { shopLines } from '../../helpers/viewer/shop.mjs';

const SERIOUS = ['serious', 'critical'];

/** Only colours differ in the dark. */
const RULES = { light: undefined, dark: ['color-contrast', 'link-in-text-block'] };
const FEWEST_RULES = { light: 15, dark: 1 };

/** What axe finds, as `rule: element` in one text each. */
async function findings(page, colorScheme) {
  const options = { resultTypes: ['violations', 'passes'], runOnly: RULES[colorScheme] };
  const { violations, passes } = await page.evaluate((given) => window.axe.run(document, given), options);
  assert.ok(passes.length >= FEWEST_RULES[colorScheme], `only ${passes.length} rules were applied`);
  return violations
    .filter(({ impact }) => SERIOUS.includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html.slice(0, 160)} ${any[0]?.message ?? ''}`));
}

for (const colorScheme of ['light', 'dark']) {
  test(
    `no serious finding of axe in any view, ${colorScheme} (V86)`,
    onPages(async (t, open) => {
      const { address } = await view(t, storeOf(t, shopLines()));
      // What axe-core is, the page's own policy would not let in.
      const { page } = await open(address, { colorScheme, bypassCSP: true });
      await page.locator('.facets li').first().waitFor();
      await page.evaluate(axeSource());
      const check = async (name) => assert.deepStrictEqual(await findings(page, colorScheme), [], name);
      await check('traces');
      await page.locator('.filter').fill('duration>5');
      await page.locator('.problem').getByText('duration').waitFor();
      await check('a wrong filter');
      await page.locator('.filter').fill('trace.spans>45 root=true');
      await page.getByText('1 trace · 1 span match').waitFor();
      await page.getByRole('link', { name: 'Operations', exact: true }).click();
      await page.locator('.operations .row').first().waitFor();
      await check('operations');
      await page.getByRole('link', { name: 'Blocks', exact: true }).click();
      await page.locator('.blocks h2').waitFor();
      await check('blocks');
      await page.getByRole('link', { name: 'Files', exact: true }).click();
      await page.locator('.files tbody th').waitFor();
      await check('files');
      await page.goBack();
      await page.goBack();
      await page.goBack();
      await page.locator('.traces .row').first().dblclick();
      await page.locator('.labels button').waitFor();
      await page.keyboard.press('c');
      await page.keyboard.press('b');
      await page.locator('.details').getByText('The block happened in').waitFor();
      await until(
        () => page.locator('#said').innerText(),
        (text) => text === '',
        'the end of what was said',
      );
      await check('a trace with its details');
      await page.keyboard.press('?');
      await page.locator('dialog h2').waitFor();
      await check('the list of keys');
    }),
  );
}

test(
  'at 800 pixels and with 400 % zoom nothing is cut: the page scrolls in one direction (V86)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines()));
    for (const [width, height] of [
      [800, 600],
      [320, 256],
    ]) {
      const { page } = await open(address, { viewport: { width, height } });
      await page.locator('.row').first().waitFor();
      for (const fragment of ['#/traces', '#/operations', '#/blocks', '#/files']) {
        await page.evaluate((hash) => {
          location.hash = hash;
        }, fragment);
        await page.locator(`main .view.${fragment.slice(2)}`).waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${fragment} is ${wide} pixels too wide at ${width}`);
      }
      await page.evaluate(() => {
        location.hash = '#/traces';
      });
      await page.locator('.traces .row').first().dblclick();
      await page.locator('.trace .row').first().click();
      await page.locator('.details h3').first().waitFor();
      assert.ok(
        (await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0,
        `a trace at ${width}`,
      );
      const { height: rows } = await page.locator('.waterfall').boundingBox();
      assert.ok(rows >= 150, `the rows of a trace have ${rows} pixels at ${width}`);
    }
  }),
);

test(
  'who wants no motion gets none (V86)',
  onPages(async (t, open) => {
    const { address } = await view(t, storeOf(t, shopLines({ requests: 4 })));
    const { page } = await open(address, { reducedMotion: 'reduce' });
    await page.locator('.row').first().dblclick();
    await page.locator('.trace .row').first().waitFor();
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter((element) => {
          const { transitionDuration, animationName } = getComputedStyle(element);
          return transitionDuration !== '0s' || animationName !== 'none';
        }).length,
    );
    assert.strictEqual(moving, 0);
  }),
);
