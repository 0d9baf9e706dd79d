'use strict';
// Owns the destination that needs no server: OTLP/JSON lines in local files.
// Refuses to know how files are named, rotated and written; that is native.

const path = require('node:path');
const { checkOption, oneOf, resolveLimits } = require('./config_limits.js');
const { LaneExporter } = require('./lane_exporter.js');

const WRITE_TIMEOUT_MILLIS = 30000;

class FileSpanExporter extends LaneExporter {
  /** @param {{ directory: string, format?: 'otlp-json', maxFiles?: number }} config see index.d.ts */
  constructor(config) {
    if (typeof config?.directory !== 'string' || config.directory === '') {
      throw new Error(`Configuration: directory is invalid, expected a path (actual: '${config?.directory}')`);
    }
    checkOption('format', config.format, oneOf('otlp-json'));
    const maxFiles = checkOption('maxFiles', config.maxFiles, {
      accepts: (value) => Number.isInteger(value) && value >= 1,
      expected: 'integer of at least 1',
    });
    const { queue, limits, exit, onError } = resolveLimits(config);
    const directory = path.resolve(config.directory);
    super({
      native: {
        sink: 'file',
        endpoint: `file:${directory}`,
        protocol: 'http/json',
        directory,
        maxFiles,
        timeoutMillis: WRITE_TIMEOUT_MILLIS,
        compression: 'none',
        maxConcurrency: 1,
        maxSpans: queue.maxSpans,
        maxBytes: queue.maxBytes,
        dropOldest: queue.overflow === 'drop-oldest',
      },
      holdMillis: WRITE_TIMEOUT_MILLIS,
      limits,
      onError,
      endpoint: directory,
      exit,
    });
  }
}

module.exports = { FileSpanExporter };
