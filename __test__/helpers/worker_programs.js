'use strict';
// Owns the text of programs whose workers export. It refuses to load the addon in their main thread.

const inWorker = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { OTLPTraceExporter, BatchSpanProcessor } = require(workerData.root);
  const { PlainSpans } = require(workerData.root + '/__test__/helpers/plain_spans.js');
  const plain = new PlainSpans(workerData.seed);
  const makeSpans = (count, attributes = { a: 1 }) => Array.from({ length: count }, () => plain.span({ attributes }));
  const exporter = new OTLPTraceExporter({ url: workerData.url, ...workerData.config });
`;

/** The main program: `startWorker(body, seed, config)` is at hand, and does not load the addon. */
const inMain = (body) => `
  const { Worker } = require('node:worker_threads');
  const startWorker = (source, seed, config) => new Worker(${JSON.stringify(inWorker)} + source, { eval: true, workerData: { url, seed, config, root: process.cwd() } });
  const once = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));
  (async () => {
    ${body}
    console.log('done');
  })();`;

module.exports = { inMain };
