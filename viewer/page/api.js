// Owns the questions to the program: the token, the form of an answer, and the words for one that fails.
// The stream of news is read line by line, and asked for again when it ends. It refuses to know what an answer is about.

import { credentials } from './route.js';

const KEPT = 'offloop.token';
const JSON_TYPE = 'application/json';

/** What went wrong with a question. The status is 0 if nobody answered. */
export class Failure extends Error {
  /** @param {number} status  @param {string} message  @param {number} [column] of a filter */
  constructor(status, message, column) {
    super(message);
    this.status = status;
    this.column = column;
  }
}

/**
 * The token of the address, or the one of before a reload. It is taken out of the address at once, so that it is in no
 * bookmark; a code is exchanged for it.
 */
export async function signIn() {
  const { token, code } = credentials(location.hash);
  if (token ?? code) history.replaceState(null, '', `${location.pathname}#/traces`);
  if (token) sessionStorage.setItem(KEPT, token);
  if (code) {
    const answer = await fetch('/api/token', {
      method: 'POST',
      headers: { 'Content-Type': JSON_TYPE },
      body: JSON.stringify({ code }),
    });
    if (!answer.ok) throw new Failure(401, 'This address works once. Open the one that offloop view has printed.');
    sessionStorage.setItem(KEPT, (await answer.json()).token);
  }
  if (sessionStorage.getItem(KEPT) === null)
    throw new Failure(401, 'Open the whole address that offloop view has printed, with everything behind the #.');
}

/**
 * @param {string} name
 * @param {Record<string, string | number | undefined>} [parameters] those that are empty are left out
 * @param {AbortSignal} [signal]
 */
export async function request(name, parameters = {}, signal) {
  const filled = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(filled.map(([key, value]) => [key, String(value)])).toString();
  let answer;
  try {
    answer = await fetch(`/api/${name}${query === '' ? '' : `?${query}`}`, {
      headers: { Authorization: `Bearer ${sessionStorage.getItem(KEPT)}` },
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, 'offloop view does not answer.');
  }
  if (answer.ok) return answer;
  if (answer.status === 401)
    throw new Failure(401, 'This page is of an earlier run. Open the address that offloop view has printed last.');
  const { error, column } = await answer.json().catch(() => ({}));
  throw new Failure(answer.status, error ?? `offloop view answered with ${answer.status}.`, column);
}

/**
 * An answer in JSON.
 * @param {string} name
 * @param {Record<string, string | number | undefined>} [parameters]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function ask(name, parameters, signal) {
  const answer = await request(name, parameters, signal);
  try {
    return await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, 'The answer of offloop view was cut off.');
  }
}

/** @param {Record<string, string | number | undefined>} parameters  @param {AbortSignal} [signal] */
export async function askSkeleton(parameters, signal) {
  return (await request('skeleton', parameters, signal)).arrayBuffer();
}

/** Only the last question counts: each one cancels the one before. */
export class Latest {
  #controller = new AbortController();

  /**
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} question
   * @returns {Promise<T | undefined>} undefined if another one came
   */
  async ask(question) {
    this.cancel();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    try {
      const answer = await question(signal);
      return signal.aborted ? undefined : answer;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  cancel() {
    this.#controller.abort();
  }
}

/** Saves spans as a file. @param {'otlp' | 'csv' | 'chrome'} format  @param {Record<string, string>} chosen */
export async function download(format, chosen) {
  const answer = await request('export', { format, ...chosen });
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = { otlp: 'spans.jsonl', csv: 'spans.csv', chrome: 'spans.chrome.json' }[format];
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * @typedef {{ generation: number, spans: number, traces: number, changed: string[], changedCount: number,
 *   reading: { bytes: number, totalBytes: number, isDone: boolean } }} News
 */

const FIRST_PAUSE_MILLIS = 500;
const LONGEST_PAUSE_MILLIS = 5_000;

/**
 * Goes on for ever; ends when the token is no longer taken.
 * @param {(news: News) => void} onNews
 * @param {(failure: Failure | undefined) => void} onState undefined as soon as there is an answer
 */
export async function follow(onNews, onState) {
  let pause = FIRST_PAUSE_MILLIS;
  for (;;) {
    try {
      const { body } = await request('live');
      if (body) {
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = '';
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
          const lines = (rest + piece.value).split('\n');
          rest = lines.pop() ?? '';
          pause = FIRST_PAUSE_MILLIS;
          onState(undefined);
          for (const line of lines) if (line !== '') onNews(JSON.parse(line));
        }
      }
      onState(new Failure(0, 'offloop view has ended.'));
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(0, 'offloop view does not answer.');
      onState(failure);
      if (failure.status === 401) return;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MILLIS);
  }
}
