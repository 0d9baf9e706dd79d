// How the pictures of the benchmark and of the demo come out in a browser: no word is cut off or covers another one, at any width,
// and every colour is the palette's, light, dark and on paper.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { chartsOf, writeReport } from '../../../bench/harness/report.mjs';
import { CONTENDERS, coloursOf, PAGES, SPARE } from '../../../bench/pictures/palette.mjs';
import { reportHtml } from '../../../demo/report.mjs';
import { ODD_DEMOS, ODD_RUNS } from '../../helpers/pictures/odd_runs.mjs';
import { onPages } from '../../helpers/viewer/page.mjs';

const FOLDER = fileURLToPath(new URL('../../../docs/benchmark/', import.meta.url));
const WIDTHS = [360, 800, 1280];
/** A sheet of a printer without its margins. */
const PAPER = 703;
const committed = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.svg'))
  .map((file) => [`docs/benchmark/${file}`, readFileSync(path.join(FOLDER, file), 'utf8')]);
const odd = ODD_RUNS.flatMap(([name, run]) => chartsOf(run).map(([file, svg]) => [`${name}, ${file}`, svg]));

/** What is wrong with the words of each drawing in the page, one text for each; and how many words there were. */
function misplacedWords() {
  const problems = [];
  let count = 0;
  const MOST = 1; // pixels, because boxes of words are a little larger than what is seen of them
  const isInside = (a, b) =>
    a.left >= b.left - MOST && a.right <= b.right + MOST && a.top >= b.top - MOST && a.bottom <= b.bottom + MOST;
  const areApart = (a, b) =>
    a.right <= b.left + MOST || b.right <= a.left + MOST || a.bottom <= b.top + MOST || b.bottom <= a.top + MOST;
  for (const svg of document.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((node) => ({
      words: node.textContent,
      box: node.getBoundingClientRect(),
    }));
    const marks = [...svg.querySelectorAll('rect:not(.page), path:not(.grid)')].map((node) => ({
      words: `a mark of ${node.getAttribute('class')}`,
      box: node.getBoundingClientRect(),
    }));
    count += texts.length;
    for (const [nth, { words, box }] of texts.entries()) {
      if (!isInside(box, frame)) problems.push(`cut off: ${words}`);
      for (const other of [...texts.slice(nth + 1), ...marks])
        if (!areApart(box, other.box)) problems.push(`${words} | ${other.words}`);
    }
    for (const { words, box } of marks) if (!isInside(box, frame)) problems.push(`cut off: ${words}`);
  }
  return { problems, count };
}

/** Elements of a report whose words are wider than they are, and the page if it has to be moved sideways. */
function cutElements() {
  const width = document.documentElement.clientWidth;
  const problems = document.documentElement.scrollWidth > width ? ['the page is wider than its window'] : [];
  for (const node of document.querySelectorAll('h1, h2, h3, p, li, .figure, .number, .costs > *, .pairs td')) {
    const { left, right } = node.getBoundingClientRect();
    if (left < 0 || right > width + 0.5 || node.scrollWidth > node.clientWidth + 1)
      problems.push(`${node.tagName} ${node.textContent.slice(0, 60)}`);
  }
  return problems;
}

for (const [what, charts] of [
  ['the committed charts', committed],
  ['charts of odd results', odd],
]) {
  test(
    `no word of ${what} is cut off or covers anything`,
    onPages(async (_, open) => {
      const { page } = await open('about:blank');
      for (const [name, svg] of charts) {
        await page.setContent(`<!doctype html><body>${svg}`);
        const { problems, count } = await page.evaluate(misplacedWords);
        assert.deepEqual(problems, [], name);
        assert.ok(count > 5, `${name} has ${count} words`);
      }
    }),
  );
}

test(
  'a chart is light, dark and on paper what the palette says, also where it is embedded',
  onPages(async (_, open) => {
    const schemes = [
      ['light', 'screen', 'light'],
      ['dark', 'screen', 'dark'],
      ['dark', 'print', 'light'],
    ];
    const colours = [...CONTENDERS, ...SPARE];
    for (const [colorScheme, media, expected] of schemes) {
      const { page } = await open('about:blank', { colorScheme });
      await page.emulateMedia({ media, colorScheme });
      for (const [name, svg] of committed) {
        await page.setContent(`<!doctype html><body>${svg}`);
        const fills = await page.evaluate(() =>
          [...document.querySelectorAll('svg rect[class], svg path[class]')].map((node) => [
            node.getAttribute('class'),
            getComputedStyle(node).fill,
          ]),
        );
        for (const [id, fill] of fills) {
          const colour = id === 'page' ? PAGES[expected] : colours.find((each) => each.id === id)[expected];
          assert.equal(fill, rgb(colour), `${name}, ${id}, ${colorScheme}, ${media}`);
        }
      }
    }
  }),
);

function rgb(hex) {
  return `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(', ')})`;
}

/** Reports by name, as pages of a directory. */
function reports(t) {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-reports-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const demos = ODD_DEMOS.map(([name, result]) => {
    const file = path.join(directory, `demo-${name}.html`);
    writeFileSync(file, reportHtml(result));
    return [`demo, ${name}`, file];
  });
  const benches = ODD_RUNS.map(([name, run]) => [`benchmark, ${name}`, writeReport(run, path.join(directory, name))]);
  return [...demos, ...benches];
}

test(
  'the reports fit a phone, a tablet, a screen and paper',
  onPages(async (t, open) => {
    for (const [name, file] of reports(t)) {
      const { page } = await open(pathToFileURL(file).href);
      for (const media of ['screen', 'print']) {
        await page.emulateMedia({ media });
        for (const width of media === 'print' ? [PAPER] : WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          assert.deepEqual(await page.evaluate(cutElements), [], `${name}, ${media}, ${width}`);
          const { problems, count } = await page.evaluate(misplacedWords);
          assert.deepEqual(problems, [], `${name}, ${media}, ${width}`);
          assert.ok(count > 0, name);
        }
      }
      await page.close();
    }
  }),
);

test(
  'the demo’s report has the palette’s colours on every panel and bar, light, dark and on paper',
  onPages(async (t, open) => {
    const [[, file]] = reports(t);
    const [[, { rows }]] = ODD_DEMOS;
    const colours = coloursOf(rows.map(({ title }) => title));
    for (const [colorScheme, media, expected] of [
      ['light', 'screen', 'light'],
      ['dark', 'screen', 'dark'],
      ['dark', 'print', 'light'],
    ]) {
      const { page } = await open(pathToFileURL(file).href, { colorScheme });
      await page.emulateMedia({ media, colorScheme });
      for (const { id, title } of rows) {
        const seen = await page.evaluate((phase) => {
          const fillOf = (selector) => getComputedStyle(document.querySelector(selector)).fill;
          const square = getComputedStyle(document.querySelector(`.panel.${phase} h3`), '::before');
          return [square.backgroundColor, fillOf(`.area.${phase}`), fillOf(`.fill.${phase}`)];
        }, id);
        assert.deepEqual(seen, Array(3).fill(rgb(colours.get(title)[expected])), `${title}, ${colorScheme}, ${media}`);
      }
    }
  }),
);
