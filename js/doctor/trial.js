'use strict';
// Owns `--try`: what the rules in force make of spans, told by sending them to files of their own with and without rules.
// Refuses to imitate: what is shown is what the native threads have written. It leaves nothing behind.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { FileSpanExporter } = require('../exporter/file_span_exporter.js');
const { foreign } = require('./secrets.js');
const { fieldsOf } = require('./span_fields.js');
const { FORMS, readSpanFile } = require('./span_file.js');

const MOST_SPANS = 20;
const VARIABLES = ['OFFLOOP_PROCESS', 'OFFLOOP_PROCESS_FILE'];

/**
 * @param {(id: string, title: string) => import('./report.js').Section} section makes one
 * @param {{ file: string, inCode: object | undefined, hasBinding: boolean }} trial
 */
async function tryRules(section, { file, inCode, hasBinding }) {
  const first = section('try', 'Trial of the rules');
  if (!hasBinding) {
    first.problem('try_no_addon', 'rules are run by the native addon, which does not load', 'see Runtime');
    return;
  }
  let spans;
  try {
    spans = readSpanFile(file);
  } catch (error) {
    first.problem('try_unreadable', `--try: ${foreign(error.message)}`, `give it ${FORMS}`);
    return;
  }
  first.fact('spans', spans.length, '--try');
  if (spans.length > MOST_SPANS) first.note('try_cut', `the first ${MOST_SPANS} are shown`, null);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-doctor-'));
  try {
    const shown = spans.slice(0, MOST_SPANS);
    const before = await written(
      withoutVariables(() => exporterTo(directory, 'before')),
      shown,
    );
    const after = await written(exporterTo(directory, 'after', inCode), shown);
    shown.forEach((_, index) => {
      const which = shown.length === 1 ? 'The span' : `Span ${index + 1} of ${shown.length}`;
      tell(section('try', `${which}, before and after`), before[index], after[index]);
    });
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function exporterTo(directory, name, process) {
  return {
    exporter: new FileSpanExporter({ directory: path.join(directory, name), process }),
    place: path.join(directory, name),
  };
}

/** What `make()` gives while no rule is asked for. */
function withoutVariables(make) {
  const kept = VARIABLES.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined);
  for (const [name] of kept) delete process.env[name];
  try {
    return make();
  } finally {
    Object.assign(process.env, Object.fromEntries(kept));
  }
}

/** Of each span its outcome, the rules with hits, and its line; a batch of its own is a line of its own. */
async function written({ exporter, place }, spans) {
  const results = [];
  let hits = {};
  let failClosed = 0;
  for (const span of spans) {
    const outcome = await exporter.exportSpans([span]);
    const { process = { rules: {}, failClosed: {} } } = exporter.stats();
    const rules = Object.entries(process.rules).filter(([name, count]) => count > (hits[name] ?? 0));
    const closed = Object.values(process.failClosed).reduce((sum, count) => sum + count, 0);
    results.push({ outcome, rules: rules.map(([name]) => name), isClosed: closed > failClosed, line: null });
    [hits, failClosed] = [process.rules, closed];
  }
  await exporter.shutdown();
  const lines = fs
    .readdirSync(place)
    .sort()
    .flatMap((name) => fs.readFileSync(path.join(place, name), 'utf8').split('\n').slice(0, -1));
  for (const result of results) if (result.outcome.delivered === 1) result.line = JSON.parse(lines.shift());
  return results;
}

function tell(section, before, after) {
  if (before.line === null) {
    section.problem('try_no_span', 'the span cannot be exported, with rules or without', `give it ${FORMS}`);
    return;
  }
  const [from, to] = [fieldsOf(before.line), after.line === null ? new Map() : fieldsOf(after.line)];
  for (const [name, text] of from) section.change(name, text, to.get(name) ?? null);
  for (const [name, text] of to) if (!from.has(name)) section.change(name, null, text);
  if (after.rules.length > 0) section.fact('rules with hits', after.rules.join(', '));
  const isSame = from.size === to.size && [...from].every(([name, text]) => to.get(name) === text);
  if (after.outcome.filtered === 1)
    section.note('try_filtered', 'filtered: a rule of drop keeps the span from being sent', null);
  else if (after.line === null)
    section.problem('try_lost', `lost with rules: ${Object.keys(after.outcome.dropped).join()}`, null);
  else if (isSame) section.note('try_unchanged', 'the rules change nothing of it', null);
  if (after.isClosed)
    section.note(
      'try_fail_closed',
      'a text was replaced because a rule could not understand it, at least in part',
      null,
    );
}

module.exports = { tryRules };
