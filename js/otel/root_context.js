'use strict';
// Owns the async context of what outlives the call that needs it first: the function that native threads call, timers that
// set themselves again. Made within that call, it would hold the application's stores, those of the first request for
// instance, as long as it lives.
// It refuses to run code of the application, which belongs into the context of its call (export_context.js).

const { contained } = require('../guards/user_code.js');
const { tellBug } = require('./diag.js');

const OwnPromise = Promise; // one that takes its place later has turns of its own
const tasks = [];
const ignore = () => {};
let wake;

/**
 * It goes on in the context in which it has begun, that of loading this library, whoever wakes it. To enter a context at once
 * (`AsyncResource`) takes code behind the call that leaves it, which does not run where the call is cut off: Node.js ends
 * the process then.
 */
async function serve() {
  for (;;) {
    await new OwnPromise((resolve) => {
      wake = resolve;
    });
    while (tasks.length > 0) contained(tellBug, tasks.shift());
  }
}

serve();

/** Calls `task()` outside of the caller's context, when the running code has returned. */
function inRootContext(task) {
  tasks.push(task);
  const resolve = wake;
  wake = ignore; // until it waits again: to resolve twice is an event of the process (`multipleResolves`)
  resolve();
}

module.exports = { inRootContext };
