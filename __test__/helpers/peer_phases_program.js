'use strict';

// A process that exports one span to each URL that it is told, with our exporter or with the stock one, and says what
// came of it.

const { PlainSpans } = require('./plain_spans.js');
const { stockExporter } = require('./subject.js');

const spans = new PlainSpans(17);
const isStock = process.argv[2] === 'stock';
const { OTLPTraceExporter } = isStock ? {} : require('../..');

process.on('message', ({ id, config }) => {
  const exporter = isStock ? stockExporter(config) : new OTLPTraceExporter(config);
  exporter.export([spans.span()], ({ code, error }) => {
    process.send({ id, code, error: error && { code: error.code, message: error.message } });
    exporter.shutdown();
  });
});
