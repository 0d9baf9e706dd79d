'use strict';
// A test file as node:test runs it. FILE stands for its name.

const { after, mock, test } = require('node:test');
const { define, record } = require('./suite.cjs');

/** node:test has no resets. */
function reset() {
  for (const file of Object.keys(require.cache)) {
    if (/[\\/]offloop[\\/]/.test(file) && !file.endsWith('.node')) delete require.cache[file];
  }
  for (const each of [module, ...Object.values(require.cache)]) each.children?.splice(0);
}

define({
  file: 'FILE',
  test,
  load: () => require('offloop'),
  reset,
  useFakeTimers: () => mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] }),
  useRealTimers: () => mock.timers.reset(),
});
after(() => record('node'));
