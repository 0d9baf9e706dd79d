// Owns the drawings of the report, as inline SVG: no script, no external resource, colours by class so that the page's
// light and dark themes reach them. It rounds nothing that the table shows.

const WIDTH = 300;
const HEIGHT = 170;
const LEFT = 34;
const RIGHT = 6;
const TOP = 10;
const BOTTOM = 24;

/** The next round number at or above `value`, for the end of an axis. */
export function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((candidate) => candidate >= value);
}

/** One phase's event-loop delay over time; `maxMillis` and `maxSeconds` are the shared scales. */
export function timelineSvg({ id, title, timelineMillis, bucketMillis, loadSeconds }, { maxMillis, maxSeconds }) {
  const x = (seconds) => LEFT + (seconds / maxSeconds) * (WIDTH - LEFT - RIGHT);
  const y = (millis) => HEIGHT - BOTTOM - (millis / maxMillis) * (HEIGHT - TOP - BOTTOM);
  const steps = timelineMillis.map(
    (millis, bucket) =>
      `V${y(millis).toFixed(1)}H${x(Math.min(maxSeconds, ((bucket + 1) * bucketMillis) / 1000)).toFixed(1)}`,
  );
  const yTicks = [0, maxMillis / 2, maxMillis];
  const xStep = maxSeconds > 8 ? 5 : maxSeconds > 3 ? 2 : 1;
  const xTicks = Array.from({ length: Math.floor(maxSeconds / xStep) + 1 }, (_, index) => index * xStep);
  const label = (left, top, anchor, text) =>
    `<text class="tick" x="${left.toFixed(1)}" y="${top.toFixed(1)}" text-anchor="${anchor}">${text}</text>`;
  const end = x(Math.min(loadSeconds, maxSeconds)).toFixed(1);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Event-loop delay over time, ${title}">
${yTicks.map((tick) => `<path class="grid" d="M${LEFT} ${y(tick)}H${WIDTH - RIGHT}"/>`).join('')}
${yTicks.map((tick) => label(LEFT - 5, y(tick) + 3.5, 'end', Number(tick.toPrecision(3)))).join('')}
${xTicks.map((tick) => label(x(tick), HEIGHT - 9, 'middle', `${tick} s`)).join('')}
<path class="area ${id}" d="M${LEFT} ${y(0).toFixed(1)}${steps.join('')}V${y(0).toFixed(1)}Z"/>
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
