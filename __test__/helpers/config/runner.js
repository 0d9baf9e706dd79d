'use strict';
// Owns running one scenario with one exporter class and writing down everything that can be seen from outside:
// requests, connections, results, errors, diag lines. It knows nothing of who the exporter is.

const { describeError, recordDiag, withEnvironment } = require('./recorder.js');

const scope = { name: 'scope', version: '1' };
const resource = { attributes: { 'service.name': 'differential' } };
const spanContext = { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef', traceFlags: 1 };

/** A finished span in the shape of SDK 2.x. */
const span = {
  name: 'GET /',
  kind: 1,
  spanContext: () => spanContext,
  startTime: [1_700_000_000, 1],
  endTime: [1_700_000_000, 5_000_001],
  duration: [0, 5_000_000],
  status: { code: 0 },
  attributes: { 'http.request.method': 'GET', size: 12, ratio: 0.5, ok: true },
  links: [],
  events: [],
  ended: true,
  resource,
  instrumentationScope: scope,
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
};

function exportOnce(exporter, spans = [span]) {
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
  const config = scenario.config(context);
  let exporter;
  try {
    exporter = new Exporter(config);
  } catch (error) {
    return { thrown: describeError(error) };
  }
  if (scenario.elsewhere) return {};
  const results = [];
  const count = scenario.exports ?? 1;
  if (scenario.concurrent) {
    results.push(...(await Promise.all(Array.from({ length: count }, () => exportOnce(exporter)))));
  } else {
    for (let i = 0; i < count; i++) {
      if (i > 0) scenario.between?.(config);
      results.push(await exportOnce(exporter));
    }
  }
  await exporter.forceFlush();
  await exporter.shutdown();
  return { results };
}

/**
 * @param {new (config?: object) => object} Exporter
 * @param {object} scenario a row of the table
 * @param {{ recorders: object[] }} context what scenarios may use, and the servers to look at afterwards
 */
async function observe(Exporter, scenario, context) {
  for (const recorder of context.recorders) recorder.reset(scenario.respond);
  const { value, lines } = await withEnvironment(scenario.env(context), () =>
    recordDiag(() => drive(Exporter, scenario, context)),
  );
  const requests = context.recorders.flatMap((recorder) => recorder.requests);
  const connections = context.recorders.reduce((sum, recorder) => sum + recorder.connections, 0);
  return { ...value, requests, connections, lines };
}

const NOTICES =
  /^warn: (Dropped \d+ spans \(|\S+ does not take spans, exports are held|Configuration: \S+ is unknown and will be ignored)/;

/** Every loss is told (R68), an endpoint that is held (X14) and an unknown option (X25), where the stock exporter says nothing. */
function withoutOurNotices(lines) {
  return lines.filter((line) => !NOTICES.test(line));
}

/** What a constructor throws has a code of ours (X26), in place of Node's if it has one. */
function withoutOurCode(thrown) {
  if (thrown === undefined) return undefined;
  const { code, ...others } = thrown;
  return { ...others, own: thrown.own?.filter((name) => name !== 'code') };
}

module.exports = { observe, span, withoutOurCode, withoutOurNotices };
