'use strict';
// A test file as jest runs it. FILE stands for its name.

const runner = require('@jest/globals');
const { define } = require('./suite.cjs');

define({
  file: 'FILE',
  test: runner.test,
  load: () => require('offloop'),
  reset: () => runner.jest.resetModules(),
  useFakeTimers: () => runner.jest.useFakeTimers(),
  useRealTimers: () => runner.jest.useRealTimers(),
});
