'use strict';
// Owns reading the options of a command, and what is said of those that are wrong.
// It refuses to repeat a value: it may be a secret.

const { parseArgs } = require('node:util');
const { nearest } = require('./nearest.js');

/** The command line says nothing that can be done. */
class UsageError extends Error {
  /** @param {string} usage what the command's help says */
  constructor(message, usage) {
    super(message);
    this.usage = usage;
  }
}

/**
 * The values of `options` (as `util.parseArgs` has them) in `words`. What is no option goes into `operands`.
 * @param {string[]} [operands] without it there may be none
 * @throws {UsageError}
 */
function parseWords(words, options, usage, operands) {
  const { tokens } = parseArgs({ args: words, options, allowPositionals: true, strict: false, tokens: true });
  const values = {};
  for (const { kind, rawName, name, value } of tokens) {
    const option = Object.hasOwn(options, name ?? '') ? options[name] : undefined;
    if (kind !== 'option' && operands !== undefined) {
      if (kind === 'positional') operands.push(value);
      continue;
    }
    if (kind !== 'option') throw new UsageError('it takes options only', usage);
    if (option === undefined) {
      const meant = nearest(name, Object.keys(options));
      const hint = meant === null ? '' : `; did you mean --${meant}?`;
      // What is no plain word may hold a value, of `--header:…` for instance.
      const shown = /^--?[a-z-]+$/i.test(rawName) ? ` ${rawName}` : ' of that name';
      throw new UsageError(`there is no option${shown}${hint}`, usage);
    }
    if ((option.type === 'string') !== (value !== undefined) || value === '' || value?.startsWith('--')) {
      throw new UsageError(`${rawName} takes ${option.type === 'string' ? 'a' : 'no'} value`, usage);
    }
    values[name] = value ?? true;
  }
  return values;
}

module.exports = { parseWords, UsageError };
