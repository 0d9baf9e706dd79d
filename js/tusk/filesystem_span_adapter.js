'use strict';
// Owns the destination of local recording: one file of JSON lines per trace.
// Refuses to write: names, appends and what a disk can do to them are native (trace_files.rs), whatever way spans come.

const fs = require('node:fs');
const path = require('node:path');
const { diag } = require('../otel/diag.js');
const { hasBinding } = require('../native/binding.js');
const { readProcess } = require('../config/process.js');
const { configured, invalid, isItself, readOptions, refuseStrays, tellUnknown } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { WRITE_MILLIS, WRITE_TIMEOUT_MILLIS } = require('./adapter_deadlines.js');
const { AdapterLanes, NATIVE, nothingLeft, OF_EXPORTER, RECORDER, refusalOf, resultOf } = require('./adapter_lanes.js');
const { StandIns } = require('../guards/stand_ins.js');
const { FAILED, schemaKind } = require('./vocabulary.js');

const TRACE_ID = /^[0-9a-f]{32}$/;
const standIns = new StandIns('adapter');
let own;

class FilesystemSpanAdapter {
  static {
    own = (adapter) => (#lanes in adapter ? adapter : standIns.originalOf(adapter));
  }

  name = 'filesystem';
  #lanes;
  #failsBatch;
  #directory;
  #rules;

  /**
   * Creates the directory.
   * @param {{ baseDirectory: string, queue?: object, exit?: object, onError?: Function }} config
   * @param {boolean} [config.failBatchOnBadSpan] a span that cannot be a line fails its batch: none of it is written
   */
  constructor(config, maker) {
    const { baseDirectory, failBatchOnBadSpan, process, ...laneOptions } = configured(() => {
      if (maker !== OF_EXPORTER) refuseStrays(RECORDER, config, isItself(new.target, FilesystemSpanAdapter));
      return readAdapterOptions(config);
    });
    if (maker !== OF_EXPORTER && isItself(new.target, FilesystemSpanAdapter)) tellUnknown(RECORDER, config);
    const directory = path.resolve(baseDirectory);
    fs.mkdirSync(directory, { recursive: true });
    hasBinding(); // loaded here if it can be, and not in the first recorded request, in whose context it would stay
    this.#failsBatch = failBatchOnBadSpan;
    this.#directory = directory;
    this.#rules = process;
    this.#lanes = new AdapterLanes({
      native: {
        sink: 'trace_files',
        endpoint: `file:${directory}`,
        directory,
        timeoutMillis: WRITE_TIMEOUT_MILLIS,
        maxConcurrency: 1,
        drift: { output: 'lines' },
      },
      holdMillis: WRITE_MILLIS,
      own: laneOptions,
      rules: process,
    });
    standIns.sign(this);
  }

  /** The way without objects, unless somebody has put another `exportSpans` in its place. */
  [NATIVE](adapter) {
    if (adapter !== this || !(#lanes in this) || this.exportSpans !== FilesystemSpanAdapter.prototype.exportSpans)
      return null;
    return async (spans, encoding, rules) => told(resultOf(await this.#lanes.export(spans, encoding, rules)));
  }

  /** Prints clean spans that already are objects, before it returns; each costs only itself. */
  async exportSpans(spans) {
    return own(this).#exportObjects(spans);
  }

  /** What the rules of `process` have done. */
  stats() {
    return own(this).#lanes.stats();
  }

  async forceFlush() {
    await own(this).#lanes.forceFlush();
  }

  /** Waits for what is being written. Spans that come later are still written. */
  async shutdown() {
    await own(this).#lanes.shutdown();
  }

  async #exportObjects(spans) {
    try {
      const refusal = refusalOf(this.#rules, spans, () => 'FilesystemSpanAdapter.exportSpans()');
      if (refusal !== null) return told({ code: FAILED, error: refusal });
      const lines = [];
      let unfit = 0;
      for (const span of spans) {
        const line = printed(span);
        if (line === null) unfit += 1;
        else lines.push(line);
      }
      if (unfit > 0)
        diag.warn(
          `Offloop: ${unfit} spans for ${this.#directory} were dropped because they could not be written as JSON or their trace id is no file name (invalid)`,
        );
      if (lines.length === 0 || (unfit > 0 && this.#failsBatch)) return told(nothingLeft(unfit));
      return told(resultOf(await this.#lanes.exportPrepared(lines, { output: 'prepared_lines' }), unfit));
    } catch (thrown) {
      return told({ code: FAILED, error: thrown instanceof Error ? thrown : new Error('Filesystem export failed') });
    }
  }
}

function readAdapterOptions(config) {
  const options = readOptions(OPTIONS.FilesystemSpanAdapter, config);
  if (options.baseDirectory === undefined) throw invalid('baseDirectory', 'a path', options.baseDirectory);
  return { ...options, process: readProcess(options.process, true) };
}

/** The line of a clean span. Null: it is not JSON, or its trace id must not become part of a path. */
function printed(span) {
  try {
    const { traceId } = span;
    if (typeof traceId !== 'string' || !TRACE_ID.test(traceId)) return null;
    const line = JSON.stringify({ ...span, kind: schemaKind(span.kind), protoSpanBytes: undefined });
    return line === undefined ? null : { traceId, printed: line };
  } catch {
    return null;
  }
}

function told(result) {
  if (result.code === FAILED) diag.error('Failed to export spans to local files:', result.error);
  return result;
}

module.exports = { FilesystemSpanAdapter };
