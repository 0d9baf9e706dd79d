'use strict';
// Owns what tests of a TLS that changes have in common: a server's certificate, and putting code in the place of Node's.

const { after, before } = require('node:test');
const { build, LEAF, ROOT } = require('./chains.js');
const { listenToMoves } = require('./verdicts.js');

const [root, leaf] = build([ROOT, LEAF]);
const server = { cert: leaf.cert, key: leaf.key };

/** Moves are listened to, and Node's warnings of the variable are kept quiet, while the tests of the file run. */
function prepare() {
  const { emitWarning } = process;
  before(() => {
    listenToMoves();
    process.emitWarning = () => {};
  });
  after(() => {
    process.emitWarning = emitWarning;
  });
}

/** `object[name]` is `value` until what this returns is called. */
function put(object, name, value) {
  const original = object[name];
  if (value === undefined) delete object[name];
  else object[name] = value;
  return () => put(object, name, original);
}

const refusing = () => Object.assign(new Error('not the one I know'), { code: 'PINNED' });

module.exports = { prepare, put, refusing, root, server, VARIABLE: 'NODE_TLS_REJECT_UNAUTHORIZED' };
