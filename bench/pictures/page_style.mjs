// Owns the look of the reports: one style sheet, light, dark and on paper, from the width of a phone on, system fonts.
import { PAGES } from './palette.mjs';

export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: ${PAGES.light}; --panel: #f6f7f9; --ink: #1c2430; --soft: #5b6675; --line: #dfe3e8; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: ${PAGES.dark}; --panel: #1a2028; --ink: #e6eaf0; --soft: #98a4b3; --line: #2c3541; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1260px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 40px 0 10px; }
p { margin: 0 0 10px; max-width: 86ch; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.note { margin-top: 10px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 9px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 500; color: var(--soft); font-size: 13px; vertical-align: bottom; line-height: 1.3; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--page); }
td:first-child { font-weight: 600; }
table.text td, table.text th { text-align: left; white-space: normal; vertical-align: top; }
table.pairs { table-layout: fixed; }
table.pairs td { overflow-wrap: anywhere; }
ul { padding-left: 20px; margin: 0; max-width: 96ch; } li { margin-bottom: 5px; }
code { font-size: 0.92em; overflow-wrap: anywhere; }
pre { font-size: 12.5px; line-height: 1.45; margin: 10px 0; padding: 10px 12px; overflow-x: auto; background: var(--panel);
  border-radius: 8px; }
@media (max-width: 560px) {
  main { padding: 20px 14px 40px; }
  h1 { font-size: 21px; }
  .scroll table.text { min-width: 680px; }
  .scroll table.text td:first-child { max-width: 40vw; }
}
@media print {
  @page { margin: 12mm; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  svg, tr, li { break-inside: avoid; }
  .scroll, pre { overflow: visible; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  table { font-size: 9px; } th { font-size: 9px; }
  th, td { padding: 3px 4px; white-space: normal; }
  th:first-child, td:first-child { position: static; }
  table.text td { overflow-wrap: anywhere; }
  * { print-color-adjust: exact; }
}
`;
