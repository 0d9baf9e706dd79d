'use strict';
// Owns a second opinion on the redaction of recordings: rules on plain values, by recursion, with the means of JavaScript. It shares
// no code with what is tested, and knows only some rules: keys with mask, hash or truncate, and `match: ['awsKey']`.

const { createHmac } = require('node:crypto');

const MARKER = '[redacted]';
const AWS = /(?:AKIA|ASIA|ABIA|ACCA)(?:[A-Z0-9]{16,}|[A-Z0-9]{4,}$)/g; // or cut at the end
const BASE64 = /^[A-Za-z0-9+/\-_ \t\r\n]*[= \t\r\n]*$/;
const BEGINS_AS_JSON = /^\ufeff?[ \t\n\f\r]*[{[]/;
const MAX_PATH_BYTES = 4096;
const MAX_DEPTH = 512;

/** A member that is encoded: what it holds now, and how it was recorded. */
class Coded {
  constructor(source, isBase64, form, held) {
    Object.assign(this, { source, isBase64, form, held, before: form === 'json' ? printed(held) : held });
  }

  with(held) {
    return Object.assign(Object.create(Coded.prototype), this, { held });
  }
}

class RecordedReference {
  #rules;
  #key;
  /** Something has happened that may change a schema. */
  isExempt = false;

  constructor(rules, key) {
    this.#rules = rules;
    this.#key = key;
  }

  /** Attributes of a recorded span as its recorder would have recorded what is redacted. */
  attributes(given) {
    const out = { ...given };
    for (const name of ['td.name', 'td.packageName', 'td.instrumentationName', 'td.submodule'])
      if (typeof out[name] === 'string') out[name] = this.#searched(out[name], this.#everywhere());
    this.#payload(out, 'td.inputValue', 'td.inputSchemaMerges', 'inputValue');
    this.#payload(out, 'td.outputValue', 'td.outputSchemaMerges', 'outputValue');
    this.#payload(out, 'td.metadata', undefined, 'metadata');
    this.#payload(out, 'td.transformMetadata', undefined, 'transformMetadata');
    return out;
  }

  #payload(attributes, name, mergesName, path) {
    const [text, mergesText] = [attributes[name], attributes[mergesName]];
    if (typeof text !== 'string') return; // such a span is not recorded
    if (mergesText) attributes[mergesName] = this.#merges(mergesText);
    try {
      const merges = mergesText ? JSON.parse(mergesText) : undefined;
      const value = this.#read(JSON.parse(text), merges, path);
      attributes[name] = printed(this.#root(value, path));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // what is no JSON is not recorded
    }
  }

  #merges(text) {
    try {
      const merges = JSON.parse(text);
      const searched = this.#onlySearched(merges);
      this.isExempt ||= printed(searched) !== printed(merges); // they are shown in the schema
      return printed(searched);
    } catch {
      return text;
    }
  }

  #onlySearched(value) {
    if (typeof value === 'string') return this.#searched(value, this.#everywhere());
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#onlySearched(item));
    const pairs = Object.entries(value).map(([key, member]) => {
      const found = this.#searched(key, this.#everywhere());
      return [found === key ? key : MARKER, this.#onlySearched(member)];
    });
    return objectOf(pairs);
  }

  /** The root with `Coded` where merges say that something is encoded. */
  #read(root, merges, path) {
    if (!merges || typeof root !== 'object' || root === null) {
      this.isExempt ||= typeof root === 'string' && Boolean(merges); // its length is in the schema
      return root;
    }
    const codings = new Map();
    for (const [key, merge] of Object.entries(merges))
      if (typeof merge === 'object' && merge !== null && !Array.isArray(merge) && Object.hasOwn(merge, 'encoding'))
        if (merge.encoding) codings.set(key, merge.encoding === 1);
    const member = (key, value) =>
      typeof value === 'string' && codings.has(key)
        ? this.#decoded(value, codings.get(key), path, Array.isArray(root) ? null : key)
        : value;
    if (Array.isArray(root)) return root.map((value, nth) => member(String(nth), value));
    return objectOf(Object.entries(root).map(([key, value]) => [key, member(key, value)]));
  }

  #decoded(source, isBase64, path, key) {
    if (isBase64 && !BASE64.test(source)) {
      this.isExempt = true;
      return new Coded(source, false, 'nothing', source).with(Buffer.from(MARKER));
    }
    const bytes = Buffer.from(source, isBase64 ? 'base64' : 'utf8');
    const text = isBase64 ? bytes.toString('utf8') : source;
    try {
      return new Coded(source, isBase64, 'json', JSON.parse(text));
    } catch {}
    const isText = !isBase64 || Buffer.from(text).equals(bytes);
    const coded = isText ? new Coded(source, isBase64, 'text', text) : new Coded(source, isBase64, 'bytes', bytes);
    // Rules with keys cannot see what stands in it.
    if (BEGINS_AS_JSON.test(text) && this.#rules.some(({ keys }) => keys)) return coded.with(Buffer.from(MARKER));
    if (isText) return coded;
    const ofRoot = this.#verdict(path, this.#everywhere());
    const { searches } = key === null ? ofRoot : this.#verdict(`${path}.${key}`, ofRoot);
    return searches.length > 0 && this.#searched(source, { searches }) !== source
      ? coded.with(Buffer.from(MARKER))
      : coded;
  }

  #root(value, path) {
    return this.#value(value, path, this.#verdict(path, this.#everywhere()), 0);
  }

  #everywhere() {
    return { whole: undefined, truncate: undefined, searches: this.#rules.filter(({ match, keys }) => match && !keys) };
  }

  /** What rules say of the path, and what holds because of what is around it. */
  #verdict(path, outer) {
    const isUnjudged = Buffer.byteLength(path) > MAX_PATH_BYTES && this.#rules.some(({ keys }) => keys);
    const taking = isUnjudged ? [] : this.#rules.filter((rule) => takes(rule, path));
    return {
      isUnjudged,
      whole: taking.find(({ match, action = 'mask' }) => !match && typeof action === 'string'),
      truncate: taking.find(({ action }) => action?.truncate !== undefined) ?? outer.truncate,
      searches: [...new Set([...taking.filter(({ match }) => match), ...outer.searches])],
    };
  }

  #value(value, path, verdict, depth) {
    const isContainer =
      typeof value === 'object' && value !== null && !(value instanceof Coded) && !Buffer.isBuffer(value);
    if (verdict.isUnjudged || (isContainer && depth >= MAX_DEPTH)) return this.#typed(value, 'mask');
    if (verdict.whole) return this.#typed(value, verdict.whole.action ?? 'mask');
    if (value instanceof Coded) return value.with(this.#value(value.held, path, verdict, depth));
    if (typeof value === 'string') return this.#truncated(this.#searched(value, verdict), verdict);
    if (Buffer.isBuffer(value)) {
      if (verdict.searches.length > 0 && value.toString('latin1').match(AWS)) return Buffer.from(MARKER);
      return verdict.truncate ? value.subarray(0, verdict.truncate.action.truncate) : value;
    }
    if (!isContainer) return value;
    if (Array.isArray(value)) return value.map((item) => this.#value(item, path, verdict, depth + 1));
    const taken = Object.keys(value).map((key) => /^\[redacted\](?:#(\d+))?$/.exec(key));
    let next = Math.max(0, ...taken.filter(Boolean).map(([, number]) => Number(number ?? 1)));
    const pairs = Object.entries(value).map(([key, member]) => {
      const at = `${path}.${key}`;
      const inner = this.#verdict(at, verdict);
      const changed = this.#value(member, at, inner, depth + 1);
      const searches = this.#rules.filter((rule) => rule.match && !rule.keys);
      if (this.#searched(key, { searches }) === key) return [key, changed];
      this.isExempt = true;
      next += 1;
      return [next === 1 ? MARKER : `${MARKER}#${next}`, changed];
    });
    return objectOf(pairs);
  }

  /** Everything of a value but its type. */
  #typed(value, action) {
    if (value instanceof Coded) return value.with(this.#typed(value.held, action));
    if (Buffer.isBuffer(value)) return Buffer.from(MARKER);
    switch (typeof value) {
      case 'string':
        return action === 'hash' ? this.#token(value) : MARKER;
      case 'number':
        return Number.isFinite(value) ? 0 : value; // which JSON has no word for
      case 'boolean':
        return false;
    }
    if (value === null) return null;
    if (Array.isArray(value)) return value.map((item) => this.#typed(item, action));
    const pairs = Object.entries(value).map(([key, member]) => {
      const isFound = this.#searched(key, this.#everywhere()) !== key;
      this.isExempt ||= isFound;
      return [isFound ? MARKER : key, this.#typed(member, action)];
    });
    return objectOf(pairs);
  }

  #searched(text, { searches }) {
    const [rule] = searches;
    if (rule === undefined) return text;
    return text.replace(AWS, (found) => (rule.action === 'hash' ? this.#token(found) : MARKER));
  }

  #truncated(text, { truncate }) {
    return truncate ? [...text].slice(0, truncate.action.truncate).join('') : text;
  }

  /** As `Buffer` encodes half a surrogate pair it is U+FFFD, and in a recording it is three bytes of its own. */
  #token(text) {
    const bytes = Buffer.concat([...text].map((unit) => wtf8(unit)));
    const id = createHmac('sha256', this.#key).update('offloop key id').digest('hex').slice(0, 4);
    return `h${id}:${createHmac('sha256', this.#key).update(bytes).digest('hex').slice(0, 32)}`;
  }
}

function wtf8(character) {
  const code = character.codePointAt(0);
  if (code < 0xd800 || code > 0xdfff) return Buffer.from(character);
  return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)]);
}

function takes({ keys, except = [] }, path) {
  return keys?.some((glob) => isMatch(glob, path)) && !except.some((glob) => isMatch(glob, path));
}

const expressions = new Map();

function isMatch(glob, path) {
  let expression = expressions.get(glob);
  if (expression === undefined) {
    const [, deep, rest] = /^(\*\*\.)?(.*)$/s.exec(glob);
    const pattern = rest.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    expression = new RegExp(`^${deep ? '(?:.*\\.)?' : ''}${pattern}$`, 's');
    expressions.set(glob, expression);
  }
  return expression.test(path);
}

/** Also a key that an assignment would take for the prototype; of equal keys the last. */
function objectOf(pairs) {
  const object = {};
  for (const [key, value] of pairs)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

/** JSON of a value, also of what `JSON.stringify` makes 0 and null of. */
function printed(value) {
  if (value instanceof Coded) return JSON.stringify(encoded(value));
  if (Object.is(value, -0)) return '-0';
  if (value === Infinity) return '1e999';
  if (value === -Infinity) return '-1e999';
  if (Array.isArray(value)) return `[${value.map(printed).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}:${printed(member)}`)
    .join(',')}}`;
}

function encoded({ source, isBase64, form, held, before }) {
  let now = form === 'json' ? printed(held) : held;
  if (Buffer.isBuffer(now) ? Buffer.isBuffer(before) && now.equals(before) : now === before) return source;
  if (form !== 'json' && isJson(now.toString())) now = MARKER;
  return isBase64 ? Buffer.from(now).toString('base64') : now.toString();
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

module.exports = { RecordedReference };
