// Draws rows as SVG: horizontal bars by contender, and loop-delay timelines one below the other. It knows no scenario.
import { figure } from './verdict.mjs';

const COLOURS = ['#0b7285', '#e8590c', '#868e96', '#5f3dc4', '#2b8a3e'];
const BAR = 14;
const GAP = 10;
const LABEL_WIDTH = 270;
const CHART_WIDTH = 560;
const FIGURE_WIDTH = 130;

export const escapeHtml = (text) =>
  String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);

/** Horizontal bars, a group per row and a bar per contender; logarithmic where the figures span decades. */
export function barChart(title, rows, { logarithmic = false, without = [] } = {}) {
  const contenders = [...new Set(rows.flatMap((row) => Object.keys(row.contenders)))].filter(
    (contender) => !without.includes(contender),
  );
  const figureOf = (row, contender) => row.contenders[contender]?.[row.pick];
  const values = rows.flatMap((row) => contenders.map((contender) => figureOf(row, contender))).filter((v) => v > 0);
  const most = Math.max(...values);
  const least = Math.min(...values) / 2;
  const lengthOf = (value) => {
    if (!(value > 0)) return 0;
    const share = logarithmic ? Math.log(value / least) / Math.log(most / least) : value / most;
    return Math.max(1, share * CHART_WIDTH);
  };
  const marks = [];
  let y = 52;
  for (const row of rows) {
    const height = contenders.length * BAR;
    marks.push(
      `<text x="${LABEL_WIDTH - 8}" y="${y + height / 2 + 4}" text-anchor="end">${escapeHtml(row.case)}</text>`,
    );
    contenders.forEach((contender, index) => {
      const value = figureOf(row, contender);
      const top = y + index * BAR;
      const words = value === undefined ? 'not measured' : `${figure(value)} ${row.unit}`;
      marks.push(
        `<rect x="${LABEL_WIDTH}" y="${top}" width="${lengthOf(value).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[index % COLOURS.length]}"/>`,
        `<text x="${(LABEL_WIDTH + lengthOf(value) + 5).toFixed(1)}" y="${top + BAR - 4}" class="figure">${escapeHtml(words)}</text>`,
      );
    });
    y += height + GAP;
  }
  const legend = contenders.map((contender, index) => {
    const x = LABEL_WIDTH + index * 150;
    return `<rect x="${x}" y="28" width="10" height="10" fill="${COLOURS[index % COLOURS.length]}"/><text x="${x + 15}" y="37">${escapeHtml(contender)}</text>`;
  });
  const width = LABEL_WIDTH + CHART_WIDTH + FIGURE_WIDTH;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#212529}.title{font-weight:600;font-size:14px}.figure{font-size:11px}</style>',
    `<rect width="${width}" height="${y}" fill="#fff"/>`,
    `<text x="8" y="18" class="title">${escapeHtml(title)}${logarithmic ? ' (logarithmic)' : ''}</text>`,
    ...legend,
    ...marks,
    '</svg>',
  ].join('\n');
}

const LANE_HEIGHT = 70;

/** Loop delay over time, a lane per contender on one scale: `lanes` is `[[name, { bucketMillis, delayMillis }], …]`. */
export function timelineChart(title, lanes) {
  const most = Math.max(10, ...lanes.flatMap(([, { delayMillis }]) => delayMillis));
  const longest = Math.max(...lanes.map(([, { bucketMillis, delayMillis }]) => bucketMillis * delayMillis.length));
  const marks = lanes.flatMap(([name, { bucketMillis, delayMillis }], index) => {
    const bottom = 40 + (index + 1) * LANE_HEIGHT;
    const width = Math.max(1, (bucketMillis / longest) * CHART_WIDTH);
    const bars = delayMillis.map((delay, bucket) => {
      const height = (delay / most) * (LANE_HEIGHT - 14);
      const x = LABEL_WIDTH + ((bucket * bucketMillis) / longest) * CHART_WIDTH;
      const size = `width="${width.toFixed(1)}" height="${height.toFixed(1)}"`;
      return delay < most / 200
        ? ''
        : `<rect x="${x.toFixed(1)}" y="${(bottom - height).toFixed(1)}" ${size} fill="${COLOURS[index % COLOURS.length]}"/>`;
    });
    const words = `longest ${figure(Math.max(...delayMillis))} ms`;
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${bottom - 20}" text-anchor="end">${escapeHtml(name)}</text>`,
      `<text x="${LABEL_WIDTH + CHART_WIDTH + 8}" y="${bottom - 20}" class="figure">${words}</text>`,
      `<line x1="${LABEL_WIDTH}" y1="${bottom}" x2="${LABEL_WIDTH + CHART_WIDTH}" y2="${bottom}" stroke="#ced4da"/>`,
      ...bars,
    ];
  });
  const height = 60 + lanes.length * LANE_HEIGHT;
  const width = LABEL_WIDTH + CHART_WIDTH + FIGURE_WIDTH;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#212529}.title{font-weight:600;font-size:14px}.figure{font-size:11px}</style>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="18" class="title">${escapeHtml(title)}</text>`,
    ...marks.filter(Boolean),
    `<text x="${LABEL_WIDTH}" y="${height - 6}" class="figure">0</text>`,
    `<text x="${LABEL_WIDTH + CHART_WIDTH}" y="${height - 6}" text-anchor="end" class="figure">${(longest / 1000).toFixed(1)} s; full height is ${figure(most)} ms</text>`,
    '</svg>',
  ].join('\n');
}
