'use strict';
// Owns the files of the page: read once, at the start, into a table by their addresses.
// It refuses to look at the file system for a request.

const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

const PAGE = path.join(__dirname, '..', '..', 'viewer', 'page');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Address -> `{ type, body }`. */
function loadAssets(directory = PAGE) {
  const assets = new Map();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const type = TYPES[path.extname(entry.name)];
    if (type === undefined || !entry.isFile()) continue;
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    const address = `/${path.relative(directory, file).split(path.sep).join('/')}`;
    assets.set(address, { type, body: readFileSync(file) });
  }
  assets.set('/', assets.get('/index.html'));
  return assets;
}

module.exports = { loadAssets, PAGE };
