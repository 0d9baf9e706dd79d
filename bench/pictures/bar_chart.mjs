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
const STUB = 2;
const GROUP_GAP = 10;
const WIDEST_LABEL = 150;

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** How many there are of what a row counts, from a unit like `of 300 spans`. */
function totalOf({ unit }) {
  const [, digits] = /^of ([\d,]+) /.exec(unit) ?? [];
  if (digits === undefined) throw new Error(`no share can be drawn of '${unit}'`);
  return Number(digits.replaceAll(',', ''));
}

/** What a row says of each contender that it names: the value that is drawn, and in which words. */
function cellsOf(row, contenders, isShare) {
  const named = contenders.filter((contender) => contender in row.contenders);
  return named.map((contender) => {
    const value = row.contenders[contender]?.[row.pick];
    if (!isNumber(value)) return { contender, text: 'not measured' };
    if (!isShare) return { contender, value, text: figure(value), spoken: `${figure(value)} ${row.unit}` };
    const total = totalOf(row);
    return { contender, value: (100 * value) / total, text: `${figure(value)} of ${figure(total)}` };
  });
}

/** The bars of a row below `top`, its name in the middle of them; `{ marks, height }`. */
function group({ row, cells }, top, { left, plot, labelWidth, scale, colours }) {
  const barsHeight = cells.length * BAR;
  const textHeight = linesOf(row.case, labelWidth).length * lineHeight(SIZES.words);
  const height = Math.max(barsHeight, textHeight);
  const label = paragraph(row.case, left - 10, top + (height - textHeight) / 2, labelWidth, { anchor: 'end' });
  const bars = cells.flatMap(({ contender, value, text, spoken = text }, nth) => {
    const y = top + (height - barsHeight) / 2 + nth * BAR;
    // Nothing is a stub, whose colour says of whom.
    const length = isNumber(value) ? Math.max(STUB, scale.shareOf(value) * plot) : 0;
    const place = `x="${left.toFixed(1)}" y="${y.toFixed(1)}" width="${length.toFixed(1)}" height="${BAR - 2}"`;
    const look = { size: SIZES.small, isSoft: !isNumber(value) };
    const beside = words(text, left + length + 5, y + BAR - 4, look);
    if (length === 0) return [beside];
    return [mark(colours.get(contender), 'rect', place, `${contender}, ${row.case}: ${spoken}`), beside];
  });
  return { marks: [...label.marks, ...bars], height };
}

/** Lines through all bars between `top` and `bottom`, and their values above. */
function axisMarks(top, bottom, { left, plot, scale }) {
  return roomyTicks(scale, plot, (text) => widthOf(text, SIZES.small)).flatMap(({ value, text }) => {
    const x = left + scale.shareOf(value) * plot;
    const word = words(text, x, top - 8, { size: SIZES.small, anchor: 'middle', isSoft: true });
    return [gridLine(x, top - 4, x, bottom), word];
  });
}

/**
 * `rows` are rows of a run with one unit. `better` says which way: 'less' or 'more'. `isShare` draws percents of what the
 * unit counts; `without` names contenders that stay out.
 */
export function barChart(title, rows, { better, isLogarithmic = false, isShare = false, without = [] }) {
  const named = new Set(rows.flatMap((row) => Object.keys(row.contenders)));
  const contenders = [...named].filter((contender) => !without.includes(contender));
  const groups = rows.map((row) => ({ row, cells: cellsOf(row, contenders, isShare) }));
  const drawn = groups.flatMap(({ cells }) => cells).filter(({ value }) => isNumber(value));
  const values = drawn.map(({ value }) => value);

  const labelWidth = Math.min(WIDEST_LABEL, Math.max(...rows.map((row) => widthOf(row.case))));
  const figureWidth = Math.max(0, ...drawn.map(({ text }) => widthOf(text, SIZES.small)));
  const left = MARGIN + labelWidth + 10;
  const frame = {
    left,
    labelWidth,
    plot: WIDTH - MARGIN - figureWidth - 5 - left,
    scale: isLogarithmic ? logarithmicScale(values) : linearScale(Math.max(0, ...values), isShare ? 100 : 0),
    colours: coloursOf(contenders),
  };

  const wide = WIDTH - 2 * MARGIN;
  const unit = isShare ? '% of the spans' : rows[0].unit;
  const axis = `${unit}${isLogarithmic ? ', logarithmic scale' : ''}; ${better} is better`;
  const heading = paragraph(title, MARGIN, MARGIN, wide, { size: SIZES.title });
  const keys = legend(contenders, frame.colours, heading.bottom + 6);
  const about = paragraph(axis, MARGIN, keys.bottom + 4, wide, { size: SIZES.small, isSoft: true });
  const top = about.bottom + SIZES.small + 10;
  const marks = [];
  let bottom = top;
  for (const each of groups) {
    const drawnGroup = group(each, bottom, frame);
    marks.push(...drawnGroup.marks);
    bottom += drawnGroup.height + GROUP_GAP;
  }
  bottom -= GROUP_GAP - 2;
  const parts = [heading.marks, keys.marks, about.marks, axisMarks(top, bottom, frame), marks];
  return picture(`${title}, in ${axis}`, contenders, bottom + MARGIN, parts.flat());
}
