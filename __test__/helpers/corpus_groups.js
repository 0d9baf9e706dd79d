'use strict';

const values = require('./corpus_values.js');
const { PlainSpans, asLine1, resource } = require('./plain_spans.js');

/** Batches for resources and scopes: identity, order and content (O40, O50). */
function groupingBatches(seed) {
  const spans = new PlainSpans(seed);
  const resources = [
    resource({ r: 1 }),
    resource({ r: 2 }, 'https://schema.test/two'),
    resource({ r: 1 }),
    resource({}),
  ];
  const scopes = [
    { name: 'a', version: '1' },
    { name: 'a', version: '2' },
    { name: 'a', version: '1', schemaUrl: 'https://schema.test/s' },
    { name: 'a' },
    { name: 'a', version: '' },
    { name: '' },
    { name: 'имя', version: 'é' },
  ];
  const twins = [
    { name: 'twin', version: '1' },
    { name: 'twin', version: '1' },
    { name: 'twin', version: '1', schemaUrl: '' },
  ];
  const detailed = [
    {
      name: 'with attributes',
      attributes: { a: 1, b: ['x', null], c: { d: Uint8Array.of(1) } },
      droppedAttributesCount: 3,
    },
    { name: 'without', attributes: {}, droppedAttributesCount: 3 },
    { name: 'counted', droppedAttributesCount: 4 },
    { name: 'first wins', attributes: { first: true } },
    { name: 'first wins', attributes: { second: true } },
  ];
  const pathological = [
    { name: 'a', version: 'b:c' },
    { name: 'a', version: 'b', schemaUrl: 'c:' },
    { name: 'a@b', version: 'c' },
    { name: 'a', version: 'b@c' },
  ];
  const odd = { ...values.containers, ...values.exotic, ...values.unsupported, ...values.numbers, ...values.strings };
  const cross = (left, right, make) => left.flatMap((a) => right.map((b) => make(a, b)));
  const mixed = cross(scopes, resources, (instrumentationScope, res) =>
    spans.span({ instrumentationScope, resource: res }),
  );
  return [
    { name: 'resources and scopes in mixed order', spans: [...mixed, ...mixed.slice(3, 9), ...mixed.toReversed()] },
    {
      name: 'equal but distinct scopes',
      spans: [...twins, ...twins].map((instrumentationScope) => spans.span({ instrumentationScope })),
    },
    {
      name: 'equal but distinct resources',
      spans: [0, 1, 0, 1].map((nth) => spans.span({ resource: nth ? resource({ same: 1 }) : resources[0] })),
    },
    { name: 'scope attributes', spans: detailed.map((instrumentationScope) => spans.span({ instrumentationScope })) },
    {
      name: 'scopes whose texts collide in the JSON key',
      spans: pathological.map((instrumentationScope) => spans.span({ instrumentationScope })),
    },
    { name: 'resource attributes of every kind', spans: [spans.span({ resource: resource(odd) }), spans.span()] },
    { name: 'resources in the 1.x shape', spans: mixed.map(asLine1) },
  ];
}

module.exports = { groupingBatches };
