// Owns the list of traces: its filter, sort and pages, the charts and facets above and beside it, and how news arrive:
// figures of rows in sight change in place, new rows wait behind a button.

import { ask, Failure, Latest } from './api.js';
import { app, colourOf } from './app.js';
import { Chart } from './chart.js';
import { h, setText } from './dom.js';
import { Facets } from './facets.js';
import { bytesText, counted, countText, durationText, exactText, offsetText, percent } from './figures.js';
import { withDurations, withTerm, withTimes } from './filter.js';
import { FilterBar } from './filter_bar.js';
import { routeTo, traceName, traceRoute } from './route.js';
import { Table } from './table.js';

/**
 * @import { News } from './api.js'
 * @import { Route } from './route.js'
 * @typedef {{ id: string, key: number, service: string, name: string, start: string, duration: number, spans: number, errors: number,
 *   services: string[], serviceCount: number, blocks: number, matched: number, marks: string[] }} Item
 */

const PAGE = 100;
/** News of a filter are asked for at most so often. */
const NEWS_MILLIS = 1_000;
const ID_OF_TRACE = /^[0-9a-f]{32}$/i;
const ID_OF_SPAN = /^[0-9a-f]{16}$/i;

export class TracesView {
  #list = new Latest();
  #overview = new Latest();
  #newest = new Latest();
  #state = { filter: '', sort: 'start', order: /** @type {'asc' | 'desc'} */ ('desc') };
  /** @type {string | undefined} */
  #cursor = undefined;
  #isLoading = false;
  #shownFor = '';
  #seenGeneration = -1;
  #newsTimer = 0;
  #longest = 1;

  constructor() {
    this.bar = new FilterBar({ onChange: (filter, isEntered) => this.#onFilter(filter, isEntered), hasExport: true });
    this.timeline = new Chart({
      title: 'Spans over time',
      what: 'Spans over time',
      onRange: (first, last) => this.#onTimes(first, last),
    });
    this.histogram = new Chart({
      title: 'Durations',
      what: 'Spans by duration',
      onRange: (first, last) => this.#onDurations(first, last),
    });
    this.facets = new Facets((term) => app.go(this.#address({ filter: withTerm(this.bar.value, term) })));
    this.news = h('button', { class: 'news', type: 'button', hidden: true, onclick: () => this.#load() });
    this.words = h('p', { class: 'words', hidden: true });
    /** @type {Table<Item>} */
    this.table = new Table({
      label: 'Traces',
      columns: columns(() => this.#longest),
      onSort: (sort) => app.go(this.#address({ sort, order: this.#otherOrder(sort) })),
      onOpen: (item) => app.go(traceRoute(traceName(item))),
      onEnd: () => this.#more(),
    });
    this.element = h(
      'section',
      { class: 'view traces' },
      this.bar.element,
      h('div', { class: 'charts' }, this.timeline.element, this.histogram.element),
      h(
        'div',
        { class: 'beside' },
        this.facets.element,
        h('div', { class: 'main' }, this.news, this.table.element, this.words),
      ),
    );
    this.actions = { ...this.table.actions, filter: () => this.bar.input.select() };
  }

  title() {
    return 'Traces';
  }

  /** @param {Route} route */
  show({ query }) {
    this.#state = {
      filter: query.get('filter') ?? '',
      sort: query.get('sort') ?? 'start',
      order: query.get('order') === 'asc' ? 'asc' : 'desc',
    };
    this.bar.setValue(this.#state.filter);
    this.table.setSort(this.#state.sort, this.#state.order);
    app.list = this.#address({});
    const wanted = JSON.stringify(this.#state);
    // Back from a trace, the list is as it was left.
    if (wanted === this.#shownFor) {
      this.table.grid.scrollTo(this.table.grid.top);
      if (app.news) this.onNews(app.news);
    } else this.#load();
  }

  retry() {
    this.#load();
  }

  /** @param {News} news */
  onNews(news) {
    if (news.generation === this.#seenGeneration) return;
    this.#sayNothing();
    if (this.#newsTimer !== 0) return;
    this.#newsTimer = window.setTimeout(() => {
      this.#newsTimer = 0;
      if (this.element.isConnected) this.#lookForNews();
    }, NEWS_MILLIS);
  }

  /** @param {Partial<{ filter: string, sort: string, order: string }>} changes */
  #address(changes) {
    const { filter, sort, order } = { ...this.#state, filter: this.bar.value, ...changes };
    return routeTo('traces', { filter, sort: sort === 'start' ? '' : sort, order: order === 'desc' ? '' : order });
  }

  /** @param {string} sort */
  #otherOrder(sort) {
    if (sort !== this.#state.sort) return sort === 'name' ? 'asc' : 'desc';
    return this.#state.order === 'desc' ? 'asc' : 'desc';
  }

  /** @param {string} filter  @param {boolean} isEntered */
  async #onFilter(filter, isEntered) {
    if (isEntered && ID_OF_TRACE.test(filter)) return app.go(traceRoute(filter.toLowerCase()));
    if (isEntered && ID_OF_SPAN.test(filter)) {
      const { items } = await ask('traces', { filter, limit: 2 }).catch(() => ({ items: [] }));
      if (items.length === 1) return app.go(traceRoute(traceName(items[0]), { span: filter.toLowerCase() }));
    }
    const address = this.#address({ filter });
    if (isEntered) return app.go(address);
    app.replace(address);
    app.list = address;
    this.#state.filter = filter;
    return this.#load();
  }

  async #load() {
    const { filter, sort, order } = this.#state;
    const wanted = JSON.stringify(this.#state);
    this.#isLoading = true;
    try {
      const answer = await this.#list.ask((signal) => ask('traces', { filter, sort, order, limit: PAGE }, signal));
      if (answer === undefined) return;
      this.bar.setProblem();
      this.#shownFor = wanted;
      this.#seenGeneration = answer.generation;
      this.#cursor = answer.cursor;
      this.news.hidden = true;
      this.table.grid.selected = -1;
      this.#setItems(answer.items);
      this.table.grid.scrollTo(0);
      this.#summarize(answer);
      this.#isLoading = false;
      await this.#loadOverview(filter);
    } catch (error) {
      this.#isLoading = false;
      this.#fail(error);
    }
  }

  /** @param {string} filter */
  async #loadOverview(filter) {
    const answers = await this.#overview.ask((signal) =>
      Promise.all(['timeline', 'histogram', 'facets'].map((name) => ask(name, { filter }, signal))),
    );
    if (answers === undefined) return;
    const [timeline, histogram, facets] = answers;
    this.#drawTimeline(timeline);
    this.#drawHistogram(histogram);
    this.facets.draw(facets.keys);
  }

  /** The next page, as soon as the end of this one is near. */
  async #more() {
    if (this.#isLoading || this.#cursor === undefined) return;
    this.#isLoading = true;
    const { filter, sort, order } = this.#state;
    const cursor = this.#cursor;
    try {
      const answer = await this.#list.ask((signal) =>
        ask('traces', { filter, sort, order, limit: PAGE, cursor }, signal),
      );
      if (answer === undefined) return;
      this.#cursor = answer.cursor;
      const known = new Set(this.table.items.map(({ key }) => key));
      this.#isLoading = false;
      this.#setItems([...this.table.items, ...answer.items.filter((/** @type {Item} */ { key }) => !known.has(key))]);
    } catch (error) {
      this.#isLoading = false;
      // The program keeps the last orders only; an older list begins anew.
      if (error instanceof Failure && error.status === 409) this.#load();
      else this.#fail(error);
    }
  }

  /** What is shown is brought up to date where it is; what is new is counted. */
  async #lookForNews() {
    const { filter, sort, order } = this.#state;
    if (this.table.items.length === 0) return this.#load();
    try {
      const answer = await this.#newest.ask((signal) => ask('traces', { filter, sort, order, limit: PAGE }, signal));
      if (answer === undefined || JSON.stringify(this.#state) !== this.#shownFor) return;
      this.#seenGeneration = answer.generation;
      const places = new Map(this.table.items.map(({ key }, nth) => [key, nth]));
      let fresh = 0;
      for (const item of answer.items) {
        const nth = places.get(item.key);
        if (nth === undefined) fresh += 1;
        else this.table.items[nth] = item;
      }
      const isAll = fresh < answer.items.length;
      const count = isAll ? counted(fresh, 'new trace') : `${countText(fresh)} or more new traces`;
      setText(this.news, `${count} · show`);
      this.news.hidden = fresh === 0;
      this.table.grid.draw();
      this.#summarize(answer);
      await this.#loadOverview(filter);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {Item[]} items */
  #setItems(items) {
    this.#longest = Math.max(1, ...items.map(({ duration }) => duration));
    this.table.setItems(items);
    this.#sayNothing();
  }

  /** @param {{ traces: number, matchedSpans: number, notSearched: number }} answer */
  #summarize({ traces, matchedSpans, notSearched }) {
    const searched = notSearched > 0 ? `, ${counted(notSearched, 'span')} could not be searched` : '';
    const what = this.#state.filter === '' ? counted(matchedSpans, 'span') : `${counted(matchedSpans, 'span')} match`;
    this.element.classList.toggle('filtered', this.#state.filter !== '');
    setText(this.bar.result, `${counted(traces, 'trace')} · ${what}${searched}`);
  }

  /** An empty list has words for the reason. */
  #sayNothing() {
    const isEmpty = this.table.items.length === 0;
    this.words.hidden = !isEmpty;
    this.table.element.hidden = isEmpty;
    if (!isEmpty) return;
    const reading = app.news?.reading;
    const where = app.about.paths.join(', ');
    if (reading && !reading.isDone)
      setText(this.words, `The files are being read: ${percent(reading)} of ${bytesText(reading.totalBytes)}.`);
    else if (this.#state.filter !== '' && (app.news?.spans ?? 1) > 0)
      setText(this.words, 'Nothing matches this filter.');
    else if (app.about.isFollowing)
      setText(this.words, `No spans yet. This page waits for files in ${where}, written by FileSpanExporter.`);
    else setText(this.words, `There are no spans in ${where}.`);
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof Failure)) throw error;
    // The list stays as it was; a lost connection is told by the whole page.
    if (error.status !== 0 && error.status !== 401) this.bar.setProblem(error);
  }

  /** @param {{ from: string, to: string, buckets: { count: number, errors: number, longest: number, blocks: number }[] }} answer */
  #drawTimeline({ from, to, buckets }) {
    const start = BigInt(from);
    const width = (BigInt(to) - start) / BigInt(Math.max(1, buckets.length));
    this.times = { start, width };
    const bars = buckets.map(({ count, errors, longest, blocks }, nth) => ({
      count,
      errors,
      mark: blocks > 0,
      label: [
        app.moment(start + width * BigInt(nth)).time,
        counted(count, 'span'),
        errors > 0 && counted(errors, 'error'),
        count > 0 && `longest ${durationText(longest)}`,
        blocks > 0 && `event loop blocked ${countText(blocks)} times`,
      ]
        .filter(Boolean)
        .join(' · '),
    }));
    const total =
      sum(buckets, 'count') === 0
        ? 'no spans'
        : `${counted(sum(buckets, 'errors'), 'error')}, ${counted(sum(buckets, 'blocks'), 'block')}`;
    const ends = [start, BigInt(to)].map((at) => (at === 0n ? '' : clock(at)));
    this.timeline.draw(bars, ends[0], ends[1], total);
  }

  /** @param {{ buckets: { from: number, to: number, count: number, errors: number }[] }} answer */
  #drawHistogram({ buckets }) {
    this.durations = buckets;
    const bars = buckets.map(({ from, to, count, errors }) => ({
      count,
      errors,
      label: `${durationText(from)} to ${durationText(to)} · ${counted(count, 'span')}${errors > 0 ? ` · ${counted(errors, 'error')}` : ''}`,
    }));
    const [first, last] = [buckets[0], buckets.at(-1)];
    const ends = first && last ? [durationText(first.from), durationText(last.to)] : ['', ''];
    this.histogram.draw(
      bars,
      ends[0],
      ends[1],
      first ? `${counted(sum(buckets, 'count'), 'span')}, logarithmic` : 'no spans',
    );
  }

  /** @param {number} first  @param {number} last */
  #onTimes(first, last) {
    if (!this.times) return;
    const { start, width } = this.times;
    const filter = withTimes(this.bar.value, start + width * BigInt(first), start + width * BigInt(last + 1));
    app.go(this.#address({ filter }));
  }

  /** @param {number} first  @param {number} last */
  #onDurations(first, last) {
    if (!this.durations) return;
    app.go(
      this.#address({ filter: withDurations(this.bar.value, this.durations[first].from, this.durations[last].to) }),
    );
  }
}

/** @param {Record<string, any>[]} list  @param {string} name */
const sum = (list, name) => list.reduce((total, one) => total + one[name], 0);

/** @param {bigint} nanos */
function clock(nanos) {
  const { date, time } = app.moment(nanos);
  return `${date} ${time.slice(0, -4)}`;
}

/** @param {() => number} longest  @returns {import('./table.js').Column<Item>[]} */
function columns(longest) {
  const zone = app.about.isUtc ? 'UTC' : `UTC${offsetText(-new Date().getTimezoneOffset())}`;
  const number = (/** @type {HTMLElement} */ cell, /** @type {number} */ count) =>
    setText(cell, count === 0 ? '' : countText(count));
  return [
    {
      name: 'start',
      label: 'Start',
      sort: 'start',
      hint: `Start of the trace, ${zone}`,
      draw: (cell, { start }) => {
        const { date, time, exact } = app.moment(start);
        setText(cell, `${date.slice(5)} ${time}`);
        cell.title = exact;
      },
    },
    {
      name: 'name',
      label: 'Trace',
      sort: 'name',
      hint: 'Service and operation of the first span',
      make: () => [
        h('i', { class: 'swatch' }),
        h('span', { class: 'service' }),
        h('span', { class: 'operation' }),
        h('em'),
      ],
      draw: (cell, { service, name, marks, id }) => {
        const [swatch, first, second, mark] = /** @type {HTMLElement[]} */ ([...cell.children]);
        swatch.style.background = colourOf(service);
        setText(first, service);
        setText(second, name);
        setText(mark, marks.join(' · '));
        cell.title = `${service} ${name}\ntrace ${id === '' ? 'without an id' : id}`;
      },
    },
    {
      name: 'duration',
      label: 'Duration',
      isNumber: true,
      sort: 'duration',
      make: () => [h('b'), h('span')],
      draw: (cell, { duration }) => {
        const [bar, text] = /** @type {HTMLElement[]} */ ([...cell.children]);
        bar.style.width = `${Math.max(1, (duration / longest()) * 100)}%`;
        setText(text, durationText(duration));
        cell.title = exactText(duration);
      },
    },
    { name: 'spans', label: 'Spans', isNumber: true, sort: 'spans', draw: (cell, { spans }) => number(cell, spans) },
    {
      name: 'matched',
      label: 'Match',
      isNumber: true,
      hint: 'Spans of the trace that meet the filter',
      draw: (cell, { matched }) => number(cell, matched),
    },
    {
      name: 'errors',
      label: 'Errors',
      isNumber: true,
      sort: 'errors',
      draw: (cell, { errors }) => number(cell, errors),
    },
    {
      name: 'blocks',
      label: 'Blocks',
      isNumber: true,
      hint: 'Blocks of the event loop in this trace',
      draw: (cell, { blocks }) => number(cell, blocks),
    },
    {
      name: 'services',
      label: 'Services',
      draw: (cell, { services, serviceCount }) => {
        const more = serviceCount > services.length ? ` +${serviceCount - services.length}` : '';
        setText(cell, services.join(', ') + more);
        cell.title = services.join(', ');
      },
    },
  ];
}
