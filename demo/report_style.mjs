// Owns what the report of the demo adds to the look of all reports: panels, bars, and a colour for each phase.

import { coloursOf } from '../bench/pictures/palette.mjs';
import { PAGE_STYLE } from '../bench/pictures/page_style.mjs';

const OWN_STYLE = `
.panels { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 14px; }
.panel { background: var(--panel); border-radius: 10px; padding: 12px 12px 6px; break-inside: avoid; }
.panel h3 { margin: 0; font-size: 14px; }
.panel h3::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px;
  border-radius: 2px; background: var(--series); }
.panel .figure { font-size: 24px; font-weight: 650; line-height: 1.2; margin: 4px 0 0;
  font-variant-numeric: tabular-nums; }
.panel .figure small { font-size: 13px; font-weight: 400; color: var(--soft); }
.panel .under { margin: 0; font-size: 13px; }
.panel svg { display: block; width: 100%; height: auto; margin-top: 6px; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick { fill: var(--soft); font-size: 10px; }
.end { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
.area, .fill { fill: var(--series); }
.costs { display: grid; grid-template-columns: max-content minmax(60px, 1fr) minmax(0, max-content); gap: 8px 14px;
  align-items: center; }
.costs .bar { width: 100%; height: 16px; border-radius: 3px; background: var(--panel); }
.costs .number { text-align: right; font-variant-numeric: tabular-nums; }
@media (max-width: 1000px) { .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 560px) { .panels { grid-template-columns: minmax(0, 1fr); } }
@media print { .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
`;

/** The style sheet of a report on these phases, `[{ id, title }, …]`. */
export function reportStyle(phases) {
  const colours = coloursOf(phases.map(({ title }) => title));
  const series = (scheme) =>
    phases.map(({ id, title }) => `.${id} { --series: ${colours.get(title)[scheme]}; }`).join('\n');
  return `${PAGE_STYLE}${OWN_STYLE}${series('light')}
@media screen and (prefers-color-scheme: dark) {
${series('dark')}
}
`;
}
