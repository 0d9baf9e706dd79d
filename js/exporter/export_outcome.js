'use strict';
// Owns what became of an export: what was refused here and what native threads report, as one outcome and one error, and
// whom it is told.
// Refuses to count: by the time it is asked, every span has been.

const { buildExportError } = require('./errors.js');
const { withoutQuery } = require('../config/url.js');
const { diag, exportDelegateLogger } = require('../otel/diag.js');
const { textOfError } = require('../node_http/network_facts.js');
const { logRetryOutcome } = require('./retry_diag.js');
const { contained } = require('../guards/user_code.js');
const { SHOWN_UNITS } = require('../guards/shown.js');

/** What native threads report of a batch, where they never saw one. */
const NOTHING_SENT = Object.freeze({ __proto__: null, delivered: 0, rejected: 0, dropped: {}, attempts: 0 });

/** Kinds of failures that an attempt has, and not a rule of ours. */
const OF_AN_ATTEMPT = new Set(['network', 'grpc']);

/** `{ outcome, reason, error }`; without a loss that makes an export fail there is neither reason nor error. */
function settle(batch, native, hasRules) {
  const { delivered, rejected, filtered = 0, dropped: droppedLater, attempts, error: failure } = native;
  const dropped = { ...droppedLater };
  for (const [reason, count] of Object.entries(batch.refused)) dropped[reason] = (dropped[reason] ?? 0) + count;
  const outcome = hasRules
    ? { delivered, rejected, filtered, dropped, attempts }
    : { delivered, rejected, dropped, attempts };
  const reason = reasonOfFailure(outcome);
  if (reason === undefined) return { outcome, reason, error: undefined };
  const facts = withOriginal(failure, batch.call.original) ?? { __proto__: null, kind: reason };
  const error = buildExportError(facts);
  outcome.error = { code: String(facts.code || reason), message: textOfError(error) };
  if (facts.httpStatus != null) outcome.error.httpStatus = facts.httpStatus;
  return { outcome, reason, error };
}

/** Spans that could not be read are no failure of an export, unless nothing else was left of it. */
function reasonOfFailure({ delivered, rejected, filtered = 0, dropped }) {
  const reason = Object.keys(dropped).find((name) => name !== 'invalid');
  const isNothingLeft = delivered + rejected + filtered === 0 && dropped.invalid > 0;
  return reason ?? (isNothingLeft ? 'invalid' : undefined);
}

/** The lines that the stock exporter logs after an export, and one about spans that could not be read. */
function tellOutcome({ attempts, partialSuccess, warnings }, told) {
  const { reason, error, thrown, invalid, logsRetries, endpoint } = told;
  if ((reason === undefined || reason === 'invalid') && invalid > 0)
    diag.warn(`Offloop: ${invalid} spans for ${withoutQuery(endpoint)} could not be read (invalid)`);
  if (logsRetries !== false) logRetryOutcome({ attempts, reason, error, thrown });
  if (partialSuccess != null) diag.warn('Received Partial Success response:', partialSuccess);
  for (const warning of warnings ?? []) loggerFor(warning).warn(warning);
}

/** The stock exporter names the component in one of its lines only. */
function loggerFor(warning) {
  return warning.startsWith('Export succeeded') ? exportDelegateLogger : diag;
}

/** The error object that user code or Node's http threw, where it is what ended the export. */
function withOriginal(failure, original) {
  if (!OF_AN_ATTEMPT.has(failure?.kind) || original === undefined) return failure;
  const text = textOfError(original);
  const { length } = failure.message;
  // The native side counts bytes where it cuts, three for a unit at most.
  const isWhole = length === text.length || length > SHOWN_UNITS / 4;
  return isWhole && text.startsWith(failure.message) ? { ...failure, original } : failure;
}

/** Tells the user's `onError` of a loss. */
function reportFailure({ onError, endpoint }, { reason, spans, attempts, httpStatus, code, message }) {
  if (onError === undefined) return;
  const failure = { reason, spans, attempts, message, endpoint };
  if (httpStatus != null) failure.httpStatus = httpStatus;
  if (code != null) failure.code = code;
  contained((error) => diag.error('Offloop: onError threw', error), onError, failure);
}

module.exports = { NOTHING_SENT, reportFailure, settle, tellOutcome };
