'use strict';

/** Everything about an ExportResult that a user of the stock exporter can see, as plain comparable data. */
function describeResult({ code, error, ...rest }) {
  const described = { code, ...rest };
  if (error !== undefined) described.error = describeError(error);
  return described;
}

function describeError(error) {
  return {
    isError: error instanceof Error,
    type: error.constructor.name,
    name: error.name,
    message: error.message,
    // The processors flatten an error through its own properties; `stack` differs by nature.
    own: Object.fromEntries(
      Object.getOwnPropertyNames(error)
        .filter((key) => key !== 'stack' && key !== 'message')
        .sort()
        .map((key) => [key, error[key]]),
    ),
  };
}

module.exports = { describeResult, describeError };
