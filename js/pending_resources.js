'use strict';
// Owns spans whose resource is still being detected: they wait for it, as in the SDK, but not for ever.
// Refuses to write them: whoever made it gets them back.

const { reportError } = require('./sdk_context.js');
const { settledWithin } = require('./user_code.js');

class PendingResources {
  #release;
  #patienceMillis;
  #waiting = new Map(); // resource -> { spans, isOver, over }

  /**
   * @param {(spans: object[]) => void} release gets the spans of a resource, once
   * @param {number} patienceMillis how long a resource may take
   */
  constructor(release, patienceMillis) {
    this.#release = release;
    this.#patienceMillis = patienceMillis;
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
      group.over = detected(resource, this.#patienceMillis)
        .then(() => this.#end(resource, group))
        .catch(reportError);
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

/** Whether the resource of `span` is still being detected; one that cannot be asked is not. */
function isPending(span) {
  try {
    const { resource } = span;
    return Boolean(resource?.asyncAttributesPending && resource.waitForAsyncAttributes);
  } catch {
    return false; // whoever reads the span finds out
  }
}

/**
 * Resolves when `resource` is complete, or cannot be, or has taken `millis`; never rejects. A failure is reported, and the
 * resource used as it is.
 */
async function detected(resource, millis) {
  try {
    await settledWithin(resource.waitForAsyncAttributes(), millis, reportError);
  } catch (error) {
    reportError(error);
  }
}

module.exports = { isPending, PendingResources };
