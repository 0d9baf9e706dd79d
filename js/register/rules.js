'use strict';
// Owns that nothing of what `offloop/register` stands for sends spans as they are where `process` asks for rules: not a class that
// stays the stock one, not an instance that was made past the substitutes, not what was made before.
// Refuses to guess what exporters of other packages do: they are the program's.

const { refuseProcess } = require('../config/process.js');
const { configured, refuseStrayArguments, refuseStrays } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { decidedOnce } = require('../otel/decisions.js');
const { diag, registered } = require('../otel/diag.js');
const { soon } = require('../guards/timers.js');
const { contained } = require('../guards/user_code.js');

const FAILED = 1;
const { exporter: _, ...SETTINGS } = OPTIONS.BatchSpanProcessor;
const OF_BROWSERS = ['disableAutoFlushOnDocumentHide'];

/** For an exporter that is to be made of the stock class. @throws {Error} where the environment or its options ask for rules */
function refuseStockExporter(which, [config, ...others], isOfClass) {
  configured(() => {
    refuseProcess(config?.process, `${which}, which stays the stock class,`);
    refuseStrays(OPTIONS.OTLPTraceExporter, config, isOfClass);
    if (isOfClass) refuseStrayArguments(OPTIONS.OTLPTraceExporter, others, 1);
  });
}

/** The same for a processor, which has no rules of its own: its options are no place for them. */
function refuseStockProcessor(_which, [first, config], isOfClass) {
  configured(() => {
    if (typeof first?.export === 'function') refuseStrays(SETTINGS, config, isOfClass, OF_BROWSERS);
    else refuseStrays(OPTIONS.BatchSpanProcessor, first, isOfClass, OF_BROWSERS);
  });
}

/** Whether a call of a stock exporter that was made past us has been answered with a failure, because the environment asks for rules. */
function refuseExport(which) {
  return (method, [, resultCallback]) => {
    if (method !== 'export') return false;
    const error = refusalOf(`an object of ${which} that offloop/register has not made`);
    if (error === null) return false;
    decidedOnce(`register: ${error.message}`, 'error');
    const failed = (thrown) => diag.error('Offloop: the result callback threw', thrown);
    soon(() => contained(failed, resultCallback, { code: FAILED, error }));
    return true;
  };
}

/** @throws {Error} where a program traces already, with an exporter that does not show, and the environment asks for rules */
function refuseUnseen() {
  if (registered('trace') === undefined) return;
  const error = refusalOf('what a tracer provider that was registered before offloop/register exports with');
  if (error !== null) throw error;
}

function refusalOf(who) {
  try {
    configured(() => refuseProcess(undefined, who));
    return null;
  } catch (error) {
    return error;
  }
}

module.exports = { refuseStockExporter, refuseStockProcessor, refuseExport, refuseUnseen };
