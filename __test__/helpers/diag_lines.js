'use strict';

/**
 * Records what goes through `diag` while `run` is under way: a list of `[level, ...arguments]`. One copy of the API holds
 * all globals of a process: a test that registers with another copy than the usual one says which.
 */
async function diagLines(run, { diag, DiagLogLevel } = require('@opentelemetry/api')) {
  const lines = [];
  const logger = {};
  for (const level of ['verbose', 'debug', 'info', 'warn', 'error']) {
    logger[level] = (...args) => lines.push([level, ...args]);
  }
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  try {
    await run();
  } finally {
    diag.disable();
  }
  return lines;
}

module.exports = { diagLines };
