'use strict';
// Owns warnings that somebody has to hear: a program without a logger and without OFFLOOP_LOG hears of nothing else.

const { diag, hasLogger } = require('./diag.js');
const { contained, ignore } = require('../guards/user_code.js');

/** To the application's logger; without one, and unless OFFLOOP_LOG says what to write, to standard error. */
function warnSomebody(text) {
  if (!hasLogger() && process.env.OFFLOOP_LOG === undefined) {
    const line = `${text} (OFFLOOP_LOG=none silences this line)`;
    contained(ignore, () => require('./stderr_lines.js').writeAlways('warn', line));
  }
  diag.warn(`Offloop: ${text}`);
}

module.exports = { warnSomebody };
