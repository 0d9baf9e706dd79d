'use strict';

const { exportBegins } = require('../../js/otel/diag.js');

/** Whether a line is one that only Offloop has, and on purpose (X28): what it has decided about its exporters and processors. */
function isDecision(level, text) {
  return level === 'debug' && /^Offloop: (exporter|processor) \d+: /.test(text);
}

/**
 * Records what goes through `diag` while `run` is under way, decisions apart: a list of `[level, ...arguments]`. One copy of the API holds
 * all globals of a process: a test that registers with another copy than the usual one says which.
 */
async function diagLines(run, { diag, DiagLogLevel } = require('@opentelemetry/api')) {
  const lines = [];
  const logger = {};
  for (const level of ['verbose', 'debug', 'info', 'warn', 'error']) {
    logger[level] = (...args) => {
      if (!isDecision(level, args[0])) lines.push([level, ...args]);
    };
  }
  exportBegins(); // what others have said before is not kept for this logger
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  try {
    await run();
  } finally {
    diag.disable();
  }
  return lines;
}

module.exports = { diagLines, isDecision };
