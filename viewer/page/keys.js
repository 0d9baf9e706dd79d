// Owns which key does what, and the list of them that `?` shows. What an action does is told by the view.

import { fill, h } from './dom.js';

/** @typedef {{ keys: string[], shown: string, action: string, what: string }} Key */

/** @type {Key[]} */
export const KEYS = [
  { keys: ['ArrowDown', 'j'], shown: '↓ j', action: 'down', what: 'next row' },
  { keys: ['ArrowUp', 'k'], shown: '↑ k', action: 'up', what: 'row before' },
  { keys: ['ArrowLeft'], shown: '←', action: 'left', what: 'collapse, or go to the parent' },
  { keys: ['ArrowRight'], shown: '→', action: 'right', what: 'expand, or go to the first child' },
  { keys: ['Home'], shown: 'Home', action: 'home', what: 'first row' },
  { keys: ['End'], shown: 'End', action: 'end', what: 'last row' },
  { keys: ['PageDown'], shown: 'PgDn', action: 'pageDown', what: 'a page down' },
  { keys: ['PageUp'], shown: 'PgUp', action: 'pageUp', what: 'a page up' },
  { keys: ['Enter'], shown: 'Enter', action: 'open', what: 'open the trace, or the details of the span' },
  { keys: ['/'], shown: '/', action: 'filter', what: 'filter' },
  { keys: ['f'], shown: 'f', action: 'find', what: 'find in the trace' },
  { keys: ['n'], shown: 'n', action: 'nextFound', what: 'next span found' },
  { keys: ['N'], shown: 'N', action: 'previousFound', what: 'span found before' },
  { keys: ['e'], shown: 'e', action: 'nextError', what: 'next error' },
  { keys: ['E'], shown: 'E', action: 'previousError', what: 'error before' },
  { keys: ['b'], shown: 'b', action: 'nextBlock', what: 'next block of the event loop' },
  { keys: ['B'], shown: 'B', action: 'previousBlock', what: 'block before' },
  { keys: ['c'], shown: 'c', action: 'critical', what: 'critical path: what the trace waited for' },
  { keys: ['g'], shown: 'g', action: 'grouping', what: 'equal siblings in one line, or each in its own' },
  { keys: ['x'], shown: 'x', action: 'collapseAll', what: 'collapse everything, or expand it' },
  { keys: ['+', '='], shown: '+', action: 'zoomIn', what: 'zoom in' },
  { keys: ['-'], shown: '−', action: 'zoomOut', what: 'zoom out' },
  { keys: ['0'], shown: '0', action: 'zoomAll', what: 'the whole trace' },
  { keys: [','], shown: ',', action: 'panLeft', what: 'earlier, when zoomed in' },
  { keys: ['.'], shown: '.', action: 'panRight', what: 'later, when zoomed in' },
  { keys: ['z'], shown: 'z', action: 'zoomSpan', what: 'zoom to the selected span' },
  { keys: ['Escape'], shown: 'Esc', action: 'escape', what: 'close, or back to the list' },
  { keys: ['?'], shown: '?', action: 'help', what: 'these keys' },
];

/** Elements in which letters are text. */
const TYPING = 'input, textarea, select, [contenteditable]';

/**
 * Calls what the key does in the view; true if there was something.
 * @param {KeyboardEvent} event
 * @param {Record<string, () => void>} actions
 */
export function handleKey(event, actions) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest('dialog[open]')) return false;
  const isTyping = target.closest(TYPING) !== null;
  if (isTyping && event.key !== 'Escape') return false;
  if (isTyping && target instanceof HTMLElement) {
    // A search field would be emptied.
    event.preventDefault();
    target.blur();
    return true;
  }
  // A button is pressed by Enter, a text that scrolls by its own keys.
  if (event.key === 'Enter' && target.closest('a, button, summary')) return false;
  if (target.closest('.details, .scroll') && /^(Arrow|Page|Home|End)/.test(event.key)) return false;
  const action = KEYS.find(({ keys }) => keys.includes(event.key))?.action;
  const act = action === undefined ? undefined : actions[action];
  if (act === undefined) return false;
  event.preventDefault();
  act();
  return true;
}

/** The keys that do something in this view. @param {HTMLDialogElement} dialog  @param {Record<string, () => void>} actions */
export function showHelp(dialog, actions) {
  const rows = KEYS.filter(({ action }) => action in actions).flatMap(({ shown, what }) => [
    h(
      'dt',
      {},
      shown.split(' ').map((key) => h('kbd', { text: key })),
    ),
    h('dd', { text: what }),
  ]);
  fill(
    dialog,
    h(
      'form',
      { method: 'dialog' },
      h('h2', {}, 'Keys'),
      h('button', { class: 'close', 'aria-label': 'Close', autofocus: true }, '×'),
    ),
    h('dl', {}, rows),
  );
  dialog.showModal();
}
