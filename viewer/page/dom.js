// Owns how elements are made: texts become text nodes, and nothing is ever parsed as markup. Styles are set as properties,
// because the page's policy forbids attributes for them.

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * An element. `class` and `text` are what they say, `on…` is a listener, anything else an attribute; `false` and undefined
 * leave an attribute out, `true` makes it empty.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false || value === null) continue;
    if (name === 'class') element.className = String(value);
    else if (name === 'text') element.textContent = String(value);
    else if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  if (children.length > 0) fill(element, ...children);
  return element;
}

/** @param {Element} element  @param {...(Child | Child[])} children in the place of what was there */
export function fill(element, ...children) {
  const nodes = children.flat().filter((child) => child !== false && child !== null && child !== undefined);
  element.replaceChildren(...nodes.map((child) => (child instanceof Node ? child : String(child))));
}

/** Only if it is another one, so that nothing is laid out anew. @param {Node} node  @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} element  @param {string} name  @param {string | number | boolean | undefined} value */
export function setAttribute(element, name, value) {
  if (value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} tag  @param {Record<string, string | number>} [attributes]  @param {...Node} children */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {string} label  @param {() => void} onClick  @param {Record<string, unknown>} [properties] */
export function button(label, onClick, properties = {}) {
  return h('button', { type: 'button', ...properties, onclick: onClick }, label);
}

/** At most one call for each frame. @param {() => void} work */
export function oncePerFrame(work) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      work();
    });
  };
}

/** @param {string} text  @param {(said: string) => void} say */
export async function copy(text, say) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  } catch {
    say('The browser does not let this page copy.');
  }
}
