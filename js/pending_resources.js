'use strict';
// Owns spans whose resource is still being detected: they wait for it, as in the SDK, but not for ever.
// Refuses to write them: whoever made it gets them back.

const { reportError } = require('./sdk_context.js');

const MAX_WAIT_MILLIS = 30000;

class PendingResources {
  #release;
  #waiting = new Map(); // resource -> { spans, isOver, over }

  /** @param {(spans: object[]) => void} release gets the spans of a resource, once */
  constructor(release) {
    this.#release = release;
  }

  /** Spans that wait. */
  get count() {
    let count = 0;
    for (const { spans } of this.#waiting.values()) count += spans.length;
    return count;
  }

  hold(span) {
    const { resource } = span;
    let group = this.#waiting.get(resource);
    if (group === undefined) {
      group = { spans: [] };
      this.#waiting.set(resource, group);
      group.over = waitFor(resource).then(() => this.#end(resource, group));
    }
    group.spans.push(span);
  }

  /** Resolves when nothing waits that waits now. */
  async settled() {
    await Promise.all([...this.#waiting.values()].map(({ over }) => over));
  }

  /** Nobody waits any longer: the resources go as they are. */
  releaseAll() {
    for (const [resource, group] of this.#waiting) this.#end(resource, group);
  }

  #end(resource, group) {
    if (this.#waiting.get(resource) !== group) return;
    this.#waiting.delete(resource);
    this.#release(group.spans);
  }
}

/** Never rejects: a resource that cannot be completed is reported and used as it is. */
async function waitFor(resource) {
  let timer;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, MAX_WAIT_MILLIS);
    timer.unref();
  });
  try {
    await Promise.race([resource.waitForAsyncAttributes(), patience]);
  } catch (error) {
    reportError(error);
  } finally {
    clearTimeout(timer);
  }
}

module.exports = { PendingResources };
