'use strict';
// Owns the conversation with the engine, the program that holds the index: questions and their answers by number, and what
// becomes of both when it ends or answers with something that is no answer.
// It refuses to know what is asked.

const { spawn } = require('node:child_process');
const { setTimeout, clearTimeout } = require('../guards/timers.js');
const { FrameReader } = require('./frames.js');

const LONGEST_ANSWER_MILLIS = 120_000;
/** How long a program that has closed its output may take to end. */
const END_MILLIS = 500;
const MOST_COMPLAINT = 4096;
const STATUSES = [200, 400, 404, 409, 500];
const TYPES = ['json', 'binary', 'text'];

/**
 * What a question's listener is called with, from then on:
 * `onPiece({ status, type, isLast }, body)` for each piece, and `onFailure(sentence)` in place of what is missing.
 * @typedef {{ onPiece(head: { status: number, type: string, isLast: boolean }, body: Buffer): void,
 *   onFailure(sentence: string): void }} Listener
 */

class Engine {
  #child;
  #questions = new Map();
  #lastId = 0;
  #complaint = '';
  #failure = null;
  #onLive;
  #onEnd;

  /**
   * @param {{ file: string, words: string[], onLive(body: Buffer): void, onEnd(end: object): void }} options
   *   `onEnd` is called once with `{ failure, complaint, code, signal }`.
   */
  constructor({ file, words, onLive, onEnd }) {
    this.#onLive = onLive;
    this.#onEnd = onEnd;
    // It is a program without windows of its own.
    this.#child = spawn(file, words, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    this.#listen();
  }

  /**
   * @param {string} name
   * @param {Record<string, string>} parameters
   * @param {Listener} listener
   * @returns {{ next(): void, cancel(): void }} `next` asks for the piece behind the last one
   */
  ask(name, parameters, listener) {
    this.#lastId += 1;
    const id = this.#lastId;
    const question = { listener, limit: null };
    if (this.#failure !== null) {
      listener.onFailure(this.#failure);
      return { next() {}, cancel() {} };
    }
    this.#questions.set(id, question);
    this.#write({ id, ask: name, with: parameters });
    this.#limit(id, question);
    return {
      next: () => {
        if (!this.#questions.has(id)) return;
        this.#write({ next: id });
        this.#limit(id, question);
      },
      cancel: () => this.#cancel(id),
    };
  }

  /** Ends the program. Questions under way fail. */
  close() {
    this.#fail('The viewer has ended.');
    this.#child.kill('SIGKILL'); // it writes no file, so there is nothing to finish
  }

  #listen() {
    const { stdin, stdout, stderr } = this.#child;
    const reader = new FrameReader((header, body) => this.#receive(header, body));
    stdin.on('error', () => {}); // the program is ending, and says so by that
    stdout.on('error', () => {});
    stderr.on('error', () => {});
    stdout.on('data', (chunk) => {
      if (this.#failure !== null) return;
      try {
        reader.push(chunk);
      } catch {
        this.#break('The program that reads the files answered with something that is no answer.');
      }
    });
    stdout.once('end', () => {
      const limit = setTimeout(() => this.#child.kill('SIGKILL'), END_MILLIS);
      this.#child.once('close', () => clearTimeout(limit));
    });
    stderr.setEncoding('utf8');
    stderr.on('data', (text) => {
      this.#complaint = (this.#complaint + text).slice(0, MOST_COMPLAINT);
    });
    this.#child.once('error', (error) => this.#end({ startFailure: error.message, code: null, signal: null }));
    this.#child.once('close', (code, signal) => this.#end({ code, signal }));
  }

  #receive(header, body) {
    if (header.live === true) {
      this.#onLive(body);
      return;
    }
    const { id, status, type } = header;
    if (!Number.isInteger(id) || id < 1 || id > this.#lastId) throw new Error('an answer to no question');
    const question = this.#questions.get(id);
    if (question === undefined) return; // cancelled meanwhile
    if (!STATUSES.includes(status) || !TYPES.includes(type)) throw new Error('an answer of no kind');
    clearTimeout(question.limit);
    const isLast = header.more !== true;
    if (isLast) this.#questions.delete(id);
    question.listener.onPiece({ status, type, isLast }, body);
  }

  #limit(id, question) {
    question.limit = setTimeout(() => {
      this.#cancel(id);
      question.listener.onFailure('The program that reads the files has not answered in two minutes.');
    }, LONGEST_ANSWER_MILLIS);
  }

  #cancel(id) {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    clearTimeout(question.limit);
    this.#questions.delete(id);
    this.#write({ cancel: id });
  }

  #write(message) {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #break(sentence) {
    this.#fail(sentence);
    this.#child.kill('SIGKILL');
  }

  #fail(sentence) {
    if (this.#failure !== null) return;
    this.#failure = sentence;
    for (const { listener, limit } of this.#questions.values()) {
      clearTimeout(limit);
      listener.onFailure(sentence);
    }
    this.#questions.clear();
  }

  #end(end) {
    this.#fail('The program that reads the files has ended.');
    const onEnd = this.#onEnd;
    this.#onEnd = () => {};
    onEnd({ ...end, failure: this.#failure, complaint: this.#complaint.trim() });
  }
}

module.exports = { Engine };
