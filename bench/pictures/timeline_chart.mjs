// Draws loop delay over time: a lane for each contender below the other, all on the same axes.
import { figure } from '../harness/verdict.mjs';
import { coloursOf } from './palette.mjs';
import { linearScale, roomyTicks } from './scales.mjs';
import { gridLine, key, MARGIN, mark, paragraph, picture, SIZES, WIDTH, widthOf, words } from './svg.mjs';

const LANE = 56;
/** A blank scale of less would make mountains of noise. */
const LEAST_MILLIS = 10;

/** `lanes` is `[[name, { bucketMillis, delayMillis }], …]`. */
export function timelineChart(title, lanes) {
  const names = lanes.map(([name]) => name);
  const colours = coloursOf(names);
  const millis = linearScale(Math.max(0, ...lanes.flatMap(([, { delayMillis }]) => delayMillis)), LEAST_MILLIS);
  const longest = Math.max(1, ...lanes.map(([, { bucketMillis, delayMillis }]) => bucketMillis * delayMillis.length));
  const seconds = secondsScale(longest / 1000);
  const small = { size: SIZES.small, isSoft: true };
  const ends = [millis.ticks[0], millis.ticks.at(-1)];
  const left = MARGIN + Math.max(...ends.map(({ text }) => widthOf(text, SIZES.small))) + 6;
  const right = WIDTH - MARGIN - 12;

  const heading = paragraph(title, MARGIN, MARGIN, WIDTH - 2 * MARGIN, { size: SIZES.title });
  const axis = 'delay in ms, the same scale for all, over time in s; less is better';
  const about = paragraph(axis, MARGIN, heading.bottom + 2, WIDTH - 2 * MARGIN, small);
  const marks = [...heading.marks, ...about.marks];
  let y = about.bottom + 8;
  for (const [name, timeline] of lanes) {
    const worst = `longest ${figure(Math.max(0, ...timeline.delayMillis))} ms`;
    const room = WIDTH - 2 * MARGIN - widthOf(worst, SIZES.small) - 12;
    const title = key(name, colours.get(name), MARGIN, y, room);
    marks.push(...title.marks, words(worst, WIDTH - MARGIN, y + SIZES.words, { size: SIZES.small, anchor: 'end' }));
    const top = title.bottom + 6;
    const bottom = top + LANE;
    for (const { value, text } of ends) {
      const height = bottom - millis.shareOf(value) * LANE;
      marks.push(gridLine(left, height, right, height), words(text, left - 6, height + 4, { ...small, anchor: 'end' }));
    }
    const steps = stepsOf(timeline, {
      x: (second) => left + seconds.shareOf(second) * (right - left),
      y: (delay) => bottom - millis.shareOf(delay) * LANE,
    });
    marks.push(mark(colours.get(name), 'path', `d="${steps}"`, `${name}: ${worst}`));
    y = bottom + 10;
  }
  const tickLine = y - 10 + SIZES.small + 6;
  for (const { value, text } of roomyTicks(seconds, right - left, (text) => widthOf(text, SIZES.small))) {
    marks.push(words(text, left + seconds.shareOf(value) * (right - left), tickLine, { ...small, anchor: 'middle' }));
  }
  return picture(`${title}: ${axis}`, names, tickLine + MARGIN, marks);
}

/** Whole seconds where there are some; the axis ends where the longest lane does. */
function secondsScale(end) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 300, 600].find((each) => end / each <= 10) ?? end;
  const ticks = Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, nth) => {
    const value = Number((nth * step).toPrecision(6));
    return { value, text: `${figure(value)} s` };
  });
  return { ticks, shareOf: (value) => Math.min(1, value / end) };
}

/** The outline of a lane: a step for each bucket. */
function stepsOf({ bucketMillis, delayMillis }, { x, y }) {
  const floor = y(0).toFixed(1);
  const steps = delayMillis.map(
    (delay, nth) => `V${y(delay).toFixed(1)}H${x(((nth + 1) * bucketMillis) / 1000).toFixed(1)}`,
  );
  return `M${x(0).toFixed(1)} ${floor}${steps.join('')}V${floor}Z`;
}
