'use strict';
// Owns the proof that stacks are what they seem: before the first one is asked for, one whose content is known is taken.
// Refuses to trust a version: a V8 of the right number may have been built or patched by anybody.

const { Script } = require('node:vm');

// A script of its own: bundlers and minifiers may rename and move everything else.
const FILE = 'offloop-stack-proof';
const FUNCTION = 'offloopStackProof';
const LINE = 3;
const SOURCE = `(
  function ${FUNCTION}(native) {
    return native.proveStacks('${FUNCTION}', '${FILE}', ${LINE});
  }
)`;

/** Whether `native` may take stacks; it takes none before this. */
function proveStacks(native) {
  return new Script(SOURCE, { filename: FILE }).runInThisContext()(native);
}

module.exports = { proveStacks };
