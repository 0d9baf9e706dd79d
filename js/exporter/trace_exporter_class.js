'use strict';
// Owns which class stands behind the name OTLPTraceExporter in this process: ours, or its stand-in over the stock
// exporter. Refuses to load the stand-in unless OFFLOOP_FALLBACK asks for one.

const { OTLPTraceExporter } = require('./otlp_trace_exporter.js');

function chooseClass() {
  if (process.env.OFFLOOP_FALLBACK === undefined) return OTLPTraceExporter;
  const { isFallback, StockTraceExporter } = require('../stock/stock_fallback.js');
  return isFallback() ? StockTraceExporter : OTLPTraceExporter;
}

module.exports = { OTLPTraceExporter: chooseClass() };
