'use strict';
// Owns saying what Offloop has decided about itself (who takes whose place, who sends, who captures), so that an operator sees
// whether it runs, and why not: on stderr as OFFLOOP_LOG asks, and through `diag`.
// Refuses to decide, and to say without end what a program does again and again.

const { contained, ignore } = require('../guards/user_code.js');
const { tellDecision } = require('./diag.js');

const MOST_SAID_ONCE = 100;
const saidOnce = new Set();

/**
 * One line. Through `diag` what is as it should be comes at debug level: a program that changed an import must not get lines
 * that the stock exporter does not have.
 * @param {string} text
 * @param {'info' | 'warn' | 'error'} [level]
 */
function decided(text, level = 'info') {
  contained(ignore, () => {
    if (process.env.OFFLOOP_LOG !== undefined) require('./stderr_lines.js').writeDecision(level, text);
  });
  tellDecision(level === 'info' ? 'debug' : level, `Offloop: ${text}`);
}

/** The same for what is decided again and again: each text once. */
function decidedOnce(text, level) {
  if (saidOnce.has(text) || saidOnce.size === MOST_SAID_ONCE) return;
  saidOnce.add(text);
  decided(text, level);
}

module.exports = { decided, decidedOnce };
