'use strict';

const { diag, DiagLogLevel } = require('@opentelemetry/api');

/** Records what goes through `diag` while `run` is under way: a list of `[level, ...arguments]`. */
async function diagLines(run) {
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
