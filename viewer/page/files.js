// Owns the account: every file, and every line and span of it that is shown, and that is not.

import { ask, Failure, Latest } from './api.js';
import { app } from './app.js';
import { fill, h } from './dom.js';
import { bytesText, counted, countText, percent } from './figures.js';

/**
 * @import { News } from './api.js'
 * @typedef {{ name: string, bytes: number, lines: number, parsed: number, skipped: Record<string, number>, tooLongAt: number[],
 *   logs: number, metrics: number, profiles: number, seen: number, shown: number, duplicates: number, bad: number, failure?: string,
 *   isGone?: boolean }} File
 */

const NEWS_MILLIS = 1_000;
/** Why lines are skipped, in words. */
const REASONS = /** @type {Record<string, string>} */ ({
  not_json: 'no JSON',
  not_otlp: 'no OTLP',
  too_long: 'over 128 MiB',
  other_signal: 'logs, metrics or profiles',
  cut: 'cut off',
});

export class FilesView {
  #latest = new Latest();
  #seen = '';
  #timer = 0;

  constructor() {
    this.summary = h('p', { class: 'summary' });
    this.body = h('tbody');
    const heads = ['File', 'Size', 'Lines', 'Spans', 'Not shown'].map((label, nth) =>
      h('th', { scope: 'col', class: nth > 0 && nth < 4 ? 'number' : '' }, label),
    );
    this.element = h(
      'section',
      { class: 'view files' },
      this.summary,
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Files' },
        h('table', {}, h('thead', {}, h('tr', {}, heads)), this.body),
      ),
    );
    this.actions = {};
  }

  title() {
    return 'Files';
  }

  show() {
    this.#load();
  }

  retry() {
    this.#load();
  }

  /** @param {News} news */
  onNews({ generation, reading }) {
    if (this.#seen === `${generation} ${reading.isDone}` || this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      if (this.element.isConnected) this.#load();
    }, NEWS_MILLIS);
  }

  async #load() {
    try {
      const answer = await this.#latest.ask((signal) => ask('files', {}, signal));
      if (answer === undefined) return;
      const { generation, reading, spans, traces, memory, maxMemory, valuesNotIndexed, isFull, files } = answer;
      this.#seen = `${generation} ${reading.isDone}`;
      const limits = [
        valuesNotIndexed > 0 &&
          `${counted(valuesNotIndexed, 'value')} of attributes are not indexed, because the memory is nearly used up. They are looked for in the files.`,
        isFull && 'The memory is used up (--max-memory): the files were not read to their end.',
      ].filter(Boolean);
      fill(
        this.summary,
        `${counted(files.length, 'file')}, ${counted(spans, 'span')}, ${counted(traces, 'trace')}. The index takes ${bytesText(memory)} of at most ${bytesText(maxMemory)}.`,
        reading.isDone ? '' : ` Reading: ${percent(reading)} of ${bytesText(reading.totalBytes)}.`,
        limits.map((text) => h('strong', { text: ` ${text}` })),
      );
      fill(this.body, files.map(rowOf));
      if (files.length === 0)
        fill(
          this.body,
          h(
            'tr',
            {},
            h('td', {
              colspan: '5',
              text: `No files yet. This page waits for files in ${app.about.paths.join(', ')}, written by FileSpanExporter.`,
            }),
          ),
        );
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status !== 0 && error.status !== 401) app.say(error.message);
    }
  }
}

/** @param {File} file */
function rowOf(file) {
  const lines = Object.entries(file.skipped ?? {}).filter(([, count]) => count > 0);
  const missing = [
    ...lines.map(([reason, count]) => `${counted(count, 'line')} ${REASONS[reason] ?? reason}`),
    file.duplicates > 0 && `${counted(file.duplicates, 'span')} twice`,
    file.bad > 0 && `${counted(file.bad, 'span')} that cannot be read`,
    ...(file.tooLongAt ?? []).map((at) => `a line over 128 MiB at byte ${countText(at)}`),
    file.failure,
    file.isGone && 'The file is gone; its spans stay, without their details.',
  ].filter(Boolean);
  return h(
    'tr',
    { class: file.failure || file.isGone ? 'odd' : '' },
    h('th', { scope: 'row', text: file.name }),
    h('td', { class: 'number', title: `${countText(file.bytes)} bytes`, text: bytesText(file.bytes) }),
    h('td', { class: 'number', text: countText(file.lines) }),
    h('td', { class: 'number', text: countText(file.shown) }),
    h('td', { text: missing.length === 0 ? 'nothing' : missing.join(', ') }),
  );
}
