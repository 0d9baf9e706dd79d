'use strict';
// Owns spans whose resource is still being detected: they wait for it, as in the SDK, but not for ever.
// Refuses to write them: whoever made it gets them back.

const { reportError } = require('../otel/sdk_context.js');
const { settledWithin } = require('../native/deadlines.js');

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

  /** Keeps `span` until `resource`, its own, is complete. */
  hold(span, resource) {
    let group = this.#waiting.get(resource);
    if (group === undefined) {
      group = { spans: [], over: null };
      this.#waiting.set(resource, group);
    }
    if (group.over === null) this.#await(resource, group);
    group.spans.push(span); // last: a call that throws has not taken it
  }

  /** Later turns ask the resource: that is code of the application, which may flush. */
  #await(resource, group) {
    group.over = Promise.resolve()
      .then(() => detected(resource, this.#patienceMillis))
      .then(() => this.#end(resource, group))
      .catch(reportError);
  }

  /** Resolves when nothing waits that waits now. */
  async settled() {
    for (const [resource, group] of this.#waiting) {
      if (group.over === null) this.#await(resource, group); // the call that should have done it was cut off
    }
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

/** The resource of `span` if it is still being detected, else null; one that cannot be asked is not. */
function pendingResource(span) {
  try {
    const { resource } = span;
    return resource?.asyncAttributesPending && resource.waitForAsyncAttributes ? resource : null;
  } catch {
    return null; // whoever reads the span finds out
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

module.exports = { pendingResource, PendingResources };
