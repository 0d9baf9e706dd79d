'use strict';
// Owns telling the application of blocks by a callback: what it gets, and that it may do anything.
// Refuses to tell of a block that the callback itself has made: that would not end.

const { diag } = require('../otel/diag.js');
const { now } = require('../guards/timers.js');
const { Turns } = require('../guards/turns.js');
const { contained, ignore } = require('../guards/user_code.js');

const OWN_TURNS = 16; // turns that the callback made long, remembered until their blocks are here

class BlockListener {
  #onBlock;
  #ownMillis;
  #native = null;
  #turns = new Turns(); // a block that comes while the callback runs is told behind it
  #suppressed = 0; // told so far
  #turn = 0; // in which the callback was called last
  #spentMillis = 0; // by it, in that turn
  #ownTurns = [];
  #isErrorTold = false;

  /** In a turn in which the callback takes half of the threshold, the block is its own. */
  constructor(onBlock, thresholdMillis) {
    this.#onBlock = onBlock;
    this.#ownMillis = thresholdMillis / 2;
  }

  start(native) {
    this.#native = native;
    this.#suppressed = 0;
    this.#ownTurns = [];
  }

  /** The callback is not called any more, not even for what stands in line. */
  stop() {
    this.#native = null;
  }

  add(block) {
    this.#turns.take(() => this.#tell(block), ignore);
  }

  #tell(block) {
    const native = this.#native;
    if (native === null || this.#ownTurns.includes(block.turn)) return;
    const { suppressed } = native.stats();
    const info = infoOf(block, suppressed - this.#suppressed);
    this.#suppressed = suppressed;
    const turn = native.turn();
    const beganMillis = now();
    contained((error) => this.#tellError(error), this.#onBlock, info);
    this.#note(turn, now() - beganMillis);
  }

  #note(turn, millis) {
    this.#spentMillis = turn === this.#turn ? this.#spentMillis + millis : millis;
    this.#turn = turn;
    if (this.#spentMillis < this.#ownMillis || this.#ownTurns.includes(turn)) return;
    this.#ownTurns.push(turn);
    if (this.#ownTurns.length > OWN_TURNS) this.#ownTurns.shift();
  }

  /** Once: a callback that fails may do so at every block. */
  #tellError(error) {
    if (this.#isErrorTold) return;
    this.#isErrorTold = true;
    diag.error('Offloop: onBlock of EventLoopMonitor failed; what else it throws is not told', error);
  }
}

function infoOf({ start: [seconds, nanos], attributes, traceId, parentSpanId }, suppressed) {
  const told = Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
  const isRequestKnown = parentSpanId != null;
  return {
    start: new Date(seconds * 1000 + nanos / 1e6),
    durationMillis: told['event_loop.block.duration_ms'],
    cpuMillis: told['event_loop.block.cpu_ms'],
    gcMillis: told['event_loop.block.gc_ms'] ?? 0,
    pausedMillis: told['event_loop.block.paused_ms'] ?? 0,
    cause: told['event_loop.block.cause'],
    severity: told['event_loop.block.severity'],
    function: told['code.function.name'],
    file: told['code.file.path'],
    line: told['code.line.number'],
    column: told['code.column.number'],
    stack: told['code.stacktrace'],
    traceId: isRequestKnown ? traceId : undefined,
    spanId: isRequestKnown ? parentSpanId : undefined,
    route: told['http.route'],
    rootSpanName: told['event_loop.block.root_span.name'],
    threadId: told['thread.id'],
    suppressed,
  };
}

module.exports = { BlockListener };
