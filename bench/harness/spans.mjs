// Makes finished spans with the real SDKs: the shapes that the rows are named after.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const api = require('@opentelemetry/api');

const WORDS = (
  'select insert user account order invoice session token header request response service queue batch export span ' +
  'trace payload customer address street prague berlin lisbon oslo price amount currency total limit offset where ' +
  'from join left inner group having index true false null 200 404 503 1024 4096 GET POST /api/v1/users /health'
).split(' ');
const SOUP_LENGTH = 1 << 20;

function makeSoup(letters) {
  let seed = 0x2545f491;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  let text = '';
  while (text.length < SOUP_LENGTH) {
    let word = WORDS[Math.floor(random() * WORDS.length)];
    if (letters && random() < 0.2) word += letters[Math.floor(random() * letters.length)];
    text += `${word}${Math.floor(random() * 1000)} `;
  }
  return Buffer.from(text, 'utf16le').subarray(0, SOUP_LENGTH * 2);
}

let soups;

/** A flat string of `length` UTF-16 units that nobody has seen before; `wide` mixes in non-ASCII letters. */
function flatText(index, attribute, length, wide) {
  soups ??= { narrow: Buffer.from(makeSoup('').toString('utf16le'), 'latin1'), wide: makeSoup('žščřěíéůñøß日本語') };
  const offset = (index * 7919 + attribute * 104_729) % (SOUP_LENGTH - length);
  return wide
    ? soups.wide.ucs2Slice(offset * 2, (offset + length) * 2)
    : soups.narrow.latin1Slice(offset, offset + length);
}

/** The same text glued from pieces, as programs build it: V8 keeps a rope until somebody reads it. */
function ropeText(index, attribute, length) {
  const piece = Math.max(13, Math.ceil(length / 16));
  let text = '';
  for (let at = 0; at < length; at += piece) {
    text += flatText(index, attribute + at, Math.min(piece, length - at), false);
  }
  return text;
}

function attributeText(content, index, attribute, length) {
  switch (content) {
    case 'ascii':
      return flatText(index, attribute, length, false);
    case 'eighth-non-ascii':
      return flatText(index, attribute, length, index % 8 === 0);
    case 'non-ascii':
      return flatText(index, attribute, length, true);
    case 'rope':
      return ropeText(index, attribute, length);
    default:
      throw new RangeError(`unknown content ${content}`);
  }
}

const providers = {
  2: () => {
    const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    const memory = new InMemorySpanExporter();
    return { provider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }), memory };
  },
  1: () => {
    const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('sdk-trace-1x');
    const memory = new InMemorySpanExporter();
    const provider = new BasicTracerProvider();
    provider.addSpanProcessor(new SimpleSpanProcessor(memory));
    return { provider, memory };
  },
};

/**
 * `count` finished spans of SDK `sdk` ('2' or '1'), one quarter of the attributes numbers when there are four or more.
 *
 * @param {{ count: number, attributes: number, textLength: number, content?: string, children?: boolean,
 *   events?: number, sdk?: 1 | 2 }} shape
 */
export function makeSpans({ count, attributes, textLength, content = 'ascii', children = false, events = 0, sdk = 2 }) {
  const { provider, memory } = providers[sdk]();
  const tracer = provider.getTracer('bench', '1.0');
  let context = api.ROOT_CONTEXT;
  for (let index = 0; index < count; index++) {
    const span = tracer.startSpan(`GET /api/users/:id ${index % 7}`, { kind: 1 }, context);
    if (children && index % 16 === 0) context = api.trace.setSpan(api.ROOT_CONTEXT, span);
    fillAttributes(span, index, attributes, textLength, content);
    for (let event = 0; event < events; event++) span.addEvent(`step ${event}`, { 'step.index': event });
    span.end();
  }
  return memory.getFinishedSpans();
}

/** Sets the attributes of one span; also the body of rows that time `span.end()`. */
export function fillAttributes(span, index, attributes, textLength, content = 'ascii') {
  for (let attribute = 0; attribute < attributes; attribute++) {
    if (attribute % 4 === 3) span.setAttribute(`attr.num.${attribute}`, index * attribute + 0.5);
    else {
      const text = attributeText(content, index, attribute, textLength);
      span.setAttribute(`http.request.attr.${attribute}`, text);
    }
  }
}
