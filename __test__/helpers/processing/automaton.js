'use strict';
// Owns a table that finds any of many patterns in one pass over bytes: state and byte give the next state. A pattern is a list of
// steps, each a list of byte strings of which one has to come, or none if the step is optional.

/** The state that is never left once a pattern has ended. */
const FOUND = 1;
const MOST_STATES = 1 << 16;

/** The graph of all patterns; node 0 is where each begins, node 1 where each ends. Edges are `byte -> nodes`. */
function graphOf(patterns) {
  const edges = [new Map(), new Map()];
  const edge = (from, byte, to) => {
    const nodes = edges[from].get(byte);
    if (nodes === undefined) edges[from].set(byte, [to]);
    else if (!nodes.includes(to)) nodes.push(to);
  };
  const node = () => edges.push(new Map()) - 1;
  for (const steps of patterns) {
    let from = [0];
    steps.forEach(({ forms, isOptional = false }, nth) => {
      const end = nth === steps.length - 1 ? FOUND : node();
      for (const start of from) for (const form of forms) addForm(start, form, end);
      from = isOptional ? [...from, end] : [end];
    });
  }
  return edges;

  function addForm(start, form, end) {
    let at = start;
    for (let nth = 0; nth < form.length - 1; nth++) {
      const next = node();
      edge(at, form[nth], next);
      at = next;
    }
    edge(at, form[form.length - 1], end);
  }
}

/** Sets of nodes become states, as far as they can be reached. */
function automatonOf(patterns) {
  const edges = graphOf(patterns);
  const states = [[0], [FOUND]];
  const numbers = new Map([['0', 0]]);
  const rows = [];
  for (let state = 0; state < states.length; state++) {
    const row = new Uint16Array(256);
    rows.push(row);
    if (state === FOUND) {
      row.fill(FOUND);
      continue;
    }
    const reached = new Map();
    for (const node of states[state]) {
      for (const [byte, nodes] of edges[node]) {
        if (!reached.has(byte)) reached.set(byte, new Set([0]));
        for (const next of nodes) reached.get(byte).add(next);
      }
    }
    for (const [byte, nodes] of reached) row[byte] = nodes.has(FOUND) ? FOUND : numberOf(nodes);
  }
  const table = new Uint16Array(states.length << 8);
  for (const [state, row] of rows.entries()) table.set(row, state << 8);
  return { table, FOUND };

  function numberOf(nodes) {
    const sorted = [...nodes].sort((a, b) => a - b);
    const name = sorted.join();
    if (!numbers.has(name)) {
      if (states.length === MOST_STATES) throw new Error('the patterns need too many states');
      numbers.set(name, states.push(sorted) - 1);
    }
    return numbers.get(name);
  }
}

module.exports = { automatonOf, FOUND };
