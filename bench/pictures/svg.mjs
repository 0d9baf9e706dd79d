// Owns what every chart is made of: words and how much room they take, the legend, both colour schemes. A chart stands on a
// page of its own, so it can be read wherever it is embedded; on paper it is light.
import { PAGES, coloursOf } from './palette.mjs';

/** Narrow, because words shrink with the picture on a phone. */
export const WIDTH = 520;
export const MARGIN = 10;
export const SIZES = { title: 15, words: 13, small: 12 };
const FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,sans-serif';
const BOLD = 1.12;
const SWATCH = 11;
const LINE = 1.35;

/** Widths as shares of the size: those of DejaVu Sans, the widest font that system-ui comes to, or more. */
const LETTERS = [
  [/[ijl|'.,:;! \u00a0]/, 0.34],
  [/[fIJrt()[\]{}/\\"-]/, 0.46],
  [/[mwMW%@+=<>]/, 1],
  [/[A-Z&_~#]/, 0.8],
  [/[a-z0-9µ–?*$]/, 0.65],
];
const WIDEST = 1.4;

export const escapeHtml = (text) =>
  String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);

/** How much room `text` takes at most. */
export function widthOf(text, size = SIZES.words) {
  let width = 0;
  for (const letter of text) width += LETTERS.find(([letters]) => letters.test(letter))?.[1] ?? WIDEST;
  return width * size * (size === SIZES.title ? BOLD : 1);
}

/** `text` in lines of at most `width`; a number stays with its unit, and a word that is longer than a line is divided. */
export function linesOf(text, width, size = SIZES.words) {
  const fits = (line) => widthOf(line, size) <= width;
  const bound = String(text)
    .replace(/\s+/g, ' ')
    .replace(/(\d) (?=[a-zµ]{1,2}\b)/gi, '$1\u00a0');
  const lines = [''];
  for (const word of bound.split(' ')) {
    const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`;
    if (fits(longer)) {
      lines[lines.length - 1] = longer;
      continue;
    }
    if (lines.at(-1) !== '') lines.push('');
    for (const letter of word) {
      if (lines.at(-1) !== '' && !fits(lines.at(-1) + letter)) lines.push('');
      lines[lines.length - 1] += letter;
    }
  }
  return lines;
}

export const lineHeight = (size) => Math.round(size * LINE);

/** One word or line; `y` is its baseline. */
export function words(text, x, y, { size = SIZES.words, anchor = 'start', isSoft = false } = {}) {
  const name = Object.keys(SIZES).find((key) => SIZES[key] === size);
  const colour = isSoft ? ' fill="#5b6675"' : ' fill="#1c2430"';
  const at = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
  return `<text class="${name}${isSoft ? ' soft' : ''}" ${at}${colour}>${escapeHtml(text)}</text>`;
}

/** Lines below each other from `top` on; `{ marks, bottom }`. */
export function paragraph(text, x, top, width, { size = SIZES.words, ...look } = {}) {
  const lines = linesOf(text, width, size);
  const height = lineHeight(size);
  const marks = lines.map((line, nth) => words(line, x, top + size + nth * height, { size, ...look }));
  return { marks, bottom: top + lines.length * height };
}

const attributes = ({ id, light }) => `class="${id}" fill="${light}"`;

/** What is drawn for a contender; its tip says whose it is. */
export function mark(colour, shape, geometry, tip) {
  return `<${shape} ${attributes(colour)} ${geometry}><title>${escapeHtml(tip)}</title></${shape}>`;
}

/** Square and name; `{ marks, right, bottom }`. */
export function key(name, colour, x, top, width) {
  const { marks, bottom } = paragraph(name, x + SWATCH + 6, top, width - SWATCH - 6);
  const square = `<rect ${attributes(colour)} x="${x.toFixed(1)}" y="${(top + 2).toFixed(1)}" width="${SWATCH}" height="${SWATCH}"/>`;
  const right = x + SWATCH + 6 + Math.min(widthOf(name), width - SWATCH - 6);
  return { marks: [`<g class="key">${[square, ...marks].join('')}</g>`], right, bottom };
}

/** A key for each contender, in as many lines as they need; `{ marks, bottom }`. */
export function legend(names, colours, top) {
  const width = WIDTH - 2 * MARGIN;
  const marks = [];
  let [x, y, bottom] = [MARGIN, top, top];
  for (const name of names) {
    if (x > MARGIN && x + SWATCH + 6 + widthOf(name) > WIDTH - MARGIN) [x, y] = [MARGIN, bottom];
    const drawn = key(name, colours.get(name), x, y, width);
    marks.push(...drawn.marks);
    x = drawn.right + 18;
    bottom = Math.max(bottom, drawn.bottom);
  }
  return { marks, bottom };
}

export const gridLine = (x1, y1, x2, y2) =>
  `<line class="grid" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#dfe3e8"/>`;

/** The whole picture. Colours are attributes for the light scheme, which every program draws, and rules for the dark one. */
export function picture(title, names, height, marks) {
  const dark = [...coloursOf(names).values()].map(({ id, dark: fill }) => `.chart .${id}{fill:${fill}}`);
  const size = `${WIDTH} ${Math.ceil(height)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${size}" width="${WIDTH}" height="${Math.ceil(height)}" role="img" aria-label="${escapeHtml(title)}">`,
    '<style>',
    `.chart text{font:${SIZES.words}px ${FONT}}`,
    `.chart .title{font-size:${SIZES.title}px;font-weight:600}.chart .small{font-size:${SIZES.small}px}`,
    '@media screen and (prefers-color-scheme:dark){',
    `.chart .page{fill:${PAGES.dark}}.chart text{fill:#e6eaf0}.chart .soft{fill:#98a4b3}.chart .grid{stroke:#2c3541}`,
    ...dark,
    '}',
    '</style>',
    `<rect class="page" width="${WIDTH}" height="${Math.ceil(height)}" fill="${PAGES.light}"/>`,
    ...marks,
    '</svg>',
  ].join('\n');
}
