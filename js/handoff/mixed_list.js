'use strict';
// Owns flat lists of a number and a value in turn, in the form that V8 appends to without a call.
// Refuses to know what they are lists of.

/** An empty list that V8 takes for one of anything from the start: one of numbers alone would change its kind. */
function mixedList() {
  const list = [undefined];
  list.pop();
  return list;
}

/** `push` of two values is a call. */
function append(list, number, value) {
  const at = list.length;
  list[at] = number;
  list[at + 1] = value;
}

module.exports = { append, mixedList };
