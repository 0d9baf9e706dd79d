// Owns the drawings of the report, as inline SVG: no script, no external resource, colours by class so that the page's
// light and dark themes reach them. It rounds nothing that the table shows.

import { roomyTicks } from '../bench/pictures/scales.mjs';
import { escapeHtml, widthOf } from '../bench/pictures/svg.mjs';

const WIDTH = 300;
const HEIGHT = 170;
const RIGHT = 6;
const TOP = 12;
const BOTTOM = 24;
const TICK_SIZE = 10;

const tickWidth = (text) => widthOf(text, TICK_SIZE);

/** One phase's event-loop delay over time; `millis` and `maxSeconds` are the scales that all phases share. */
export function timelineSvg({ id, title, timelineMillis, bucketMillis, loadSeconds }, { millis, maxSeconds }) {
  const yTicks = millis.ticks.map(({ value, text }) => ({ value, text: value === 0 ? text : `${text} ms` }));
  const left = Math.max(...yTicks.map(({ text }) => tickWidth(text))) + 6;
  const x = (seconds) => left + (seconds / maxSeconds) * (WIDTH - left - RIGHT);
  const y = (delay) => HEIGHT - BOTTOM - millis.shareOf(delay) * (HEIGHT - TOP - BOTTOM);
  const steps = timelineMillis.map(
    (delay, bucket) =>
      `V${y(delay).toFixed(1)}H${x(Math.min(maxSeconds, ((bucket + 1) * bucketMillis) / 1000)).toFixed(1)}`,
  );
  const xStep = maxSeconds > 8 ? 5 : maxSeconds > 3 ? 2 : 1;
  const xTicks = Array.from({ length: Math.floor(maxSeconds / xStep) + 1 }, (_, index) => index * xStep);
  const seconds = {
    ticks: xTicks.map((value) => ({ value, text: `${value} s` })),
    shareOf: (value) => value / maxSeconds,
  };
  const shownSeconds = roomyTicks(seconds, WIDTH - left - RIGHT, tickWidth);
  const label = (at, top, anchor, text) =>
    `<text class="tick" x="${at.toFixed(1)}" y="${top.toFixed(1)}" text-anchor="${anchor}">${text}</text>`;
  // A word in the middle of its tick would leave the picture where the tick is at the end.
  const below = ({ value, text }) => {
    const half = tickWidth(text) / 2;
    return label(Math.min(Math.max(x(value), half), WIDTH - half), HEIGHT - 9, 'middle', text);
  };
  const end = x(Math.min(loadSeconds, maxSeconds)).toFixed(1);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Event-loop delay over time, ${escapeHtml(title)}">
${yTicks.map(({ value }) => `<path class="grid" d="M${left.toFixed(1)} ${y(value).toFixed(1)}H${WIDTH - RIGHT}"/>`).join('')}
${yTicks.map(({ value, text }) => label(left - 5, y(value) + 3.5, 'end', text)).join('')}
${shownSeconds.map(below).join('')}
<path class="area ${id}" d="M${left.toFixed(1)} ${y(0).toFixed(1)}${steps.join('')}V${y(0).toFixed(1)}Z"/>
<line class="end" x1="${end}" x2="${end}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>
</svg>`;
}

/** One bar of CPU per request: what the application costs without an exporter, then what came on top. */
export function costBarSvg({ id, baseMillis, totalMillis }, maxMillis) {
  const width = (millis) => ((Math.max(0, millis) / maxMillis) * 100).toFixed(2);
  const extra = Math.max(0, totalMillis - baseMillis);
  const spoken = `${totalMillis.toFixed(2)} ms`;
  return `<svg viewBox="0 0 100 6" preserveAspectRatio="none" class="bar" role="img" aria-label="${spoken}">
<rect class="fill none" x="0" y="0" width="${width(Math.min(baseMillis, totalMillis))}" height="6"/>
<rect class="fill ${id}" x="${width(baseMillis)}" y="0" width="${width(extra)}" height="6"/>
</svg>`;
}
