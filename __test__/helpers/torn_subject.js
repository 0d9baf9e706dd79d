'use strict';
// What calls are cut off in: an exporter, a processor over it and the account of what was sent through them.

const path = require('node:path');
const offloop = require('../..');
const { startReceiver } = require('./receiver.js');
const { TornAccount } = require('./torn_account.js');

/** An exporter and a processor over it, with a receiver that decodes by itself. */
class Subject {
  static async start(t, options) {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    return new Subject(receiver, options);
  }

  constructor(receiver, options = {}, { BatchSpanProcessor, OTLPTraceExporter } = offloop) {
    this.receiver = receiver;
    this.account = new TornAccount(receiver);
    this.exporter = new OTLPTraceExporter({ url: receiver.url, ...options.exporter });
    this.processor = new BatchSpanProcessor(this.exporter, options.processor);
  }

  end(spans) {
    for (const span of spans) this.processor.onEnd(span);
  }

  async settle(context) {
    await inTime(this.processor.forceFlush().catch(isOfTornSpan), `forceFlush() ${context}`);
    await inTime(this.exporter.forceFlush(), `forceFlush() of the exporter ${context}`);
    this.account.check([this.exporter.stats()], context);
  }

  async close() {
    await inTime(this.processor.shutdown(), 'shutdown()');
  }
}

/** A batch of which nothing was left but a span that was cut off has failed. */
function isOfTornSpan(error) {
  if (error.code !== 'invalid' && !(error instanceof RangeError)) throw error;
}

async function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not come back`)), 20_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The package as if nobody had used it before: its modules are loaded again, the addon is not. */
function freshPackage() {
  const ours = path.join(__dirname, '..', '..', 'js') + path.sep;
  const main = require.resolve('../..');
  for (const file of Object.keys(require.cache)) if (file.startsWith(ours) || file === main) delete require.cache[file];
  return require('../..');
}

module.exports = { freshPackage, inTime, Subject };
