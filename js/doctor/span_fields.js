'use strict';
// Owns a span as a list of named texts, so that two of them can be laid side by side. Refuses ids and times: no rule changes them.
// Texts are on one line and have nothing that a terminal obeys.

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const UNIT_DIGITS = 4;

/** @param {object} line of OTLP/JSON with one span  @returns {Map<string, string>} */
function fieldsOf({ resourceSpans: [{ resource, scopeSpans }] }) {
  const [{ scope, spans }] = scopeSpans;
  const [span] = spans;
  const fields = new Map();
  const add = (name, value) => {
    if (value === undefined) return;
    let unique = oneLine(name);
    for (let nth = 2; fields.has(unique); nth++) unique = `${oneLine(name)} #${nth}`;
    fields.set(unique, oneLine(JSON.stringify(value)));
  };
  const addAll = (prefix, attributes = []) => {
    for (const { key, value } of attributes) add(`${prefix}${key}`, plain(value));
  };
  add('name', span.name);
  addAll('', span.attributes);
  add('status.message', span.status?.message);
  add('traceState', span.traceState || undefined);
  (span.events ?? []).forEach(({ name, attributes }, nth) => {
    add(`events[${nth}].name`, name);
    addAll(`events[${nth}] `, attributes);
  });
  (span.links ?? []).forEach(({ traceState, attributes }, nth) => {
    add(`links[${nth}].traceState`, traceState || undefined);
    addAll(`links[${nth}] `, attributes);
  });
  addAll('resource ', resource?.attributes);
  add('scope.name', scope?.name || undefined);
  add('scope.version', scope?.version || undefined);
  addAll('scope ', scope?.attributes);
  return fields;
}

function plain(any) {
  const { arrayValue, kvlistValue, ...simple } = any;
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(plain);
  if (kvlistValue !== undefined)
    return Object.fromEntries((kvlistValue.values ?? []).map(({ key, value }) => [key, plain(value)]));
  const [value] = Object.values(simple);
  return value ?? null;
}

function oneLine(text) {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(UNIT_DIGITS, '0')}`)
      .join(''),
  );
}

module.exports = { fieldsOf };
