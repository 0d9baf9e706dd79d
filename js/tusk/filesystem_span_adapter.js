'use strict';
// Owns the destination of local recording: one file of JSON lines per trace.
// Refuses to write on the loop when it is left as it is: then names, appends and errors are native (trace_files.rs).

const fs = require('node:fs');
const path = require('node:path');
const { diag } = require('../diag.js');
const { invalid, readOptions } = require('../options/read.js');
const { OPTIONS } = require('../options/table.js');
const { AdapterLanes, NATIVE, resultOf } = require('./adapter_lanes.js');
const { FAILED, SUCCESS, schemaKind } = require('./vocabulary.js');

const WRITE_TIMEOUT_MILLIS = 30000;
const MAX_TRACES = 10000; // names remembered, as in src/sink/trace_files.rs
const TRACE_ID = /^[0-9a-f]{32}$/;

class FilesystemSpanAdapter {
  name = 'filesystem';
  #directory;
  #lanes;
  #files = new Map(); // trace id -> path, for spans that come as objects

  /**
   * Creates the directory.
   * @param {{ baseDirectory: string, queue?: object, exit?: object, onError?: Function }} config
   */
  constructor(config) {
    const { baseDirectory, ...own } = readOptions(OPTIONS.FilesystemSpanAdapter, config);
    if (baseDirectory === undefined) throw invalid('baseDirectory', 'a path', baseDirectory);
    const directory = path.resolve(baseDirectory);
    fs.mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#lanes = new AdapterLanes({
      native: {
        sink: 'trace_files',
        endpoint: `file:${directory}`,
        directory,
        timeoutMillis: WRITE_TIMEOUT_MILLIS,
        maxConcurrency: 1,
        drift: { output: 'lines' },
      },
      holdMillis: WRITE_TIMEOUT_MILLIS + 1000,
      own,
    });
  }

  /** The native way, unless somebody has put another `exportSpans` in its place. */
  [NATIVE]() {
    if (!(#lanes in this) || this.exportSpans !== FilesystemSpanAdapter.prototype.exportSpans) return null;
    return async (spans, encoding) => {
      const result = resultOf(await this.#lanes.export(spans, encoding));
      if (result.code === FAILED) diag.error('Failed to export spans to local files:', result.error);
      return result;
    };
  }

  /** Writes clean spans that already are objects, one append per file. */
  async exportSpans(spans) {
    try {
      const linesByFile = new Map();
      let invalid = 0;
      for (const span of spans) {
        const file = this.#fileOf(span.traceId);
        if (file === null) {
          invalid += 1;
          continue;
        }
        const line = JSON.stringify({ ...span, kind: schemaKind(span.kind), protoSpanBytes: undefined });
        if (linesByFile.has(file)) linesByFile.get(file).push(line);
        else linesByFile.set(file, [line]);
      }
      await Promise.all([...linesByFile].map(([file, lines]) => fs.promises.appendFile(file, `${lines.join('\n')}\n`)));
      if (invalid > 0) diag.warn(`Offloop: ${invalid} spans have no trace id of 32 lower-case hexadecimal digits`);
      return { code: SUCCESS, invalid };
    } catch (error) {
      diag.error('Failed to export spans to local files:', error);
      return { code: FAILED, error: error instanceof Error ? error : new Error('Filesystem export failed') };
    }
  }

  forceFlush() {
    return this.#lanes.forceFlush();
  }

  /** Waits for what is being written. Spans that come later are still written. */
  shutdown() {
    return this.#lanes.shutdown();
  }

  /** Null: this id must not become part of a path. */
  #fileOf(traceId) {
    if (!TRACE_ID.test(traceId)) return null;
    let file = this.#files.get(traceId);
    if (file === undefined) {
      const time = new Date().toISOString().replace(/[:.]/g, '-');
      file = path.join(this.#directory, `${time}_trace_${traceId}.jsonl`);
      if (this.#files.size >= MAX_TRACES) this.#files.delete(this.#files.keys().next().value);
    } else {
      this.#files.delete(traceId); // to the end: the least recently used goes first
    }
    this.#files.set(traceId, file);
    return file;
  }
}

module.exports = { FilesystemSpanAdapter };
