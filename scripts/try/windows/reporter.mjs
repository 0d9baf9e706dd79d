// Owns how a test file on Windows tells its results: a line of JSON for each test, written as it ends, so that a file that
// is stopped has told what it had done. Suites, and tests that failed only because a test in them did, are not counted.

export default async function* reporter(source) {
  const names = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') names[data.nesting] = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { details, nesting, name, skip, todo } = data;
    if (details?.type === 'suite' && type === 'test:pass') continue;
    if (details?.error?.failureType === 'subtestsFailed') continue;
    const outcome = type === 'test:fail' ? 'failed' : skip !== undefined ? 'skipped' : 'passed';
    const reason = outcome === 'failed' ? textOf(details?.error) : skip;
    const full = [...names.slice(0, nesting), name].join(' › ');
    yield `${JSON.stringify({ outcome: todo === undefined ? outcome : 'skipped', name: full, reason })}\n`;
  }
}

function textOf(error) {
  const cause = error?.cause ?? error;
  return String(cause?.stack ?? cause).slice(0, 2000);
}
