// Owns the panel about one span: its figures, attributes, events, links and lines of code, and what was written, byte for byte.

import { ask, Failure, Latest } from './api.js';
import { app, colourOf } from './app.js';
import { copy, fill, h } from './dom.js';
import { counted, countText, durationText, exactText } from './figures.js';
import { attributeTerm, withTerm } from './filter.js';
import { parseRoute, routeTo, traceRoute } from './route.js';
import { member, pairsOf, parseExact, valueElement } from './values.js';

/**
 * @import { Pair } from './values.js'
 * @typedef {{ trace: string, span: string, row?: number, service?: string, name?: string }} Link
 * @typedef {{ row: number, trace: string, span: string, service: string, name: string, start: string, duration: number, status: string,
 *   kind: string, file: string, offset: number, ordinal: number, marks: string[], raw?: string, resource?: string, scope?: string,
 *   links: { to: Link[], from: Link[] }, gone?: string }} Span
 */

/** More attributes than these wait behind a button. */
const MOST_PAIRS = 60;
/** Longer values have the whole width. */
const WIDE_VALUE = 60;
const BLOCK = 'event-loop-blocked';
const STACK = 'code.stacktrace';

export class Details {
  #latest = new Latest();

  /** @param {{ onClose: () => void, onEvents: (offsets: number[]) => void }} options */
  constructor({ onClose, onEvents }) {
    this.onEvents = onEvents;
    this.body = h('div', { class: 'body' });
    this.element = h(
      'aside',
      { class: 'details', 'aria-label': 'Details of the span', tabindex: '0', hidden: true },
      h(
        'button',
        { class: 'close', type: 'button', title: 'Close (Esc)', 'aria-label': 'Close the details', onclick: onClose },
        '×',
      ),
      this.body,
    );
    this.tools = h('span', { class: 'tools' });
  }

  /** Asks for a span and shows it. @param {number} row  @returns {Promise<Span | undefined>} */
  async show(row) {
    try {
      const span = await this.#latest.ask((signal) => ask('span', { row }, signal));
      if (span === undefined) return undefined;
      this.#draw(span);
      return span;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.showWords('This span', error.message);
      return undefined;
    }
  }

  /** @param {string} title  @param {...string} lines */
  showWords(title, ...lines) {
    this.#latest.cancel();
    this.onEvents([]);
    fill(
      this.body,
      h('h2', { text: title }),
      lines.map((text) => h('p', { text })),
    );
  }

  /** @param {Span} span */
  #draw(span) {
    const written = read(span.raw);
    const events = /** @type {any[]} */ (written?.events ?? []).map((one) => eventOf(one, span.start));
    const message = written?.status?.message;
    const place = h('div', { class: 'code' });
    const held = h('div');
    const isBlock = span.name === BLOCK;
    const pairs = pairsOf(written?.attributes);
    const stack = isBlock ? pairs.find(({ key }) => key === STACK) : undefined;
    fill(
      this.body,
      h('h2', {}, named(span.service, span.name)),
      span.gone !== undefined && h('p', { class: 'warning', text: span.gone }),
      this.#figures(span, message),
      isBlock && held,
      isBlock && app.about.hasSource && place,
      stack !== undefined && h('h3', {}, 'Stack'),
      stack !== undefined &&
        h('pre', { tabindex: '0', 'aria-label': 'The stack of the block', text: String(stack.value) }),
      this.#pairs(
        'Attributes',
        '',
        pairs.filter((pair) => pair !== stack),
      ),
      events.length > 0 && h('h3', {}, `Events, ${countText(events.length)}`),
      events.map(({ name, offset, pairs }) =>
        h(
          'details',
          { class: 'event', open: events.length < 4 },
          h(
            'summary',
            {},
            h('span', { class: 'offset', title: exactText(offset), text: `+${durationText(offset)}` }),
            ' ',
            name,
          ),
          this.#pairs('', 'event.', pairs),
        ),
      ),
      linksOf('Links to', span.links?.to),
      linksOf('Linked from', span.links?.from),
      this.#pairs('Resource', 'resource.', pairsOf(read(span.resource)?.attributes)),
      this.#scope(span),
      this.#written(span),
    );
    this.onEvents(events.map(({ offset }) => offset));
    if (isBlock) heldUp(span.row, held);
    if (isBlock && app.about.hasSource) excerpt(span.row, place);
  }

  /** @param {Span} span  @param {string | undefined} message */
  #figures(span, message) {
    const { exact } = app.moment(span.start);
    const isError = span.status === 'error';
    return h(
      'dl',
      { class: 'figures' },
      h('dt', {}, 'Duration'),
      h(
        'dd',
        { title: exactText(span.duration) },
        durationText(span.duration),
        h('small', { text: ` ${exactText(span.duration)}` }),
      ),
      h('dt', {}, 'Start'),
      h('dd', { text: exact }),
      h('dt', {}, 'Kind'),
      h('dd', { text: span.kind }),
      h('dt', {}, 'Status'),
      h('dd', { class: isError ? 'error' : '', text: message ? `${span.status}: ${message}` : span.status }),
      span.marks.length > 0 && h('dt', {}, 'Odd'),
      span.marks.length > 0 && h('dd', { text: span.marks.join(', ') }),
      h('dt', {}, 'Span'),
      h(
        'dd',
        {},
        h('button', { class: 'id', type: 'button', title: 'Copy', onclick: () => copy(span.span, app.say) }, span.span),
      ),
    );
  }

  /** @param {Span} span */
  #scope(span) {
    const scope = read(span.scope);
    if (!scope?.name) return null;
    return [
      h('h3', {}, 'Scope'),
      h('p', { text: `${scope.name} ${scope.version ?? ''}` }),
      this.#pairs('', 'scope.', pairsOf(scope.attributes)),
    ].flat();
  }

  /** The bytes as they stand in the file. @param {Span} span */
  #written({ raw, file, offset, ordinal }) {
    const place = `${file}, line at byte ${countText(offset)}, span ${countText(ordinal + 1)}`;
    const text = h('pre', { tabindex: '0', 'aria-label': 'The span as written' });
    const details = h('details', {}, h('summary', {}, 'As written'), text);
    details.addEventListener('toggle', () => {
      if (details.open && raw !== undefined) fill(text, raw);
    });
    return [
      h('h3', {}, 'Written in'),
      h('p', { class: 'file', text: place }),
      raw !== undefined && details,
      raw !== undefined &&
        h('button', { class: 'fold', type: 'button', onclick: () => copy(raw, app.say) }, 'Copy the span'),
    ];
  }

  /** @param {string} title  @param {string} prefix of the key in a filter  @param {Pair[]} pairs */
  #pairs(title, prefix, pairs) {
    if (pairs.length === 0)
      return title === 'Attributes' ? [h('h3', { text: title }), h('p', { class: 'quiet' }, 'None.')] : [];
    const list = h('ul', { class: 'pairs' });
    const show = (/** @type {Pair[]} */ some) => list.append(...some.map((pair) => this.#pair(prefix, pair)));
    show(pairs.slice(0, MOST_PAIRS));
    const left = pairs.slice(MOST_PAIRS);
    const more = h('button', { class: 'fold', type: 'button' }, `${countText(left.length)} more`);
    more.addEventListener('click', () => {
      more.remove();
      show(left);
    });
    return [title !== '' && h('h3', { text: title }), list, left.length > 0 && more];
  }

  /** What can be done with a pair appears with the pointer or the focus: one set of buttons for all. @param {string} prefix  @param {Pair} pair */
  #pair(prefix, { key, value }) {
    const text = String(value);
    const row = h(
      'li',
      { class: text.length > WIDE_VALUE && 'long', tabindex: '0' },
      h('span', { class: 'key', text: key }),
      ' ',
      valueElement(text),
    );
    const show = () => {
      if (this.tools.parentElement === row) return;
      const added = attributeTerm(prefix + key, value);
      const tool = (/** @type {string} */ label, /** @type {string} */ title, /** @type {() => void} */ act) =>
        h('button', { type: 'button', title, onclick: act }, label);
      const filter = () =>
        app.go(routeTo('traces', { filter: withTerm(parseRoute(app.list).query.get('filter') ?? '', added) }));
      fill(
        this.tools,
        tool('key', 'Copy the key', () => copy(key, app.say)),
        tool('value', 'Copy the value', () => copy(String(value), app.say)),
        String(value).length <= 256 && tool('term', `Copy ${added}`, () => copy(added, app.say)),
        String(value).length <= 256 && tool('filter', `Traces with ${added}`, filter),
      );
      row.append(this.tools);
    };
    row.addEventListener('pointerenter', show);
    row.addEventListener('focusin', show);
    return row;
  }
}

/** @param {string | undefined} text  @returns {any} undefined if it is no JSON */
function read(text) {
  try {
    return text === undefined ? undefined : parseExact(text);
  } catch {
    return undefined;
  }
}

/** @param {any} event  @param {string} start of its span */
function eventOf(event, start) {
  const time = member(event, 'timeUnixNano');
  const isTime = /^\d+$/.test(String(time));
  return {
    name: String(event?.name ?? ''),
    offset: isTime ? Number(BigInt(time) - BigInt(start)) : 0,
    pairs: pairsOf(event?.attributes),
  };
}

/** Colour, service and name. @param {string} service  @param {string} name */
function named(service, name) {
  const swatch = h('i', { class: 'swatch' });
  swatch.style.background = colourOf(service);
  return [swatch, h('span', { class: 'service', text: service }), ' ', name];
}

/** @param {string} title  @param {Link[] | undefined} links */
function linksOf(title, links) {
  if (links === undefined || links.length === 0) return null;
  return [
    h('h3', { text: title }),
    h(
      'ul',
      { class: 'links' },
      links.map(({ trace, span, service, name }) => {
        const text = name === undefined ? `span ${span}, not in these files` : named(service ?? '', name);
        return h('li', {}, h('a', { href: traceRoute(trace, { span }) }, text));
      }),
    ),
  ];
}

/** What was open in the same process during a block. @param {number} row  @param {HTMLElement} place */
async function heldUp(row, place) {
  try {
    const { count, spans, ancestors } = await ask('held-up', { row });
    const line = (/** @type {any} */ one) =>
      h(
        'li',
        {},
        h('a', { href: traceRoute(one.trace, { span: one.span }) }, named(one.service, one.name)),
        h('span', { class: 'number', title: exactText(one.overlap), text: durationText(one.overlap) }),
      );
    fill(
      place,
      h('h3', {}, `Open in the same process meanwhile: ${counted(count, 'span')}`),
      spans.length > 0 && h('ul', { class: 'links' }, spans.map(line)),
      spans.length < count && h('p', { class: 'quiet' }, `The ${countText(spans.length)} that overlap most are shown.`),
      ancestors.length > 0 && h('h3', {}, 'The block happened in'),
      ancestors.length > 0 && h('ul', { class: 'links' }, ancestors.map(line)),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    fill(place, h('p', { class: 'quiet', text: error.message }));
  }
}

/** The lines of code around a block, where the command knows the sources; otherwise why not. @param {number} row  @param {HTMLElement} place */
export async function excerpt(row, place) {
  try {
    const { file, line, from, lines, isChangedSince } = await ask('source', { row });
    const one = (/** @type {string} */ text, /** @type {number} */ nth) => {
      const isHere = from + nth === line;
      return h('li', { class: isHere && 'here', 'aria-current': isHere && 'true' }, h('code', { text }));
    };
    fill(
      place,
      h('h3', {}, `${file}:${line}`, isChangedSince && h('em', {}, ' changed since')),
      h('ol', { start: from, tabindex: '0', 'aria-label': `Lines of ${file}` }, lines.map(one)),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    fill(place, error.status !== 0 && h('p', { class: 'quiet', text: error.message }));
  }
}
