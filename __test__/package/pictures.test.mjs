// The pictures of the benchmark and of the demo without a browser: legends and colours, axes, and what a headline says.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chartsOf } from '../../bench/harness/report.mjs';
import { asChart } from '../../bench/in_situ/report.mjs';
import { CONTENDERS, coloursOf, NO_EXPORTER, OURS, PAGES, SPARE, STOCK } from '../../bench/pictures/palette.mjs';
import { linearScale, logarithmicScale } from '../../bench/pictures/scales.mjs';
import { reportHtml } from '../../demo/report.mjs';
import { ODD_DEMOS, ODD_RUNS, demoResult } from '../helpers/pictures/odd_runs.mjs';
import { contrast, distance } from '../helpers/pictures/sight.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = path.join(root, 'docs', 'benchmark');
/** What a shape needs to be seen, by WCAG; and four times what two colours differ by if they can just be told apart. */
const LEAST_CONTRAST = 3;
const LEAST_DISTANCE = 9;

const sample = (main) => [{ main: 4 * main, process: 5 * main, requestsPerSecond: 100 }];
const inSitu = { contenders: [NO_EXPORTER, OURS, STOCK], results: [sample(1), sample(3), sample(9)] };

const committed = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.svg'))
  .map((file) => [`docs/benchmark/${file}`, readFileSync(path.join(FOLDER, file), 'utf8')]);
const drawn = [
  ...ODD_RUNS.flatMap(([name, run]) => chartsOf(run).map(([file, svg]) => [`${name}, ${file}`, svg])),
  ['in situ', asChart(inSitu)],
];

const unescaped = (text) =>
  text.replace(/&(amp|lt|gt|quot);/g, (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name]);

/** What a chart says of colours: those of its legend by name, those of its marks by tip, and those of the dark scheme by class. */
function coloursIn(svg) {
  const dark = new Map([...svg.matchAll(/^\.chart \.([\w-]+)\{fill:(#\w{6})\}$/gm)].map(([, id, fill]) => [id, fill]));
  const keys = [...svg.matchAll(/<g class="key"><rect class="([\w-]+)" fill="(#\w{6})"[^>]*\/>(.*?)<\/g>/g)];
  const legend = keys.map(([, id, light, texts]) => {
    const name = [...texts.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, line]) => unescaped(line)).join('');
    return { name, id, light, dark: dark.get(id) };
  });
  const shapes = [...svg.matchAll(/<(?:rect|path) class="([\w-]+)" fill="(#\w{6})"[^>]*><title>([^<]*)</g)];
  const marks = shapes.map(([, id, light, tip]) => ({ id, light, tip: unescaped(tip) }));
  return { legend, marks };
}

/** Names without their spaces: a legend breaks lines there, and anywhere in a long word. */
const bare = (text) => text.replace(/\s/g, '');

for (const [name, svg] of [...committed, ...drawn]) {
  test(`each colour is the one that the legend and the palette give to its contender: ${name}`, () => {
    const { legend, marks } = coloursIn(svg);
    assert.ok(legend.length > 0, 'there is a legend');
    assert.equal(new Set(legend.map(({ light }) => light)).size, legend.length, 'no colour twice');
    for (const { name: contender, id, light, dark } of legend) {
      const known = CONTENDERS.find((each) => each.name && bare(each.name) === bare(contender));
      const expected = known ?? SPARE.find((each) => each.id === id);
      assert.deepEqual(
        { id, light, dark },
        { id: expected?.id, light: expected?.light, dark: expected?.dark },
        contender,
      );
    }
    for (const { id, light, tip } of marks) {
      const key = legend.find((each) => each.id === id);
      assert.ok(bare(tip).startsWith(bare(key.name)), `${tip} has the colour of ${key.name}`);
      assert.equal(light, key.light, tip);
    }
    // What is drawn for a contender says so: only the page itself is without a tip.
    const shapes = svg.match(/<(rect|path) /g).length;
    assert.equal(shapes, marks.length + legend.length + 1);
  });
}

test('the committed charts draw something for every contender, with a unit, and name a logarithmic scale', () => {
  assert.ok(committed.length >= 6);
  for (const [name, svg] of committed) {
    const { legend, marks } = coloursIn(svg);
    for (const { id } of legend)
      assert.ok(
        marks.some((mark) => mark.id === id),
        `${name}: ${id}`,
      );
    const [, label] = /aria-label="([^"]*)"/.exec(svg);
    assert.match(label, /µs\/span|\bms\b|%/, name);
    const ticks = [...svg.matchAll(/<text class="small soft"[^>]*text-anchor="middle"[^>]*>([\d.,]+)</g)].map(
      ([, text]) => Number(text.replaceAll(',', '')),
    );
    const isLogarithmic = ticks.length > 2 && ticks[1] / ticks[0] === ticks[2] / ticks[1];
    assert.equal(svg.includes('logarithmic scale'), isLogarithmic, `${name}: ${ticks}`);
  }
});

test('every colour stands out from its page, and from every other for eyes without red, green or blue', () => {
  for (const scheme of ['light', 'dark']) {
    const all = [...CONTENDERS, ...SPARE];
    for (const [nth, one] of all.entries()) {
      const own = contrast(one[scheme], PAGES[scheme]);
      assert.ok(own >= LEAST_CONTRAST, `${one.id}, ${scheme}: ${own}`);
      for (const other of all.slice(0, nth)) {
        const apart = distance(one[scheme], other[scheme]);
        assert.ok(apart >= LEAST_DISTANCE, `${one.id} and ${other.id}, ${scheme}: ${apart}`);
      }
    }
  }
});

test('a name that only one run knows gets a spare colour, and takes nobody else’s', () => {
  const colours = coloursOf(['a branch', OURS, 'another branch', STOCK]);
  assert.deepEqual(
    [...colours.values()].map(({ id }) => id),
    ['spare-1', 'offloop', 'spare-2', 'stock'],
  );
  assert.throws(() => coloursOf(['one', 'two', 'three']), /no colour is left for 'three'/);
});

for (const [name, result] of ODD_DEMOS) {
  test(`the demo’s report has one colour for each phase, which is the contender’s, light and dark: ${name}`, () => {
    const report = reportHtml(result);
    const colours = coloursOf(result.rows.map(({ title }) => title));
    for (const { id, title } of result.rows) {
      const series = [...report.matchAll(new RegExp(`\\.${id} \\{ --series: (#\\w+); \\}`, 'g'))].map(([, hex]) => hex);
      assert.deepEqual(series, [colours.get(title).light, colours.get(title).dark], title);
      assert.ok(CONTENDERS.includes(colours.get(title)), `${title} is in the palette`);
      assert.ok(report.includes(`<div class="panel ${id}">\n<h3>${title}</h3>`), title);
      assert.match(
        report,
        new RegExp(`aria-label="Event-loop delay over time, ${title}">[^]*?<path class="area ${id}"`),
      );
      assert.ok(report.includes(`<rect class="fill ${id}"`), title);
    }
    const classes = new Set([...report.matchAll(/class="(?:area|fill|panel) ([\w-]+)"/g)].map(([, id]) => id));
    assert.deepEqual([...classes].sort(), result.rows.map(({ id }) => id).sort());
  });
}

test('the headline of the demo’s report has the figures of its panels, and the stack stands before the attributes', () => {
  const report = reportHtml(demoResult([93.3, 2, 3]));
  const [, headline] = /<h1>(.*?)<\/h1>/.exec(report);
  const panels = [...report.matchAll(/<p class="figure">(\d+ ms) <small>longest block<\/small>/g)].map(
    ([, text]) => text,
  );
  const [none, stock, http, files] = panels;
  assert.equal(
    headline,
    `Longest block of the event loop: ${stock} with the stock exporter, ${http} with Offloop over HTTP, ` +
      `${files} with Offloop to files, ${none} with no exporter`,
  );
  assert.equal(new Set(panels).size, 4, 'four figures that differ');
  const stack = report.indexOf('at monthlyReport');
  assert.ok(stack > 0 && stack < report.indexOf('<td>code.function.name</td>'));
});

test('a scale holds every value, grows with it, and has words for its ends', () => {
  const values = [0.001, 0.0015, 0.7, 1, 9.99, 10, 101, 1_000_000];
  for (const scale of [linearScale(1_000_000), logarithmicScale(values)]) {
    const shares = values.map(scale.shareOf);
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => a - b),
    );
    assert.ok(shares[0] > 0 && shares.at(-1) <= 1, String(shares));
    for (const { value } of scale.ticks) assert.ok(scale.shareOf(value) >= 0 && scale.shareOf(value) <= 1);
    assert.ok(scale.ticks.length >= 2);
  }
  assert.equal(new Set(values.map(logarithmicScale(values).shareOf)).size, values.length);
  assert.deepEqual(
    linearScale(93.3).ticks.map(({ text }) => text),
    ['0', '50', '100'],
  );
  assert.deepEqual(
    logarithmicScale([0.785, 333]).ticks.map(({ text }) => text),
    ['0.1', '1', '10', '100'],
  );
  for (const empty of [logarithmicScale([]), logarithmicScale([0, -1]), linearScale(0)]) {
    assert.equal(empty.shareOf(0), 0);
    assert.ok(empty.ticks.every(({ value }) => Number.isFinite(value)));
  }
});
