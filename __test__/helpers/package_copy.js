'use strict';

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/** Copies to `place` what the package needs to run, with the addon that is built here. */
function copyPackage(place) {
  for (const part of ['js', 'addon', 'index.js', 'package.json']) {
    const filter = (file) => !/[\\/]addon[\\/](src|tests|Cargo|target)/.test(file);
    fs.cpSync(path.join(root, part), path.join(place, part), { recursive: true, filter });
  }
}

module.exports = { copyPackage };
