'use strict';

const values = require('./corpus_values.js');
const { PlainSpans, resource, traceState } = require('./plain_spans.js');

/** Batches for the fields of a span, an event, a link and a status, with every edge of their rules (O20, O30, O60). */
function fieldBatches(seed) {
  const spans = new PlainSpans(seed);
  const each = (list, make) => list.map((value) => spans.span(make(value)));
  return [
    { name: 'kinds', spans: each([0, 1, 2, 3, 4, null, undefined, 17], (kind) => ({ kind })) },
    {
      name: 'status',
      spans: each(
        [
          { code: 0 },
          { code: 1, message: 'kept' },
          { code: 2 },
          { code: 2, message: '' },
          { code: 2, message: 'ошибка' },
          { code: 2, message: undefined },
          { code: 9 },
          { code: 300 },
        ],
        (status) => ({ status }),
      ),
    },
    { name: 'names', spans: each([...Object.values(values.strings), 'n'.repeat(70_000)], (name) => ({ name })) },
    {
      name: 'trace flags',
      spans: each([0, 1, 2, 127, 128, 255, 256, 511, undefined], (traceFlags) => ({ context: { traceFlags } })),
    },
    { name: 'parents', spans: parentSpans(spans) },
    {
      name: 'trace state',
      spans: each(['', 'a=1', 'vendor=é', 'k=v,'.repeat(100), undefined], (text) => ({
        context: { traceState: traceState(text) },
      })),
    },
    { name: 'ids', spans: idSpans(spans) },
    { name: 'times', spans: timeSpans(spans) },
    {
      name: 'fractional times',
      spans: each(
        [
          [1.9, 0.9],
          [1_700_000_000.5, 123.999],
          [0.1, 999_999_999.999],
        ],
        (startTime) => ({ startTime, endTime: startTime }),
      ),
      unlike057: 'fractional times: it fails on them',
    },
    {
      name: 'dropped counts',
      spans: each([0, 1, 127, 128, 65_536, 2 ** 31, 2 ** 32 - 1, undefined], (count) => ({
        droppedAttributesCount: count,
        droppedEventsCount: count,
        droppedLinksCount: count,
      })),
    },
    { name: 'events', spans: eventSpans(spans) },
    { name: 'links', spans: linkSpans(spans) },
    { name: 'empty strings everywhere', spans: [emptySpan(spans)] },
  ];
}

function parentSpans(spans) {
  const parents = [undefined, { isRemote: true }, { isRemote: false }, { isRemote: undefined }].map(
    (part) => part && spans.context(part),
  );
  const states = [spans.context({ spanId: '' }), spans.context({ traceState: traceState('parent=1'), isRemote: true })];
  return [...parents, ...states].map((parentSpanContext) => spans.span({ parentSpanContext }));
}

function idSpans(spans) {
  const ids = [
    { traceId: 'ABCDEF0123456789ABCDEF0123456789', spanId: 'FEDCBA9876543210' },
    { traceId: 'AbCdEf0123456789aBcDeF0123456789', spanId: 'fEdCbA9876543210' },
    { traceId: '0'.repeat(32), spanId: '0'.repeat(16) },
    { traceId: '', spanId: '' },
    { traceId: 'ab', spanId: 'cd' },
    { traceId: 'abcd'.repeat(40), spanId: '12'.repeat(70) },
    { traceId: '0123456789abcdef', spanId: '0123456789abcdef0123456789abcdef' },
  ];
  return ids.map((context) => {
    return spans.span({
      context,
      parentSpanContext: spans.context(context),
      links: [{ context: spans.context(context) }],
    });
  });
}

function timeSpans(spans) {
  const times = [
    [0, 0],
    [0, 1],
    [1, 0],
    [65_535, 999_999_999],
    [65_536, 0],
    [2_147_483_647, 1],
    [2_147_483_648, 1],
    [4_294_967_296, 5],
    [1_700_000_000, 1_000_000_000],
    [1_700_000_000, 5_999_999_999],
    [0, 1_700_000_000_000_000_000],
    [18_446_744_073, 709_551_615],
  ];
  return times.map((time) => spans.span({ startTime: time, endTime: time, events: [{ name: 'at', time }] }));
}

function eventSpans(spans) {
  const time = [1_700_000_000, 42];
  const attributes = { a: 1, b: 'two' };
  return [
    spans.span({ events: [{ name: 'bare', time }] }),
    spans.span({ events: [{ name: '', time: [0, 0], attributes: {} }] }),
    spans.span({
      events: [
        { name: 'counted', time, attributes, droppedAttributesCount: 300 },
        { name: 'zero', time, droppedAttributesCount: 0 },
      ],
    }),
    spans.span({ events: [{ name: 'none', time, attributes: undefined, droppedAttributesCount: undefined }] }),
    spans.span({ events: [{ name: 'null', time, attributes: null, droppedAttributesCount: null }] }),
    spans.span({
      events: Array.from({ length: 1000 }, (_, nth) => ({
        name: `event ${nth}`,
        time: [1_700_000_000, nth],
        attributes: { nth },
      })),
    }),
  ];
}

function linkSpans(spans) {
  const link = (context, rest) => ({ context: spans.context(context), ...rest });
  return [
    spans.span({
      links: [link(), link({ isRemote: true }), link({ isRemote: false, traceFlags: 0 }), link({ traceFlags: 511 })],
    }),
    spans.span({
      links: [
        link({ traceState: traceState('a=1,b=2') }),
        link({ traceState: traceState('') }),
        link({ traceState: undefined }),
      ],
    }),
    spans.span({
      links: [
        link({}, { attributes: { a: [1, 'x'] }, droppedAttributesCount: 200 }),
        link({}, { attributes: undefined }),
        link({}, { attributes: null, droppedAttributesCount: null }),
      ],
    }),
    spans.span({ links: Array.from({ length: 300 }, (_, nth) => link({}, { attributes: { nth } })) }),
  ];
}

function emptySpan(spans) {
  return spans.span({
    name: '',
    status: { code: 0, message: '' },
    attributes: { '': '' },
    context: { traceState: traceState('') },
    parentSpanContext: spans.context({ spanId: '' }),
    events: [{ name: '', time: [0, 0], attributes: { '': '' } }],
    links: [{ context: spans.context(), attributes: { '': '' } }],
    resource: resource({ '': '' }, ''),
    instrumentationScope: { name: '', version: '', schemaUrl: '' },
  });
}

module.exports = { fieldBatches };
