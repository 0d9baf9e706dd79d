'use strict';
// Owns the ids of the differences on purpose, as docs/spec/otlp-grpc.md has them.

const fs = require('node:fs');
const path = require('node:path');

const page = fs.readFileSync(path.join(__dirname, '..', '..', '..', 'docs', 'spec', 'otlp-grpc.md'), 'utf8');
const rows = [...page.matchAll(/^### (Y\d+)$/gm)].map(([, id]) => id);

module.exports = { rows };
