#!/usr/bin/env node
'use strict';
// Owns what `npx offloop` starts. It refuses to load anything on a Node.js that cannot read it.

const { engines } = require('../package.json');

const [major, minor] = process.versions.node.split('.').map(Number);
const [wantedMajor, wantedMinor] = engines.node.match(/\d+/g).map(Number);

if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  console.error(`offloop needs Node.js ${engines.node}, this is ${process.versions.node}`);
  process.exitCode = 1;
} else {
  require('../js/command/main.js').main(process.argv.slice(2));
}
