// Owns what the Node tests print: a line per test file, failures in full, and why a test was skipped.
// It counts the leaves only: a test that consists of subtests is their sum.

import path from 'node:path';
import { inspect } from 'node:util';

export default async function* report(events) {
  const files = new Map();
  const fileOf = (data) => {
    const name = path.basename(data.file ?? 'unknown file');
    if (!files.has(name))
      files.set(name, { name, passed: 0, failed: 0, skipped: 0, todo: 0, millis: 0, reasons: new Map() });
    return files.get(name);
  };
  const totals = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  let current = null;
  const parents = [];
  const hasChildren = [];

  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' && data.nesting === 0 && data.file)
      yield `    ${path.basename(data.file)}: ${data.message}\n`;
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
    if (type === 'test:start') parents[data.nesting] = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const file = fileOf(data);
    if (current && current !== file) yield line(current);
    current = file;
    if (data.nesting === 0) file.millis += data.details.duration_ms;
    const outcome = outcomeOf(type, data);
    if (outcome === 'failed') yield failure(file, parents.slice(0, data.nesting), data);
    const isParent = hasChildren[data.nesting + 1] === true;
    hasChildren[data.nesting + 1] = false;
    hasChildren[data.nesting] = true;
    if (isParent) continue;
    file[outcome] += 1;
    totals[outcome] += 1;
    if (typeof data.skip === 'string') file.reasons.set(data.skip, (file.reasons.get(data.skip) ?? 0) + 1);
    if (typeof data.todo === 'string') yield `    todo in ${file.name}: ${data.name} (${data.todo})\n`;
  }
  if (current) yield line(current);
  yield `TOTALS ${JSON.stringify(totals)}\n`;
}

function outcomeOf(type, data) {
  if (data.skip !== undefined) return 'skipped';
  if (data.todo !== undefined) return 'todo';
  return type === 'test:pass' ? 'passed' : 'failed';
}

function line({ name, passed, failed, skipped, todo, millis, reasons }) {
  const counts = [`${passed} passed`];
  if (failed > 0) counts.push(`${failed} FAILED`);
  if (skipped > 0) counts.push(`${skipped} skipped`);
  if (todo > 0) counts.push(`${todo} to do`);
  const why = [...reasons].map(([reason, times]) => `      skipped ${times}: ${reason}\n`).join('');
  return `  ${failed > 0 ? '✖' : '✔'} ${name.padEnd(36)} ${(millis / 1000).toFixed(1).padStart(6)} s   ${counts.join(', ')}\n${why}`;
}

function failure(file, parents, data) {
  const error = data.details.error;
  // It only says that subtests failed, and those have been reported.
  if (error?.failureType === 'subtestsFailed') return '';
  const cause = error?.cause ?? error;
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  const text = stack.replace(/^ *at .*node:(internal|async_hooks).*\n?/gm, '').trimEnd();
  const name = [...parents, data.name].join(' > ');
  return `\n  ✖ ${file.name}: ${name}\n${text.replace(/^/gm, '      ')}\n\n`;
}
