'use strict';
// Owns the destination that needs no server: OTLP/JSON lines in local files.
// Refuses to know how files are named, rotated and written; that is native.

const path = require('node:path');
const { ExporterLines } = require('./exporter_lines.js');
const { LaneExporter } = require('./lane_exporter.js');
const { createSelfMetrics } = require('./self_metrics.js');
const { readProcess } = require('../config/process.js');
const {
  configured,
  invalid,
  isItself,
  readOptions,
  refuseStrayArguments,
  refuseStrays,
  tellUnknown,
} = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');

const WRITE_TIMEOUT_MILLIS = 30000;

class FileSpanExporter extends LaneExporter {
  /** @param config see index.d.ts */
  constructor(config, ...others) {
    const isOfClass = isItself(new.target, FileSpanExporter);
    const options = configured(() => {
      refuseStrays(OPTIONS.FileSpanExporter, config, isOfClass);
      refuseStrayArguments(OPTIONS.FileSpanExporter, others, 1);
      return readFileOptions(config);
    });
    const { directory: given, maxFiles, maxFileBytes, maxAgeMillis } = options;
    const { queue, limits, exit, onError, onHealth, selfObsMeterProvider, process } = options;
    const directory = path.resolve(given);
    const what = { className: 'FileSpanExporter', protocol: 'http/json', endpoint: `file:${directory}` };
    const lines = new ExporterLines({ ...what, transport: 'native' });
    super({
      lines,
      native: {
        sink: 'file',
        endpoint: `file:${directory}`,
        protocol: 'http/json',
        directory,
        maxFiles,
        maxFileBytes,
        maxAgeMillis,
        timeoutMillis: WRITE_TIMEOUT_MILLIS,
        compression: options.compression ?? 'none',
        maxConcurrency: 1,
        maxSpans: queue.maxSpans,
        maxBytes: queue.maxBytes,
        dropOldest: queue.overflow === 'drop-oldest',
      },
      holdMillis: WRITE_TIMEOUT_MILLIS,
      limits,
      onError,
      onHealth,
      endpoint: directory,
      exit,
      metrics: createSelfMetrics({ meterProvider: selfObsMeterProvider, url: '', protocol: 'file' }),
      process,
    });
    lines.made(this);
    if (isOfClass) tellUnknown(OPTIONS.FileSpanExporter, config);
  }
}

function readFileOptions(config) {
  const options = readOptions(OPTIONS.FileSpanExporter, config ?? {});
  if (options.directory === undefined) throw invalid('directory', 'a path', config?.directory);
  return { ...options, process: readProcess(options.process) };
}

module.exports = { FileSpanExporter };
