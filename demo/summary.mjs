// Owns what the demo says about a run: one flat row of numbers per phase, and the table on the terminal. The report is
// made from the same rows, so the two cannot disagree.

/** The rows of the table, in the order of the phases. */
export function summarize(results) {
  const baseline = results.find(({ id }) => id === 'none');
  return results.map((result) => {
    const { service, load, delivery } = result;
    const served = load.warmupRequests + load.requests;
    return {
      id: result.id,
      title: result.title,
      requests: load.requests,
      requestErrors: load.errors,
      requestsPerSecond: load.requestsPerSecond,
      latencyP99Millis: load.latencyMillis.p99,
      delayP50Millis: service.delayMillis.p50,
      delayP99Millis: service.delayMillis.p99,
      delayMaxMillis: service.delayMillis.max,
      longestBlockMillis: service.longestBlock.millis,
      mostCpuBetweenTicksMillis: service.longestBlock.mostCpuMillis,
      mainThreadPercent: (service.mainThreadCpuMillis / 1000 / service.secondsWithDrain) * 100,
      mainThreadMillisPerRequest: perRequest(result, 'mainThreadCpuMillis'),
      exporterMillisPerRequest: perRequest(result, 'mainThreadCpuMillis') - perRequest(baseline, 'mainThreadCpuMillis'),
      processMillisPerRequest: perRequest(result, 'processCpuMillis'),
      peakMemoryMiB: service.peakMemoryMiB,
      drainMillis: service.flush.millis + service.shutdown.millis,
      served,
      ended: service.ended,
      delivered: result.id === 'none' ? null : delivery.spans,
      duplicates: delivery.duplicates,
      undecodable: delivery.undecodable,
    };
  });
}

function perRequest({ service, load }, key) {
  return load.requests === 0 ? 0 : service[key] / load.requests;
}

const COLUMNS = [
  ['', '', (row) => row.title],
  ['requests', 'per s', (row) => row.requestsPerSecond.toFixed(0)],
  ['answer', 'p99 ms', (row) => row.latencyP99Millis.toFixed(0)],
  ['loop delay', 'p50 ms', (row) => row.delayP50Millis.toFixed(1)],
  ['', 'p99 ms', (row) => row.delayP99Millis.toFixed(1)],
  ['', 'max ms', (row) => row.delayMaxMillis.toFixed(1)],
  ['longest', 'block ms', (row) => row.longestBlockMillis.toFixed(1)],
  ['most CPU', 'at once ms', (row) => row.mostCpuBetweenTicksMillis.toFixed(1)],
  ['main-thread', 'CPU', (row) => `${row.mainThreadPercent.toFixed(1)} %`],
  ['spans', 'ended', (row) => count(row.ended)],
  ['spans', 'delivered', (row) => (row.delivered === null ? '–' : count(row.delivered))],
];

/** The table as text, first column left, the others right. */
export function tableText(rows) {
  const headings = [0, 1].map((line) => COLUMNS.map((column) => column[line]));
  const cells = [...headings, ...rows.map((row) => COLUMNS.map(([, , text]) => text(row)))];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const lines = cells.map((line) =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(headings.length, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return lines.join('\n');
}

export function count(number) {
  return number.toLocaleString('en-US');
}
