// Owns the look of the report: one style sheet, two themes, system fonts.

export const STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --panel: #f6f7f9; --ink: #1c2430; --soft: #5b6675; --line: #dfe3e8;
  --none: #8a94a3; --stock: #d9541e; --offloop-http: #0a7f78; --offloop-file: #2f6fc4; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161c; --panel: #1a2028; --ink: #e6eaf0; --soft: #98a4b3; --line: #2c3541;
  --none: #7d8896; --stock: #f07a45; --offloop-http: #35b8ad; --offloop-file: #6aa3ee; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1260px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 40px 0 10px; }
p { margin: 0 0 10px; max-width: 86ch; }
.soft { color: var(--soft); }
.note { margin-top: 10px; }
.panels { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 14px; }
@media (max-width: 1000px) { .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 560px) { .panels { grid-template-columns: minmax(0, 1fr); } }
.panel { background: var(--panel); border-radius: 10px; padding: 12px 12px 6px; }
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
.none { --series: var(--none); } .stock { --series: var(--stock); }
.offloop-http { --series: var(--offloop-http); } .offloop-file { --series: var(--offloop-file); }
.area, .fill { fill: var(--series); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 9px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 500; color: var(--soft); font-size: 13px; vertical-align: bottom; line-height: 1.3; }
th:first-child, td:first-child { text-align: left; }
td:first-child { font-weight: 600; }
table.text td, table.text th { text-align: left; white-space: normal; vertical-align: top; }
table.text td:first-child { white-space: nowrap; }
.costs { display: grid; grid-template-columns: max-content minmax(90px, 1fr) max-content; gap: 8px 14px;
  align-items: center; }
.costs .bar { width: 100%; height: 16px; border-radius: 3px; background: var(--panel); }
.costs .number { text-align: right; font-variant-numeric: tabular-nums; }
ul { padding-left: 20px; margin: 0; max-width: 96ch; } li { margin-bottom: 5px; }
code { font-size: 0.92em; }
`;
