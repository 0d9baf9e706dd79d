'use strict';
// The lines that docs/troubleshooting.md quotes are those that the code writes (R105): whatever is fixed in them stands in a source
// file, with its variable parts between. And every symptom of the table at its top leads to an entry that says why, what to do
// and how to check it.

const assert = require('node:assert/strict');
const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const root = path.resolve(__dirname, '..', '..');
const page = readFileSync(path.join(root, 'docs', 'troubleshooting.md'), 'utf8');

/** What Node.js, Jest and servers say in their own words: no source of ours has it. */
const OF_OTHERS = [
  /^connect ECONNREFUSED/,
  /^getaddrinfo ENOTFOUND/,
  /^Parse Error(?:$|: Expected HTTP)/,
  /^self-signed certificate in certificate chain$/,
  /^no space left on device$/,
  /^RTSP\/ or ICE\/$/,
  /^Unauthorized$/,
  /^the status/,
  /^HTTP\/1\.1/,
  /^socket hang up$/,
];

/** Parts of a line that differ from case to case. */
const VARIABLE =
  /…|https?:\/\/\S+|file:\S+|localhost:\d+|127\.0\.0\.1(?::\d+)?|\b\d[\d,.]*\b|v\d+\.\d+\.\d+|linux-x64|http\/protobuf(?= to)|(?<=\()[a-z]+_[a-z_]+(?=\))|(?<= of )@opentelemetry\/[\w-]+|\b(?:OTLPTraceExporter|BatchSpanProcessor)\b|\btimeoutMilis\b|\bSIG[A-Z]+(?= ends)|(?<=')timeoutMillis(?=')|\b[A-Z]{4,}(?:_[A-Z_]+)?(?=: )|@opentelemetry\/…|\b(?:native|node|x64|arm64)\b|\bNode\.js v|@offloop\/binding-|(?<=first batch )delivered|\bit (?=looks)|\bover (?=exporter)/g;

function filesIn(folder, ending) {
  return readdirSync(path.join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(ending) && !/(^|\/)tests?(\/|\.)/.test(name))
    .map((name) => readFileSync(path.join(root, folder, name), 'utf8'));
}

/** All texts of the code: parts of one text that stand on several lines are joined, and placeholders are cut out. */
const HOLE = '\u0000';
const files = [...filesIn('js', '.js'), ...filesIn('src', '.rs'), ...filesIn('addon/src', '.rs')]
  .join('\n')
  .replace(/['`"]\s*\+\s*['`"]/g, '')
  .replace(/\\\n\s*/g, '')
  .replaceAll("\\'", "'");
// As it stands, for texts within placeholders, and with the placeholders cut out.
const source = files + files.replace(/\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}|\{\w*(?::[^{}]*)?\}/g, HOLE);

/** What is fixed in a quoted line. */
function fixedParts(line) {
  return line
    .replace(VARIABLE, HOLE)
    .split(HOLE)
    .flatMap((part) => part.split(/[;:,()?]\s?/))
    .map((part) => part.replace(/^[\s():;,'.\]]+|[\s():;,'.[]+$/g, ''))
    .filter((part) => /[a-zA-Z]{3}/.test(part));
}

const isKnown = (part) => source.includes(part) || OF_OTHERS.some((pattern) => pattern.test(part));

/** Lines of `text` blocks, and what stands in backticks in the first column of tables about lines. */
function quoted() {
  const found = [];
  for (const [, block] of page.matchAll(/^```text\n([\s\S]*?)^```/gm))
    found.push(
      ...block
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('$ ')),
    );
  const tables = page.matchAll(/^\| the (?:line|sentence|error) says .*\n\|[-| ]+\n((?:\|.*\n)+)/gm);
  for (const [, rows] of tables)
    for (const row of rows.trim().split('\n'))
      found.push(...[...row.split(' | ')[0].matchAll(/`([^`]+)`/g)].map(([, text]) => text));
  return found.map((line) => line.replace(/^offloop: (?:warn|info): /, ''));
}

describe('docs/troubleshooting.md', () => {
  const lines = quoted();

  it('quotes lines', () => assert.ok(lines.length > 30, `${lines.length} lines`));

  for (const line of lines) {
    it(`quotes what the code says (R105): ${line}`, () => {
      const parts = fixedParts(line);
      assert.ok(parts.length > 0, 'nothing in it is fixed');
      assert.deepEqual(
        parts.filter((part) => !isKnown(part)),
        [],
      );
    });
  }

  const entries = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((entry) => [/.*/.exec(entry)[0], entry]),
  );
  const slug = (heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');

  it('has a symptom for every entry, and every entry that begins with what you see has all four parts (R105)', () => {
    const table = page.split(/^## /m)[0];
    for (const [heading, entry] of entries) {
      assert.ok(table.includes(`](#${slug(heading)})`), `no symptom leads to ${heading}`);
      if (!entry.includes('**You see')) continue;
      for (const part of ['**Why.**', '**Do.**', '**Check:**']) assert.ok(entry.includes(part), `${heading}: ${part}`);
    }
    assert.ok([...entries.values()].filter((entry) => entry.includes('**You see')).length >= 14);
  });
});
