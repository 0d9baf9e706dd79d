'use strict';
// Owns the sampler at the head of a trace that leaves out whole trees by the name or the route of their root.
// Refuses to load an SDK: the default of all its lines is small enough to be had without. Refuses to throw in `startSpan()`.

const check = require('../config/process/checks.js');
const { configured } = require('../config/options/read.js');
const { diag } = require('../otel/diag.js');
const { StandIns } = require('../guards/stand_ins.js');
const { contained, ignore } = require('../guards/user_code.js');
const { globOf, MAX_PATTERN_UNITS } = require('./glob.js');

const NOT_RECORD = 0;
const RECORD_AND_SAMPLED = 2;
const SAMPLED = 1;
const SPAN_KEY = Symbol.for('OpenTelemetry Context Key SPAN'); // of every version of the API
const ROUTE_KEYS = ['http.route', 'url.path', 'http.target'];
const TRACE_ID = /^(?!0{32})[\da-f]{32}$/i;
const SPAN_ID = /^(?!0{16})[\da-f]{16}$/i;
const MOST_PATTERNS = 100;
const MOST_TRACES = 1024; // whose roots were left out, and whose spans a delegate might take

const standIns = new StandIns('sampler');
let own;

class DropSampler {
  static {
    own = (sampler) => (#names in sampler ? sampler : standIns.originalOf(sampler));
  }

  #names;
  #routes;
  #delegate;
  #traces = new Set(); // ids, the one asked for last at the end
  #isTold = false;

  /**
   * @param {{ names?: string[], routes?: string[], delegate?: object }} options see index.d.ts
   * @throws {Error} naming what is wrong
   */
  constructor(options) {
    const { names, routes, delegate } = configured(() => readOptions(options));
    this.#names = names;
    this.#routes = routes;
    this.#delegate = delegate;
    if (delegate === null) tellVariable();
    standIns.sign(this);
  }

  /** As the SDK asks. */
  shouldSample(...args) {
    return own(this).#decide(...args);
  }

  toString() {
    const delegate = own(this).#delegate;
    return `DropSampler{${delegate === null ? 'ParentBased{root=AlwaysOnSampler}' : textOf(delegate)}}`;
  }

  #decide(context, traceId, spanName, spanKind, attributes, links) {
    const parent = parentOf(context);
    if (this.#isLeftOut(parent, traceId, spanName, attributes)) return { decision: NOT_RECORD };
    if (this.#delegate === null) return standard(parent);
    try {
      const result = this.#delegate.shouldSample(context, traceId, spanName, spanKind, attributes, links);
      if ([0, 1, 2].includes(result?.decision)) return result;
      this.#tell('answered no decision');
    } catch (error) {
      this.#tell('threw', error);
    }
    return standard(parent);
  }

  #isLeftOut(parent, traceId, spanName, attributes) {
    if (this.#traces.delete(traceId)) {
      this.#traces.add(traceId);
      return true;
    }
    if (parent !== null) return false;
    if (!matches(this.#names, spanName) && !this.#hasRoute(attributes)) return false;
    this.#traces.add(traceId);
    if (this.#traces.size > MOST_TRACES) this.#traces.delete(this.#traces.values().next().value);
    return true;
  }

  #hasRoute(attributes) {
    if (this.#routes.length === 0) return false;
    return ROUTE_KEYS.some((key) => {
      const route = contained(ignore, () => attributes?.[key]);
      // The target has the query, too.
      return matches(this.#routes, typeof route === 'string' ? route.split('?', 1)[0] : undefined);
    });
  }

  #tell(what, error) {
    if (this.#isTold) return;
    this.#isTold = true;
    diag.warn(
      `Offloop: the delegate of a DropSampler ${what}, sampled as the SDK does by default`,
      ...(error ? [error] : []),
    );
  }
}

function readOptions(options) {
  const given = check.members('DropSampler', options, ['names', 'routes', 'delegate']);
  if (!given.has('names') && !given.has('routes')) check.wrong('DropSampler', 'names or routes', options);
  const globs = (name) => (given.has(name) ? check.list(`DropSampler.${name}`, given.get(name), glob) : []);
  const delegate = given.get('delegate') ?? null;
  const isSampler = check.reading(
    'DropSampler.delegate',
    () => delegate === null || typeof delegate.shouldSample === 'function',
  );
  if (!isSampler) check.wrong('DropSampler.delegate', 'a sampler', delegate);
  const { names, routes } = { names: globs('names'), routes: globs('routes') };
  if (names.length + routes.length > MOST_PATTERNS)
    throw new Error(`Configuration: DropSampler is invalid, expected ${MOST_PATTERNS} names and routes at most`);
  return { names, routes, delegate };
}

function glob(path, value) {
  if (check.text(path, value).length > MAX_PATTERN_UNITS)
    check.wrong(path, `a text of ${MAX_PATTERN_UNITS} characters at most`, value);
  return globOf(value);
}

const matches = (globs, text) => typeof text === 'string' && globs.some((each) => each(text));

/** The context of the span that is the parent, of this process or another one; null for a root. */
function parentOf(context) {
  return (
    contained(ignore, () => {
      const parent = context.getValue(SPAN_KEY)?.spanContext();
      return TRACE_ID.test(parent?.traceId) && SPAN_ID.test(parent.spanId) ? parent : null;
    }) ?? null
  );
}

/** What the SDK does unless it is told otherwise: as the parent, and a root always. */
function standard(parent) {
  const isSampled = parent === null || (parent.traceFlags & SAMPLED) !== 0;
  return { decision: isSampled ? RECORD_AND_SAMPLED : NOT_RECORD };
}

function textOf(delegate) {
  const text = contained(ignore, () => String(delegate));
  return typeof text === 'string' ? text : 'a sampler';
}

/** The SDK reads this variable for a program that gives it no sampler; now it gives one. */
function tellVariable() {
  const wanted = process.env.OTEL_TRACES_SAMPLER?.trim();
  if (!wanted || wanted === 'parentbased_always_on') return;
  diag.warn('Offloop: OTEL_TRACES_SAMPLER has no effect beside a DropSampler without a delegate, give it one');
}

module.exports = { DropSampler };
