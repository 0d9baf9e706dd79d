'use strict';
// Owns `offloop view`: the engine and the server of one run, what is printed of them, and how the command ends.
// It refuses to know anything about spans.

const { constants } = require('node:os');
const { clearTimeout, now, setTimeout } = require('../guards/timers.js');
const { loadAssets } = require('./assets.js');
const { openBrowser } = require('./browser.js');
const { describeMissing, findViewer } = require('./command.js');
const { Engine } = require('./engine.js');
const { Live } = require('./live.js');
const { ADDRESS, createServer, listen } = require('./server.js');
const { Secrets } = require('./token.js');
const { Turns } = require('./turns.js');
const { engineWords, readArguments, USAGE } = require('./view_arguments.js');
const { noticeOf, Progress, summaryOf } = require('./view_lines.js');
const { version } = require('../../package.json');

const LOOK_MILLIS = 200; // between two looks at how far reading has come
const LAST_ANSWERS_MILLIS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'].filter((name) => name in constants.signals);

/**
 * @param {string[]} words of the command line
 * @param {{ file: string, words: string[] }} [program] what is started for the engine; tests pass another
 * @returns {Promise<number>} the exit code
 */
async function run(words, program = { file: findViewer(), words: [] }) {
  const options = readArguments(words);
  if (options.isHelp) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (program.file === undefined) return complain(describeMissing());
  const viewer = { turns: new Turns(), live: new Live(), secrets: new Secrets(), assets: loadAssets() };
  viewer.about = {
    version,
    isUtc: options.isUtc,
    hasSource: options.source !== undefined,
    isFollowing: !options.isOnce,
    paths: options.paths,
  };
  const server = createServer(viewer);
  try {
    viewer.port = await listen(server, options.port);
  } catch (error) {
    return complain(`offloop view: ${whyNotListening(error, options.port)}`);
  }
  const end = await new Promise((resolve) => {
    for (const name of SIGNALS) process.on(name, () => resolve({ code: 128 + constants.signals[name] }));
    viewer.engine = new Engine({
      file: program.file,
      words: [...program.words, ...engineWords(options)],
      onLive: (line) => viewer.live.tell(JSON.parse(line.toString('utf8'))),
      onEnd: (end) => resolve(endOf(end)),
    });
    announce(viewer, options);
  });
  if (end.sentence === undefined) server.closeAllConnections();
  viewer.engine.close();
  await closed(viewer, server);
  if (end.sentence !== undefined) complain(end.sentence);
  return end.code;
}

/** Prints the address as soon as the engine answers, and what was read when it has been. */
async function announce(viewer, options) {
  const progress = new Progress(process.stderr, now());
  const origin = `http://${ADDRESS}:${viewer.port}`;
  let files = await filesOf(viewer.engine);
  if (files === null) return; // it has ended, and that is said elsewhere
  process.stdout.write(`${origin}/#token=${viewer.secrets.token}\n`);
  if (options.isOpened) open(`${origin}/#code=${viewer.secrets.newCode()}`);
  while (files !== null && !files.reading.isDone) {
    progress.show(files, now());
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
    files = await filesOf(viewer.engine);
  }
  progress.finish();
  if (files === null) return;
  process.stdout.write(summaryOf(files, options));
  process.stderr.write(noticeOf(files));
}

async function open(address) {
  if (!(await openBrowser(address))) {
    process.stderr.write('offloop view: no browser could be started; open the address yourself.\n');
  }
}

/** The answer to `files`; null if there is none. */
function filesOf(engine) {
  return new Promise((resolve) => {
    engine.ask(
      'files',
      {},
      {
        onPiece: ({ status }, body) => resolve(status === 200 ? JSON.parse(body.toString('utf8')) : null),
        onFailure: () => resolve(null),
      },
    );
  });
}

function whyNotListening({ code, message }, port) {
  if (code === 'EADDRINUSE') return `port ${port} is taken; choose another, or leave out --port.`;
  if (code === 'EACCES') return `port ${port} is not for this account; choose one above 1023, or leave out --port.`;
  return `port ${port} cannot be opened: ${message}.`;
}

/** What the command ends with when the engine has. */
function endOf({ failure, complaint, startFailure, code, signal }) {
  // A terminal sends Ctrl-C to both, and the engine may be first.
  if (signal === 'SIGINT') return { code: 128 + constants.signals.SIGINT };
  if (complaint !== '') return { code: code === 2 ? 2 : 1, sentence: complaint };
  if (startFailure !== undefined)
    return { code: 1, sentence: `offloop view: the program cannot be started: ${startFailure}.` };
  const how = signal ?? `exit code ${code}`;
  return {
    code: 1,
    sentence: `offloop view: ${failure[0].toLowerCase()}${failure.slice(1).replace(/\.$/, '')} (${how}).`,
  };
}

/** Answers that were begun may reach their readers. */
function closed(viewer, server) {
  viewer.live.close();
  return new Promise((resolve) => {
    const limit = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MILLIS);
    server.close(() => {
      clearTimeout(limit);
      resolve();
    });
  });
}

function complain(sentence) {
  process.stderr.write(`${sentence}\n`);
  return 1;
}

module.exports = { run };
