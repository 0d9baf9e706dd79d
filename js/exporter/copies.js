'use strict';
// Owns telling the exporters of this copy of the module from those of other copies in the process: two versions in one tree,
// a linked checkout, a module that was loaded again.
// Refuses to make one work for the other: what they have in private may differ.

const path = require('node:path');
const { version } = require('../../package.json');

const KEY = Symbol.for('offloop.copy.1');
const OWN = Object.freeze({ place: path.join(__dirname, '..', '..'), version });

/** Instances of `Class` say from which copy they are. */
function signCopy(Class) {
  Object.defineProperty(Class.prototype, KEY, { value: OWN });
}

/** `{ place, version }` of the copy that `exporter` is of, null if it is of this one or of somebody else. */
function otherCopyOf(exporter) {
  try {
    const copy = exporter[KEY];
    return copy === OWN || typeof copy?.place !== 'string' ? null : copy;
  } catch {
    return null; // a proxy of the application's
  }
}

module.exports = { OWN, otherCopyOf, signCopy };
