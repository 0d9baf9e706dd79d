'use strict';
// Owns what rules mean for recordings (`offloop/tusk`): where they look, and which would change more than values.
// Refuses what would change a schema: replay matches by schemas.

const { SECRETS, HEADERS, PII } = require('./vocabulary.js');

/** What a recording has of the parts of a span. Only the attributes, which are its values, have keys. */
const RECORDED_PARTS = Object.freeze(['attributes', 'name', 'status', 'scope']);
/** Actions on whole values, which keep their types. */
const TYPED = ['mask', 'hash', 'json'];

/** The lists of vocabulary.js for the names that recorders give to what they record. */
const RECORDED_PRESETS = Object.freeze({
  secrets: [{ name: 'secrets', match: SECRETS }],
  pii: [{ name: 'pii', match: PII }],
  defaults: [
    { name: 'defaults.secrets', match: SECRETS },
    {
      name: 'defaults.headers',
      keys: ['**.headers.', '**.metadata.'].flatMap((prefix) => HEADERS.map((name) => prefix + name)),
      ignoreCase: true,
    },
    {
      name: 'defaults.urls',
      keys: ['**.url', '**.target', '**.path', '**.href', '**.headers.referer'],
      ignoreCase: true,
      action: { url: [] },
    },
  ],
});

/** A rule that is right for spans, for recordings. @throws {Error} naming `path` if it cannot be */
function recordedRule(path, rule, saysKeepType) {
  const { action, detectors, parts, keepType } = rule;
  const refuse = (why) => {
    throw new Error(`Configuration: ${path} is invalid, ${why}`);
  };
  if (['delete', 'allow'].includes(action.type))
    refuse("recordings keep their members, expected 'mask', 'hash', truncate, sql, url or json");
  if (saysKeepType && !keepType) refuse('recordings keep the types of values, expected no keepType: false');
  const isSeen = (part) => parts.includes(part);
  if (!RECORDED_PARTS.some(isSeen))
    refuse(`recordings have none of its parts, expected one of ${RECORDED_PARTS.join(', ')}`);
  if (detectors.length === 0 && !isSeen('attributes'))
    refuse("only the attributes of a recording have keys, expected 'attributes'");
  return { ...rule, keepType: detectors.length === 0 && TYPED.includes(action.type) };
}

/** A text that is masked must not become a number to whoever reads it as JSON. @throws {Error} */
function checkMarker(marker) {
  try {
    JSON.parse(marker);
  } catch {
    return;
  }
  throw new Error('Configuration: process.marker is invalid, expected a text that is no JSON for recordings');
}

module.exports = { checkMarker, RECORDED_PRESETS, recordedRule };
