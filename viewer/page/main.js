// Owns the frame of the page: the token, which view the address asks for, the keys, and the words about the connection.

import { ask, Failure, follow, signIn } from './api.js';
import { app } from './app.js';
import { BlocksView } from './blocks.js';
import { fill, h, setAttribute, setText } from './dom.js';
import { bytesText, counted, countText, percent } from './figures.js';
import { FilesView } from './files.js';
import { handleKey, showHelp } from './keys.js';
import { OperationsView } from './operations.js';
import { parseRoute } from './route.js';
import { TracesView } from './traces.js';
import { TraceView } from './trace.js';

/**
 * @import { View } from './app.js'
 * @import { News } from './api.js'
 */

const NEWS_SHOWN_MILLIS = 4_000;
const place = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const [main, state, notice, said] = ['main', 'state', 'notice', 'said'].map(place);
const dialog = /** @type {HTMLDialogElement} */ (place('keys'));

/** @type {Record<string, () => View>} */
const MAKERS = {
  traces: () => new TracesView(),
  operations: () => new OperationsView(),
  blocks: () => new BlocksView(),
  files: () => new FilesView(),
  trace: () => new TraceView(),
};
/** @type {Map<string, View>} views that were opened, as they were left */
const views = new Map();
/** @type {View | undefined} */
let view;
let isLost = false;

function route() {
  const asked = parseRoute(location.hash);
  let next = views.get(asked.view);
  if (next === undefined) {
    next = MAKERS[asked.view]();
    views.set(asked.view, next);
  }
  if (next !== view) {
    view?.leave?.();
    view = next;
    fill(main, view.element);
    if (document.activeElement === document.body || document.activeElement === null)
      main.focus({ preventScroll: true });
  }
  for (const link of document.querySelectorAll('nav a'))
    setAttribute(link, 'aria-current', link.getAttribute('href') === `#/${asked.view}` ? 'page' : undefined);
  view.show(asked);
  document.title = `${view.title()} · offloop`;
}

/** @param {News} news */
function onNews(news) {
  app.news = news;
  const { reading, spans, traces } = news;
  const doing = !reading.isDone
    ? `reading ${percent(reading)} of ${bytesText(reading.totalBytes)}`
    : app.about.isFollowing
      ? 'following'
      : 'read once';
  state.dataset.state = reading.isDone ? 'done' : 'reading';
  setText(state, `${counted(traces, 'trace')} · ${countText(spans)} spans · ${doing}`);
  view?.onNews?.(news);
}

/** @param {Failure | undefined} failure */
function onState(failure) {
  if (failure === undefined) {
    if (isLost) view?.retry();
    isLost = false;
    notice.hidden = true;
    return;
  }
  isLost = true;
  notice.hidden = false;
  setText(
    notice,
    failure.status === 401
      ? failure.message
      : `The connection is lost: ${failure.message} This page tries again, and keeps what it shows.`,
  );
}

function listen() {
  addEventListener('hashchange', () => {
    // Somebody has put the address of a later run into this tab.
    if (/^#(token|code)=/.test(location.hash)) location.reload();
    else route();
  });
  const actions = () => ({ help: () => showHelp(dialog, { ...view?.actions, help: () => {} }), ...view?.actions });
  addEventListener('keydown', (event) => handleKey(event, actions()));
  place('help').addEventListener('click', () => actions().help());
  let timer = 0;
  new MutationObserver(() => {
    clearTimeout(timer);
    if (said.textContent !== '') timer = window.setTimeout(() => fill(said), NEWS_SHOWN_MILLIS);
  }).observe(said, { childList: true });
}

async function start() {
  try {
    await signIn();
    app.about = await ask('about');
  } catch (error) {
    const text = error instanceof Failure ? error.message : 'offloop view does not answer.';
    fill(main, h('p', { class: 'words', role: 'alert' }, text));
    return;
  }
  listen();
  route();
  await follow(onNews, onState);
}

start();
