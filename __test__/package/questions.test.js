'use strict';
// Sixteen questions of people in a hurry: from the README the answer is two clicks away at most (R105). A click follows a link of a
// page, and the answer is under the heading that the link names, or on the page if it names none.

const assert = require('node:assert/strict');
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { anchorsOf, linksOf } = require('../helpers/pages.js');

const root = path.resolve(__dirname, '..', '..');
const MOST_CLICKS = 2;

/** Question, as the table of docs/README.md has it -> where the answer is, and two words that it has to hold. */
const QUESTIONS = {
  'Spans are missing after a deployment.': ['docs/troubleshooting.md#after-a-deployment', 'exit: {', 'SIGTERM'],
  'The collector is https with a private authority.': [
    'docs/troubleshooting.md#tls',
    'NODE_EXTRA_CA_CERTS',
    'certificate',
  ],
  'Which route blocks my event loop?': [
    'docs/troubleshooting.md#which-route-blocks',
    'offloop blocks',
    'EventLoopMonitor',
  ],
  'How much memory may it take?': ['docs/tuning.md#what-a-process-takes', 'at rest', 'twice `queue.maxBytes`'],
  'What does `kill -9` lose?': ['docs/troubleshooting.md#after-kill--9', 'SIGKILL', 'scheduledDelayMillis'],
  'Jest, or another test runner, does not end.': ['docs/runtimes.md#test-runners', 'OTEL_SDK_DISABLED', 'Jest'],
  'What if the collector is down?': [
    'docs/troubleshooting.md#the-collector-was-away',
    'retries_exhausted',
    'lost of 60,000 spans',
  ],
  'How do I redact an e-mail address in a URL?': ['docs/processing.md#recipes', 'bob%40example.com', '[redacted]'],
  'How do I build an image?': ['docs/containers.md', 'npm ci --omit=dev', 'node:24-alpine'],
  'Which Prometheus metric has the lost spans?': [
    'docs/metrics.md#of-the-account',
    'offloop_exporter_spans_total',
    'dropped|refused',
  ],
  'Does Offloop run at all, or the stock exporter?': [
    'docs/troubleshooting.md#see-what-it-says',
    'OFFLOOP_LOG=info',
    'stays the stock class',
  ],
  'How do I redact?': ['README.md#redaction', 'redact: [', 'fails closed'],
  'Does it work with NestJS, Next.js, a distribution?': ['docs/zero-code.md', 'NestJS', 'Next.js'],
  'Can it send over gRPC?': ['docs/grpc.md', 'offloop/otlp-grpc', 'credentials'],
  'There is a proxy in between.': ['docs/troubleshooting.md#proxies', "'env'", 'HTTP_PROXY'],
  'How do I go back to the stock exporter?': [
    'docs/migration.md#going-back',
    'npm uninstall',
    '--import offloop/register',
  ],
};

const read = (page) => readFileSync(path.join(root, page), 'utf8');

/** Every target of a link of a page, from the root: `docs/tuning.md#queue`. A folder is its README. */
const targetsOf = (page) => targetsIn(read(page), page);

function targetsIn(text, page) {
  return linksOf(text)
    .filter((target) => !/^\w+:/.test(target))
    .map((target) => {
      const [file, heading] = target.split('#');
      let place = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
      if (!place.endsWith('.md') && existsSync(path.join(root, place, 'README.md'))) place = `${place}/README.md`;
      return heading === undefined ? place : `${place}#${heading}`;
    });
}

/** Target -> clicks that lead there from the README. */
function reach() {
  const clicks = new Map([['README.md', 0]]);
  for (const heading of anchorsOf(read('README.md'))) clicks.set(`README.md#${heading}`, 0);
  let pages = ['README.md'];
  for (let click = 1; click <= MOST_CLICKS; click += 1) {
    const targets = pages.flatMap(targetsOf);
    for (const target of targets) if (!clicks.has(target)) clicks.set(target, click);
    const next = targets
      .map((target) => target.split('#')[0])
      .filter((page) => page.endsWith('.md') && !pages.includes(page));
    for (const page of next) if (!clicks.has(page)) clicks.set(page, click);
    pages = [...new Set(next)];
  }
  return clicks;
}

/** What stands under a heading, up to the next one of its rank. */
function sectionOf(page, heading) {
  const lines = read(page).split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && anchorsOf(`${line}\n`)[0] === heading);
  assert.notEqual(start, -1, `${page} has no ${heading}`);
  const rank = /^#+/.exec(lines[start])[0].length;
  const end = lines.findIndex((line, at) => at > start && /^#+ /.test(line) && /^#+/.exec(line)[0].length <= rank);
  return lines.slice(start, end === -1 ? undefined : end).join('\n');
}

describe('a question is answered at two clicks from the README', () => {
  const clicks = reach();

  it('there are sixteen', () => assert.equal(Object.keys(QUESTIONS).length, 16));

  // Question -> targets of the links of its row, from the root.
  const table = new Map(
    read('docs/README.md')
      .split('## By question')[1]
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split(' | '))
      .map(([question, answer]) => [question.slice(2), targetsIn(answer, 'docs/README.md')]),
  );

  for (const [question, [target, ...words]] of Object.entries(QUESTIONS)) {
    it(`${question} (R105)`, () => {
      assert.ok(clicks.has(target), `no way of ${MOST_CLICKS} clicks leads to ${target}`);
      assert.ok(table.get(question)?.includes(target), `the table of docs/README.md leads to ${table.get(question)}`);
      const [page, heading] = target.split('#');
      const section = heading === undefined ? read(page) : sectionOf(page, heading);
      assert.equal(words.length, 2);
      for (const word of words) assert.ok(section.includes(word), `${target} does not say ${word}`);
    });
  }
});
