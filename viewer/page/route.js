// Owns the fragment of the address: `#/trace/<id>?span=<id>` and back. What the address says survives a reload.

export const VIEWS = ['traces', 'operations', 'blocks', 'files'];

/** @typedef {{ view: string, id: string, query: URLSearchParams }} Route */

/** An address that is none of ours is the list of traces. @param {string} fragment  @returns {Route} */
export function parseRoute(fragment) {
  const [path = '', ...rest] = fragment.replace(/^#/, '').split('?');
  const [, view = '', ...parts] = path.split('/');
  const query = new URLSearchParams(rest.join('?'));
  const id = decoded(parts.join('/'));
  if (view === 'trace' && id !== '') return { view, id, query };
  return { view: VIEWS.includes(view) ? view : 'traces', id: '', query };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The fragment of a view; parameters that are empty are left out.
 * @param {string} view
 * @param {Record<string, string | number | undefined>} [query]
 */
export function routeTo(view, query = {}) {
  const filled = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(filled.map(([key, value]) => [key, String(value)])).toString();
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}

/** @param {string} id  @param {Record<string, string | number | undefined>} [query] */
export const traceRoute = (id, query) => routeTo(`trace/${encodeURIComponent(id)}`, query);

/** What the questions about a trace call it: its id, or its number where it has no id. @param {{ id: string, key: number }} item */
export const traceName = ({ id, key }) => (id === '' ? `key:${key}` : id);

/** The token or the code that the command has put into the fragment. @param {string} fragment */
export function credentials(fragment) {
  const found = /^#(token|code)=([\w-]+)/.exec(fragment);
  return found ? { [found[1]]: found[2] } : {};
}
