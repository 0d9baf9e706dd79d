// Draws rows as horizontal bars: a group for each row, a bar for each contender, one axis for all.
import { figure } from '../harness/verdict.mjs';
import { coloursOf } from './palette.mjs';
import { linearScale, logarithmicScale, roomyTicks } from './scales.mjs';
import {
  gridLine,
  legend,
  lineHeight,
  linesOf,
  MARGIN,
  mark,
  paragraph,
  picture,
  SIZES,
  WIDTH,
  widthOf,
  words,
} from './svg.mjs';

const BAR = 15;
const GROUP_GAP = 10;
const WIDEST_LABEL = 150;

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** How many there are of what a row counts, from a unit like `of 300 spans`. */
function totalOf({ unit }) {
  const [, digits] = /^of ([\d,]+) /.exec(unit) ?? [];
  if (digits === undefined) throw new Error(`no share can be drawn of '${unit}'`);
  return Number(digits.replaceAll(',', ''));
}

/** What a row measured of a contender: the value that is drawn, and in which words; `value` is undefined if nothing was. */
function measured(row, contender, isShare) {
  const value = row.contenders[contender]?.[row.pick];
  if (!isNumber(value)) return { text: 'not measured' };
  if (!isShare) return { value, text: figure(value) };
  const total = totalOf(row);
  return { value: (100 * value) / total, text: `${figure(value)} of ${figure(total)}` };
}

/**
 * `rows` are rows of a run with one unit. `better` says which way: 'less' or 'more'. `isShare` draws percents of what the
 * unit counts; `without` names contenders that stay out.
 */
export function barChart(title, rows, { better, isLogarithmic = false, isShare = false, without = [] }) {
  const named = new Set(rows.flatMap((row) => Object.keys(row.contenders)));
  const contenders = [...named].filter((contender) => !without.includes(contender));
  const colours = coloursOf(contenders);
  const groups = rows.map((row) => ({ row, cells: contenders.map((each) => measured(row, each, isShare)) }));
  const values = groups.flatMap(({ cells }) => cells.map(({ value }) => value)).filter(isNumber);
  const scale = isLogarithmic ? logarithmicScale(values) : linearScale(Math.max(0, ...values), isShare ? 100 : 0);

  const small = { size: SIZES.small };
  const labelWidth = Math.min(WIDEST_LABEL, Math.max(...rows.map((row) => widthOf(row.case))));
  const drawnTexts = groups.flatMap(({ cells }) =>
    cells.filter(({ value }) => isNumber(value)).map(({ text }) => text),
  );
  const figureWidth = Math.max(0, ...drawnTexts.map((text) => widthOf(text, SIZES.small)));
  const left = MARGIN + labelWidth + 10;
  const plot = WIDTH - MARGIN - figureWidth - 5 - left;

  const heading = paragraph(title, MARGIN, MARGIN, WIDTH - 2 * MARGIN, { size: SIZES.title });
  const unit = isShare ? '% of the spans' : rows[0].unit;
  const axis = `${unit}${isLogarithmic ? ', logarithmic scale' : ''}; ${better} is better`;
  const keys = legend(contenders, colours, heading.bottom + 6);
  const about = paragraph(axis, MARGIN, keys.bottom + 4, WIDTH - 2 * MARGIN, { ...small, isSoft: true });
  const tickLine = about.bottom + SIZES.small + 2;
  const top = tickLine + 8;

  const marks = [];
  let y = top;
  for (const { row, cells } of groups) {
    const lines = linesOf(row.case, labelWidth);
    const barsHeight = contenders.length * BAR;
    const textHeight = lines.length * lineHeight(SIZES.words);
    const height = Math.max(barsHeight, textHeight);
    marks.push(...paragraph(row.case, left - 10, y + (height - textHeight) / 2, labelWidth, { anchor: 'end' }).marks);
    cells.forEach(({ value, text }, index) => {
      const contender = contenders[index];
      const barTop = y + (height - barsHeight) / 2 + index * BAR;
      const length = value > 0 ? Math.max(1, scale.shareOf(value) * plot) : 0;
      const place = `x="${left.toFixed(1)}" y="${barTop.toFixed(1)}" width="${length.toFixed(1)}" height="${BAR - 2}"`;
      const tip = `${contender}, ${row.case}: ${text}${isNumber(value) && !isShare ? ` ${row.unit}` : ''}`;
      if (length > 0) marks.push(mark(colours.get(contender), 'rect', place, tip));
      marks.push(words(text, left + length + 5, barTop + BAR - 4, { ...small, isSoft: !isNumber(value) }));
    });
    y += height + GROUP_GAP;
  }
  const bottom = y - GROUP_GAP + 2;
  const shown = roomyTicks(scale, plot, (text) => widthOf(text, SIZES.small));
  const lines = shown.flatMap(({ value, text }) => {
    const x = left + scale.shareOf(value) * plot;
    return [gridLine(x, top - 4, x, bottom), words(text, x, tickLine, { ...small, anchor: 'middle', isSoft: true })];
  });
  const name = `${title}, in ${axis}`;
  return picture(name, contenders, bottom + MARGIN, [
    ...heading.marks,
    ...keys.marks,
    ...about.marks,
    ...lines,
    ...marks,
  ]);
}
