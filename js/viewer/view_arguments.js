'use strict';
// Owns the options of `offloop view` and its help.

const { existsSync, statSync } = require('node:fs');
const { parseWords, UsageError } = require('../command/words.js');

const DEFAULT_DIRECTORY = 'spans';
const HIGHEST_PORT = 65_535;

const USAGE = `Usage: offloop view [options] [paths]

Shows the spans in files on a page that this machine alone can open, and follows
the files while they grow. Ctrl-C ends it.

  paths                 files and directories; without any ./spans if it is there,
                        else the current directory
  --port <number>       the port on 127.0.0.1 (default: any that is free)
  --open                opens the page in the browser
  --once                reads the files once and does not follow them
  --recursive           reads subdirectories, too
  --source <directory>  shows the lines of code of blocks, from files in there
  --utc                 shows times in UTC
  --max-memory <size>   what the index may take, as 512MB; default: half of the
                        memory, at most 2GiB
  --help                prints this
`;

const OPTIONS = {
  port: { type: 'string' },
  open: { type: 'boolean' },
  once: { type: 'boolean' },
  recursive: { type: 'boolean' },
  source: { type: 'string' },
  utc: { type: 'boolean' },
  'max-memory': { type: 'string' },
  help: { type: 'boolean' },
};

/** @throws {UsageError} */
function readArguments(words) {
  const operands = [];
  const values = parseWords(words, OPTIONS, USAGE, operands);
  const { port = '0' } = values;
  if (!/^\d{1,5}$/.test(port) || Number(port) > HIGHEST_PORT) {
    throw new UsageError(`--port is a number up to ${HIGHEST_PORT}`, USAGE);
  }
  const { source } = values;
  if (source !== undefined && !statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError('--source is a directory that is there', USAGE);
  }
  if (operands.includes('-')) {
    throw new UsageError('it cannot follow standard input; write the spans into a file, or ask stats or query', USAGE);
  }
  return {
    paths: operands.length > 0 ? operands : [existsSync(DEFAULT_DIRECTORY) ? DEFAULT_DIRECTORY : '.'],
    port: Number(port),
    isOpened: values.open === true,
    isOnce: values.once === true,
    isRecursive: values.recursive === true,
    source,
    isUtc: values.utc === true,
    maxMemory: values['max-memory'],
    isHelp: values.help === true,
  };
}

/** What the engine is started with. */
function engineWords({ paths, isOnce, isRecursive, source, maxMemory }) {
  return [
    'serve',
    ...(isOnce ? ['--once'] : []),
    ...(isRecursive ? ['--recursive'] : []),
    ...(source === undefined ? [] : ['--source', source]),
    ...(maxMemory === undefined ? [] : ['--max-memory', maxMemory]),
    '--',
    ...paths,
  ];
}

module.exports = { engineWords, readArguments, USAGE };
