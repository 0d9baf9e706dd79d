// Owns the view of one trace: loading its tree piece by piece, what is selected, zoomed, found and followed, and the address
// that says so.

import { ask, askSkeleton, Failure, Latest } from './api.js';
import { app } from './app.js';
import { Details } from './details.js';
import { button, copy, fill, h, setAttribute, setText } from './dom.js';
import { counted, countText, durationText, exactText } from './figures.js';
import { exportMenu } from './filter_bar.js';
import { Minimap } from './minimap.js';
import { traceRoute } from './route.js';
import { FLAG, NO_ROW, Skeleton } from './skeleton.js';
import { VisibleList } from './visible.js';
import { Waterfall } from './waterfall.js';
import { around, inside, moved, scaled } from './zoom.js';

/**
 * @import { News } from './api.js'
 * @import { Route } from './route.js'
 * @import { Band } from './waterfall.js'
 * @import { Range } from './zoom.js'
 */

/** While a key is held down, not every span on the way is asked for. */
const PAUSE_MILLIS = 90;
const ZOOM_STEP = 0.5;
const PAN_STEP = 0.25;

export class TraceView {
  #id = '';
  /** @type {Skeleton | undefined} */
  #skeleton = undefined;
  /** @type {VisibleList | undefined} */
  #list = undefined;
  #loading = new Latest();
  #finding = new Latest();
  /** @type {Range} */
  #range = { from: 0, to: 1 };
  /** @type {number[]} */
  #found = [];
  #isCritical = false;
  #span = '';
  #timer = 0;

  constructor() {
    this.details = new Details({
      onClose: () => this.#close(),
      onEvents: (offsets) => this.#setEvents(offsets),
    });
    this.minimap = new Minimap((range) => this.#zoom(range));
    this.waterfall = new Waterfall({
      onSelect: (index, isByUser) => this.#onSelect(index, isByUser),
      onToggle: (index) => this.#toggle(index),
      onZoom: (range) => this.#zoom(range),
      onScale: (factor, centre) => this.#zoom(scaled(this.#range, factor, centre, this.#total)),
      onMove: (by) => this.#zoom(moved(this.#range, by, this.#total)),
      onBand: (band) => this.#showBand(band),
      onOpen: (index) => this.#toggle(index),
    });
    this.back = h('a', { class: 'back', href: '#/traces' }, '← Traces');
    this.heading = h('h1');
    this.figures = h('p', { class: 'figures' });
    this.news = h('button', { class: 'news', type: 'button', hidden: true, onclick: () => this.#again() });
    this.words = h('p', { class: 'words', hidden: true });
    this.find = h('input', {
      type: 'search',
      'aria-label': 'Find in this trace',
      placeholder: 'Find in this trace',
      size: '18',
      spellcheck: 'false',
    });
    this.foundText = h('span', { class: 'count', role: 'status' });
    const { tools, errors, blocks, critical, grouping } = this.#tools();
    this.errors = errors;
    this.blocks = blocks;
    this.critical = critical;
    this.grouping = grouping;
    this.element = h(
      'section',
      { class: 'view trace' },
      h('div', { class: 'title' }, this.back, this.heading, this.figures),
      tools,
      this.minimap.element,
      h(
        'div',
        { class: 'beside' },
        h('div', { class: 'main' }, this.news, this.waterfall.element, this.words),
        this.details.element,
      ),
    );
    /** @type {Record<string, () => void>} */
    this.actions = this.#actions();
    this.find.addEventListener('search', () => this.#search());
    this.find.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#enterFind(event.shiftKey ? -1 : 1);
    });
  }

  #tools() {
    const act = (/** @type {string} */ name) => () => this.actions[name]();
    const step = (/** @type {string} */ label, /** @type {string} */ title, /** @type {string} */ name) =>
      button(label, act(name), { title });
    const errors = h('span', { class: 'steps', hidden: true });
    const blocks = h('span', { class: 'steps', hidden: true });
    fill(
      errors,
      h('span', { class: 'count' }),
      step('‹', 'Error before (E)', 'previousError'),
      step('›', 'Next error (e)', 'nextError'),
    );
    fill(
      blocks,
      h('span', { class: 'count' }),
      step('‹', 'Block before (B)', 'previousBlock'),
      step('›', 'Next block (b)', 'nextBlock'),
    );
    const critical = button('Critical path', act('critical'), {
      title: 'What the trace waited for (c)',
      'aria-pressed': 'false',
    });
    const grouping = button('Group', act('grouping'), {
      title: 'Equal siblings in one line (g)',
      'aria-pressed': 'true',
    });
    const tools = h(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': 'Trace' },
      h(
        'span',
        { class: 'steps' },
        this.find,
        step('‹', 'Span found before (N)', 'previousFound'),
        step('›', 'Next span found (n)', 'nextFound'),
        this.foundText,
      ),
      errors,
      blocks,
      critical,
      grouping,
      step('Collapse', 'Collapse everything, or expand it (x)', 'collapseAll'),
      h(
        'span',
        { class: 'steps' },
        step('−', 'Zoom out (−)', 'zoomOut'),
        step('+', 'Zoom in (+)', 'zoomIn'),
        step('Fit', 'The whole trace (0)', 'zoomAll'),
        step('Span', 'Zoom to the selected span (z)', 'zoomSpan'),
      ),
      exportMenu(() => ({ trace: this.#id })),
    );
    return { tools, errors, blocks, critical, grouping };
  }

  #actions() {
    const grid = this.waterfall.grid;
    const by = (/** @type {number} */ step) => grid.select(Math.max(0, grid.selected + step));
    return {
      down: () => by(1),
      up: () => by(-1),
      pageDown: () => by(grid.page),
      pageUp: () => by(-grid.page),
      home: () => grid.select(0),
      end: () => grid.select(grid.count - 1),
      left: () => this.#left(),
      right: () => this.#right(),
      open: () => this.#open(),
      filter: () => {
        addEventListener('hashchange', () => document.querySelector('input')?.focus(), { once: true });
        app.go(app.list);
      },
      find: () => this.find.select(),
      nextFound: () => this.#goFound(1),
      previousFound: () => this.#goFound(-1),
      nextError: () => this.#goFlag(1, FLAG.error),
      previousError: () => this.#goFlag(-1, FLAG.error),
      nextBlock: () => this.#goBand(1),
      previousBlock: () => this.#goBand(-1),
      critical: () => this.#toggleCritical(),
      grouping: () => this.#toggleGrouping(),
      collapseAll: () => this.#collapseAll(),
      zoomIn: () => this.#zoom(scaled(this.#range, ZOOM_STEP, this.#centre, this.#total)),
      zoomOut: () => this.#zoom(scaled(this.#range, 1 / ZOOM_STEP, this.#centre, this.#total)),
      zoomAll: () => this.#zoom({ from: 0, to: this.#total }),
      zoomSpan: () => this.#zoomSpan(),
      panLeft: () => this.#zoom(moved(this.#range, -PAN_STEP * (this.#range.to - this.#range.from), this.#total)),
      panRight: () => this.#zoom(moved(this.#range, PAN_STEP * (this.#range.to - this.#range.from), this.#total)),
      escape: () => (this.details.element.hidden ? app.go(app.list) : this.#close()),
    };
  }

  title() {
    return this.heading.textContent || 'Trace';
  }

  /** @param {Route} route */
  show({ id, query }) {
    this.back.href = app.list;
    const span = query.get('span') ?? '';
    if (id !== this.#id) this.#load(id, query);
    else if (span !== '' && span !== this.#span) this.#selectSpan(span);
    else if (this.#skeleton) this.waterfall.grid.scrollTo(this.waterfall.grid.top);
  }

  leave() {
    this.#finding.cancel();
  }

  retry() {
    if (!this.#skeleton?.isComplete) this.#load(this.#id, new URLSearchParams(location.hash.split('?')[1]));
  }

  /** @param {News} news */
  async onNews({ changed, changedCount }) {
    const isMaybe = changed.includes(this.#id) || changedCount > changed.length || this.#id.startsWith('key:');
    const skeleton = this.#skeleton;
    if (!isMaybe || skeleton === undefined || !skeleton.isComplete || this.#id.startsWith('key:')) return;
    const { items } = await ask('traces', { filter: `trace=${this.#id}`, limit: 1 }).catch(() => ({ items: [] }));
    const more = (items[0]?.spans ?? 0) - skeleton.spans;
    if (skeleton !== this.#skeleton || more <= 0) return;
    setText(this.news, `${counted(more, 'new span')} · show`);
    this.news.hidden = false;
  }

  get #total() {
    return Math.max(1, this.#skeleton?.traceDuration ?? 1);
  }

  /** The middle of the selected span if it is in sight, else of the range. */
  get #centre() {
    const { from, to } = this.#range;
    const position = this.#position;
    if (position < 0 || !this.#skeleton) return (from + to) / 2;
    const middle = this.#skeleton.startOf(position) + this.#skeleton.durationOf(position) / 2;
    return middle >= from && middle <= to ? middle : (from + to) / 2;
  }

  /** The selected row; -1 without one. */
  get #position() {
    const { selected } = this.waterfall.grid;
    return selected < 0 || !this.#list || selected >= this.#list.length ? -1 : this.#list.at(selected).position;
  }

  /** @param {string} id  @param {URLSearchParams} query */
  async #load(id, query) {
    this.#id = id;
    this.#span = query.get('span') ?? '';
    this.#found = [];
    this.#isCritical = false;
    this.details.element.hidden = true;
    this.news.hidden = true;
    this.find.value = '';
    setText(this.foundText, '');
    setAttribute(this.critical, 'aria-pressed', 'false');
    try {
      await this.#loading.ask((signal) =>
        this.#fetch(id, signal, () => {
          const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
          this.#range = inside(to > from ? { from, to } : { from: 0, to: this.#total }, this.#total);
          this.waterfall.grid.selected = query.has('span') ? -1 : 0;
          this.waterfall.grid.top = 0;
        }),
      );
      const span = query.get('span');
      if (span !== null) await this.#selectSpan(span);
      this.waterfall.grid.draw();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * All pieces of the tree; begins anew if the tree changes meanwhile.
   * @param {string} trace
   * @param {AbortSignal} signal
   * @param {() => void} onFirst before the first rows are drawn
   */
  async #fetch(trace, signal, onFirst) {
    for (;;) {
      const skeleton = new Skeleton(await askSkeleton({ trace, from: 0 }, signal));
      if (signal.aborted) return;
      const list = new VisibleList(skeleton);
      list.isGrouping = this.grouping.getAttribute('aria-pressed') === 'true';
      list.build();
      this.#skeleton = skeleton;
      this.#list = list;
      this.waterfall.setTrace(skeleton, list);
      onFirst();
      this.#drawHead();
      this.#drawRows();
      try {
        while (!skeleton.isComplete) {
          const piece = await askSkeleton({ trace, from: skeleton.length, generation: skeleton.generation }, signal);
          if (signal.aborted) return;
          skeleton.add(piece);
          list.build();
          this.#drawRows();
        }
        this.#drawHead();
        await this.#loadBands(trace, skeleton, signal);
        return;
      } catch (error) {
        if (!(error instanceof Failure) || error.status !== 409) throw error;
      }
    }
  }

  /** @param {string} trace  @param {Skeleton} skeleton  @param {AbortSignal} signal */
  async #loadBands(trace, skeleton, signal) {
    const { bands } = await ask('bands', { trace, generation: skeleton.generation }, signal);
    if (signal.aborted) return;
    this.waterfall.setBands(bands.toSorted((/** @type {Band} */ a, /** @type {Band} */ b) => a.start - b.start));
    this.blocks.hidden = bands.length === 0;
    setText(/** @type {Element} */ (this.blocks.firstElementChild), counted(bands.length, 'block'));
  }

  #drawRows() {
    this.words.hidden = true;
    this.waterfall.element.hidden = false;
    this.minimap.skeleton = this.#skeleton;
    this.minimap.redraw();
    this.waterfall.setRows();
    this.#zoom(this.#range);
  }

  #drawHead() {
    const skeleton = this.#skeleton;
    if (!skeleton) return;
    const root = skeleton.has(0, FLAG.missingParent) && skeleton.length > 1 ? 1 : 0;
    fill(this.heading, h('span', { class: 'service', text: skeleton.serviceOf(root) }), ' ', skeleton.nameOf(root));
    document.title = `${this.title()} · offloop`;
    const errors = skeleton.countWith(FLAG.error);
    const services = new Set(skeleton.resources.map(({ service }) => service)).size;
    const { exact } = app.moment(skeleton.traceStart);
    const isCut = skeleton.total < skeleton.spans;
    fill(
      this.figures,
      h('b', { title: exactText(skeleton.traceDuration), text: durationText(skeleton.traceDuration) }),
      ` · ${counted(skeleton.spans, 'span')} · ${counted(services, 'service')} · ${exact.replace('T', ' ').replace(/(\.\d{3})\d*/, '$1')} · `,
      h(
        'button',
        { class: 'id', type: 'button', title: 'Copy the id', onclick: () => copy(this.#id, app.say) },
        this.#id,
      ),
      isCut && h('strong', {}, ` The first ${countText(skeleton.total)} spans are shown.`),
    );
    this.errors.hidden = errors === 0;
    setText(/** @type {Element} */ (this.errors.firstElementChild), counted(errors, 'error'));
  }

  /** The tree of now in the place of the one that is shown: what is selected, collapsed and in sight stays. */
  async #again() {
    const [before, list] = [this.#skeleton, this.#list];
    const { grid } = this.waterfall;
    if (!before || !list) return;
    const rowOf = (/** @type {number} */ index) =>
      index < 0 || index >= list.length ? NO_ROW : before.row[list.at(index).position];
    const [selected, first] = [rowOf(grid.selected), rowOf(Math.ceil(grid.top / grid.options.rowHeight))];
    const rest = Math.ceil(grid.top / grid.options.rowHeight) * grid.options.rowHeight - grid.top;
    const collapsed = new Set(before.row.filter((_, at) => list.collapsed[at] === 1));
    const opened = new Set([...list.opened].map((at) => before.row[at]));
    const isWhole = this.#range.from <= 0 && this.#range.to >= this.#total;
    this.news.hidden = true;
    try {
      await this.#loading.ask((signal) =>
        this.#fetch(this.#id, signal, () => {
          const by = Number(before.traceStart - (this.#skeleton?.traceStart ?? before.traceStart));
          this.#range = isWhole
            ? { from: 0, to: this.#total }
            : inside({ from: this.#range.from + by, to: this.#range.to + by }, this.#total);
        }),
      );
      const [skeleton, now] = [this.#skeleton, this.#list];
      if (!skeleton || !now || skeleton === before) return;
      for (let at = 0; at < skeleton.length; at++) {
        if (collapsed.has(skeleton.row[at])) now.collapsed[at] = 1;
        if (opened.has(skeleton.row[at])) now.opened.add(at);
      }
      now.build();
      grid.selected = selected === NO_ROW ? -1 : now.indexOf(skeleton.positionOf(selected));
      this.waterfall.setRows();
      const at = first === NO_ROW ? -1 : skeleton.positionOf(first);
      if (at >= 0) grid.scrollTo(now.indexOf(at) * grid.options.rowHeight - rest);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof Failure)) {
      const isOurs = error instanceof Error && !(error instanceof DOMException);
      if (!isOurs) throw error;
    }
    if (error instanceof Failure && (error.status === 0 || error.status === 401)) return;
    const text =
      error instanceof Failure && error.status === 404
        ? `The trace ${this.#id} is not in these files.`
        : /** @type {Error} */ (error).message;
    this.words.hidden = false;
    this.waterfall.element.hidden = true;
    setText(this.words, text);
  }

  /** @param {Range} range */
  #zoom(range) {
    this.#range = inside(range, this.#total);
    this.waterfall.range = this.#range;
    this.waterfall.redraw();
    this.minimap.setRange(this.#range);
    this.#writeAddress();
  }

  #zoomSpan() {
    const position = this.#position;
    if (position >= 0 && this.#skeleton)
      this.#zoom(around(this.#skeleton.startOf(position), this.#skeleton.durationOf(position), this.#total));
  }

  #writeAddress() {
    if (!location.hash.startsWith('#/trace/')) return;
    const isWhole = this.#range.from <= 0 && this.#range.to >= this.#total;
    const zoom = isWhole ? {} : { from: Math.round(this.#range.from), to: Math.round(this.#range.to) };
    app.replace(traceRoute(this.#id, { span: this.#span, ...zoom }));
  }

  /** @param {number} index  @param {boolean} isByUser */
  #onSelect(index, isByUser) {
    clearTimeout(this.#timer);
    this.#setEvents([]);
    const { band } = this.waterfall;
    this.waterfall.band = undefined;
    if (band) this.waterfall.redraw();
    if (index < 0) return;
    if (isByUser) this.details.element.hidden = false;
    this.#timer = window.setTimeout(() => this.#showDetails(), PAUSE_MILLIS);
  }

  async #showDetails() {
    const { selected } = this.waterfall.grid;
    if (!this.#list || !this.#skeleton || selected < 0) return;
    const { position, group } = this.#list.at(selected);
    const row = this.waterfall.rowOf(position);
    if (group > 0) {
      const { total, longest, errors } = this.#list.groupFigures(position);
      const name = `${this.#skeleton.serviceOf(position)} ${this.#skeleton.nameOf(position)}`;
      this.details.showWords(
        name,
        `${counted(group, 'span')} next to each other, ${durationText(total)} in all, the longest ${durationText(longest)}, ${counted(errors, 'error')}.`,
        'Press → to see each of them.',
      );
      return;
    }
    if (row === undefined) {
      this.details.showWords(
        'A parent that is missing',
        `The span ${this.#skeleton.nameOf(position)} is not in these files. The spans below name it as their parent.`,
      );
      return;
    }
    const span = await this.details.show(row);
    if (span === undefined || this.#position !== position) return;
    this.#span = span.span;
    this.#writeAddress();
  }

  /** The offsets are those since the start of the selected span. @param {number[]} offsets */
  #setEvents(offsets) {
    const start = this.#position < 0 ? 0 : (this.#skeleton?.startOf(this.#position) ?? 0);
    this.waterfall.events = offsets.map((offset) => start + offset);
    this.waterfall.grid.draw();
  }

  #open() {
    if (this.waterfall.grid.selected < 0) return this.waterfall.grid.select(0);
    this.details.element.hidden = false;
    this.details.element.focus({ preventScroll: true });
    return this.#showDetails();
  }

  #close() {
    this.details.element.hidden = true;
    this.waterfall.element.focus({ preventScroll: true });
  }

  /** The span of the address. @param {string} id */
  async #selectSpan(id) {
    const [trace, skeleton] = [this.#id, this.#skeleton];
    if (!skeleton) return;
    const { positions } = await ask('find', { trace, text: id, generation: skeleton.generation });
    if (skeleton !== this.#skeleton) return;
    for (const position of positions.slice(0, 20)) {
      const row = this.waterfall.rowOf(position);
      if (row === undefined || (await ask('span', { row })).span !== id) continue;
      if (skeleton !== this.#skeleton) return;
      this.#span = id;
      this.#select(position);
      return;
    }
    app.say(`The span ${id} is not in this trace.`);
  }

  /** Opens what hides a row, and selects it. @param {number} position */
  #select(position) {
    if (!this.#list) return;
    const index = this.#list.reveal(position);
    this.waterfall.setRows();
    this.waterfall.grid.select(index);
  }

  /** @param {number} index */
  #toggle(index) {
    const list = this.#list;
    if (!list) return;
    const { grid } = this.waterfall;
    const selected = this.#position;
    if (!list.set(index, !list.at(index).isOpen)) return;
    this.waterfall.setRows();
    if (selected >= 0) grid.selected = grid.selected <= index ? grid.selected : list.indexOf(selected);
    grid.draw();
  }

  #left() {
    const { grid } = this.waterfall;
    const list = this.#list;
    if (!list || grid.selected < 0) return;
    const { position, isOpen, hasChildren } = list.at(grid.selected);
    if (hasChildren && isOpen) return this.#toggle(grid.selected);
    const group = list.groupOf(position);
    const parent = this.#skeleton?.parentOf(position) ?? -1;
    if (group >= 0) return grid.select(list.indexOf(group) - (list.at(list.indexOf(group)).group > 0 ? 0 : 1));
    if (parent >= 0) grid.select(list.indexOf(parent));
  }

  #right() {
    const { grid } = this.waterfall;
    if (!this.#list || grid.selected < 0) return;
    const { isOpen, hasChildren } = this.#list.at(grid.selected);
    if (!hasChildren) return;
    if (isOpen) grid.select(grid.selected + 1);
    else this.#toggle(grid.selected);
  }

  /** @param {number} step  @param {number} flag */
  #goFlag(step, flag) {
    const at = this.#skeleton?.nextWith(this.#position < 0 && step > 0 ? -1 : this.#position, step, flag) ?? -1;
    if (at < 0) app.say('There is none in this trace.');
    else this.#select(at);
  }

  /** @param {number} step */
  #goBand(step) {
    const { bands, band } = this.waterfall;
    if (bands.length === 0)
      return app.say('The event loop was not blocked during this trace, as far as these files say.');
    const at = band ? bands.indexOf(band) + step : step > 0 ? 0 : bands.length - 1;
    this.#showBand(bands[(at + bands.length) % bands.length]);
  }

  /** @param {Band} band */
  async #showBand(band) {
    const skeleton = this.#skeleton;
    if (!skeleton) return;
    const { from, to } = this.#range;
    if (band.start > to || band.start + band.duration < from)
      this.#zoom(moved(this.#range, band.start + band.duration / 2 - (from + to) / 2, this.#total));
    const own = band.trace === this.#id ? skeleton.positionOf(band.row) : -1;
    const first = own >= 0 ? own : skeleton.resource.subarray(0, skeleton.length).indexOf(band.resource);
    if (first >= 0) this.#select(first);
    clearTimeout(this.#timer);
    this.waterfall.band = band;
    this.waterfall.redraw();
    this.details.element.hidden = false;
    await this.details.show(band.row);
  }

  #enterFind(/** @type {number} */ step) {
    if (this.#found.length > 0 && this.find.dataset.found === this.find.value.trim()) this.#goFound(step);
    else this.#search();
  }

  async #search() {
    const text = this.find.value.trim();
    this.find.dataset.found = text;
    const skeleton = this.#skeleton;
    if (text === '' || !skeleton) return this.#setFound([], 0);
    try {
      const answer = await this.#finding.ask((signal) =>
        ask('find', { trace: this.#id, text, generation: skeleton.generation }, signal),
      );
      if (answer === undefined || skeleton !== this.#skeleton) return;
      this.#setFound(answer.positions, answer.count);
      this.#goFound(1);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setText(this.foundText, error.message);
    }
  }

  /** @param {number[]} positions  @param {number} count */
  #setFound(positions, count) {
    this.#found = positions;
    this.waterfall.found = new Set(positions);
    setText(this.foundText, this.find.value.trim() === '' ? '' : count === 0 ? 'none' : countText(count));
    this.waterfall.redraw();
  }

  /** @param {number} step */
  #goFound(step) {
    const found = this.#found;
    if (found.length === 0) return;
    const position = this.#position;
    const next = step > 0 ? found.findIndex((at) => at > position) : found.findLastIndex((at) => at < position);
    const nth = next >= 0 ? next : step > 0 ? 0 : found.length - 1;
    setText(this.foundText, `${countText(nth + 1)} of ${countText(found.length)}`);
    this.#select(found[nth]);
  }

  async #toggleCritical() {
    const skeleton = this.#skeleton;
    if (!skeleton) return;
    this.#isCritical = !this.#isCritical;
    setAttribute(this.critical, 'aria-pressed', String(this.#isCritical));
    this.waterfall.path = new Map();
    if (this.#isCritical) {
      try {
        const { roots, error } = await ask('critical-path', { trace: this.#id, generation: skeleton.generation });
        if (error !== undefined) throw new Failure(200, error);
        for (const { pieces } of roots) {
          for (const [position, start, duration] of pieces) {
            const list = this.waterfall.path.get(position);
            if (list) list.push([start, duration]);
            else this.waterfall.path.set(position, [[start, duration]]);
          }
        }
        app.say(`The critical path goes through ${counted(this.waterfall.path.size, 'span')}.`);
      } catch (error) {
        this.#isCritical = false;
        setAttribute(this.critical, 'aria-pressed', 'false');
        app.say(`The critical path cannot be shown: ${error instanceof Error ? error.message : error}`);
      }
    }
    this.waterfall.redraw();
  }

  #toggleGrouping() {
    const list = this.#list;
    if (!list) return;
    const position = this.#position;
    list.setGrouping(!list.isGrouping);
    setAttribute(this.grouping, 'aria-pressed', String(list.isGrouping));
    this.waterfall.setRows();
    if (position >= 0) this.waterfall.grid.select(list.indexOf(position), false);
  }

  #collapseAll() {
    const list = this.#list;
    if (!list) return;
    const isOpen = list.collapsed.some((one) => one === 1);
    const position = this.#position;
    list.setAll(isOpen);
    this.waterfall.setRows();
    if (position >= 0) this.waterfall.grid.select(list.indexOf(position), false);
  }
}
