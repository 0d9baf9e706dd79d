'use strict';
// Owns running one scenario with one gRPC exporter class and writing down everything that can be seen from outside: what was
// asked of proxies, connections, calls, results, errors, diag lines. It knows nothing of who the exporter is.

const { recordDiag, withEnvironment } = require('../config/recorder.js');
const { startProxy } = require('./proxy.js');

/** Node's HTTP/2 gives pseudo headers and headers in one object. */
function describeCall(call, connection) {
  const { ':authority': authority, ':method': method, ':path': path, ':scheme': scheme, ...headers } = call.headers;
  const { 'grpc-timeout': timeout, ...others } = headers;
  return {
    connection: connection.id,
    request: `${method} ${scheme} ${authority} ${path}`,
    timeout,
    headers: { ...others },
    flags: call.messages.map(({ flag }) => flag),
    messages: call.messages.map(({ message }) => message?.toString('hex')),
  };
}

function describeConnection({ target, isTls, servername, alpnProtocol, client }) {
  return { target, isTls, servername: servername || undefined, alpnProtocol, client };
}

/** Metadata as plain data; a Buffer is shown as what it is. */
function describeMetadata(metadata) {
  if (typeof metadata?.getMap !== 'function') return metadata;
  const names = Object.keys(metadata.getMap()).sort();
  const text = (value) => (typeof value === 'string' ? value : `bytes ${Buffer.from(value).toString('hex')}`);
  return Object.fromEntries(names.map((name) => [name, metadata.get(name).map(text)]));
}

/** Everything of an error that a user can see, the stack apart. */
function describeError(error) {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return { thrown: error === null ? 'null' : typeof error };
  const { name, message, code, details } = error;
  const own = Object.keys(error);
  const described = { name, kind: error.constructor.name, message, own };
  if ('code' in error) described.code = code;
  if ('details' in error) described.details = details;
  if ('metadata' in error) described.metadata = describeMetadata(error.metadata);
  return described;
}

function exportOnce(exporter, spans) {
  return new Promise((resolve) => {
    let returned = false;
    let calls = 0;
    const result = {};
    try {
      exporter.export(spans, ({ code, error }) => {
        Object.assign(result, { code, error: describeError(error), synchronous: !returned, calls: ++calls });
        setImmediate(resolve, result); // a second call would show
      });
    } catch (error) {
      resolve({ thrown: describeError(error) });
    }
    returned = true;
  });
}

async function drive(Exporter, scenario, context) {
  let exporter;
  try {
    const config = scenario.config(context);
    exporter = config === undefined ? new Exporter() : new Exporter(config);
  } catch (error) {
    return { thrown: describeError(error) };
  }
  const spans = scenario.spans?.(context) ?? [context.span];
  const results = [];
  const count = scenario.exports ?? 1;
  if (scenario.concurrent) {
    results.push(...(await Promise.all(Array.from({ length: count }, () => exportOnce(exporter, spans)))));
  } else {
    for (let nth = 0; nth < count; nth++) {
      if (nth > 0) await scenario.between?.(context, exporter);
      results.push(await exportOnce(exporter, spans));
    }
  }
  await exporter.forceFlush();
  await exporter.shutdown();
  return { results };
}

/**
 * @param {new (config?: object) => object} Exporter
 * @param {object} scenario a row of the table
 * @param {{ receiver: object, receivers: object[] }} context what scenarios may use, and the servers to look at afterwards
 */
async function observe(Exporter, scenario, context) {
  for (const receiver of context.receivers)
    receiver.reset({ script: scenario.script?.(), otherwise: scenario.respond });
  // A proxy of its own: a client that was refused connects again when the scenario is long over.
  const proxy = await startProxy(context.receiver);
  context.proxy = proxy;
  try {
    const variables = { ...(scenario.isDirect ? {} : { grpc_proxy: proxy.url }), ...scenario.env(context) };
    const run = () => recordDiag(() => drive(Exporter, scenario, context));
    const { value, lines } = await withEnvironment(variables, run);
    const seen = context.receivers.map(({ calls, connections }) => ({
      calls: calls.map((call) => describeCall(call, connections[call.connection] ?? call)),
      connections: connections.map(describeConnection),
    }));
    return { ...value, asked: proxy.asked, seen, lines };
  } finally {
    await proxy.close();
  }
}

module.exports = { observe };
