'use strict';
// Owns one question of a request: its turn, its way to the engine, and its answer piece by piece, each sent when the reader
// has taken the one before.
// It refuses to look into a question or an answer.

const { answer, begin, refuse, TYPES } = require('./answers.js');

/** What the engine can be asked. */
const QUESTIONS = new Set([
  'bands',
  'blocks',
  'critical-path',
  'export',
  'facets',
  'files',
  'find',
  'held-up',
  'histogram',
  'latency',
  'skeleton',
  'source',
  'span',
  'timeline',
  'traces',
]);

/**
 * @param {{ engine: import('./engine.js').Engine, turns: import('./turns.js').Turns }} viewer
 * @param {string} name one of QUESTIONS
 * @param {Record<string, string>} parameters
 * @param {import('node:http').ServerResponse} response
 */
function answerQuestion({ engine, turns }, name, parameters, response) {
  let question = null;
  const leave = turns.enter(() => {
    question = engine.ask(name, parameters, {
      onPiece: (head, body) => writePiece(response, head, body, () => question.next()),
      onFailure: (sentence) => fail(response, sentence),
    });
  });
  if (leave === null) {
    refuse(response, 503, 'Too many questions wait for an answer; ask again later.');
    return;
  }
  // Comes when the answer has been sent, too.
  response.once('close', () => {
    question?.cancel();
    leave();
  });
}

function writePiece(response, { status, type, isLast }, body, askForNext) {
  if (isLast && !response.headersSent) {
    answer(response, status, type, body);
    return;
  }
  if (!response.headersSent) begin(response, status, { 'Content-Type': TYPES[type] });
  if (isLast) response.end(body);
  else if (response.write(body)) askForNext();
  else response.once('drain', askForNext);
}

/** Half an answer must not look like a whole one. */
function fail(response, sentence) {
  if (response.headersSent) response.destroy();
  else refuse(response, 502, sentence);
}

module.exports = { answerQuestion, QUESTIONS };
