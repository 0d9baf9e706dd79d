// Owns the demo's last scene: a service with a handler that blocks the loop, and the spans that say so.
// It refuses to know the answer: function, line and length come out of the span files.

import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Child } from './phases.mjs';

const SPAN_NAME = 'event-loop-blocked';

function readSpans(directory) {
  const spans = [];
  for (const name of readdirSync(directory)) {
    for (const line of readFileSync(path.join(directory, name), 'utf8').split('\n').filter(Boolean)) {
      for (const { scopeSpans } of JSON.parse(line).resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
    }
  }
  return spans;
}

function plain(attributes) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** Runs the scene; `directory` is for its spans. Answers the block as its spans tell it. */
export async function runBlocked(directory) {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) {
    if (/^traces-.*\.jsonl$/.test(name)) rmSync(path.join(directory, name));
  }
  const service = new Child('blocked_service.js', { directory });
  try {
    const { stats } = await service.next('result');
    await service.end();
    const spans = readSpans(directory).map((span) => ({ ...span, attributes: plain(span.attributes) }));
    const blocks = spans.filter(({ name }) => name === SPAN_NAME);
    const isOngoing = ({ attributes }) => attributes['event_loop.block.ongoing'];
    const block = blocks.find((span) => !isOngoing(span));
    if (block === undefined) throw new Error(`no span ${SPAN_NAME} in ${directory}: ${JSON.stringify(stats)}`);
    const parent = spans.find(({ spanId }) => spanId === block.parentSpanId);
    return {
      name: block.name,
      attributes: block.attributes,
      parentName: parent?.name ?? null,
      reportedWhileOngoing: blocks.some(isOngoing),
      stats,
    };
  } finally {
    service.kill();
  }
}

/** One sentence. */
export function blockedText({ attributes, parentName, reportedWhileOngoing }) {
  const file = path.relative(process.cwd(), attributes['code.file.path'] ?? '');
  const where = `${attributes['code.function.name']} (${file}:${attributes['code.line.number']})`;
  const millis = attributes['event_loop.block.duration_ms'].toFixed(0);
  const early = reportedWhileOngoing ? ', reported while it lasted' : '';
  return `A handler blocked the loop for ${millis} ms: ${where}, in ${parentName}${early}.`;
}
