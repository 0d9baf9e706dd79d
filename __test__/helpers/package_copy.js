'use strict';

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/** Copies to `place` what the package needs to run, with the addon that is built here, or without it. */
function copyPackage(place, { withAddon = true } = {}) {
  for (const part of ['bin', 'js', 'addon', 'index.js', 'package.json']) {
    const isLeftOut = (file) =>
      /[\\/]addon[\\/](src|tests|Cargo|target)/.test(file) || (!withAddon && file.endsWith('.node'));
    const filter = (file) => !isLeftOut(file);
    fs.cpSync(path.join(root, part), path.join(place, part), { recursive: true, filter });
  }
}

module.exports = { copyPackage };
