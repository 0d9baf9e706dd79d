'use strict';
// The pages of this repository, by their paths from its root.

const { readdirSync } = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');
const markdownIn = (folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(folder, name));
const examples = readdirSync(path.join(root, 'examples'), { withFileTypes: true }).filter((entry) =>
  entry.isDirectory(),
);

const pages = [
  ...markdownIn('.'),
  ...markdownIn('docs'),
  ...markdownIn('docs/adr'),
  ...markdownIn('docs/spec'),
  'examples/README.md',
  ...examples.map(({ name }) => `examples/${name}/README.md`),
  'npm/README.md',
];

/** What GitHub makes of the headings of a page: the anchors that links lead to. */
function anchorsOf(text) {
  const headings = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Targets of the links of a page. */
function linksOf(text) {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
}

module.exports = { anchorsOf, linksOf, pages };
