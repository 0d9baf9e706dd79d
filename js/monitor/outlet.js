'use strict';
// Owns where block spans go: natively into one of our exporters, or as objects to somebody else's exporter, processor or
// tracer once the block is over.
// Refuses to let that cause more spans: turns in which it hands them over are excused, and it does so once a second.

const { canCapture, capturePort } = require('../exporter/lane_exporter.js');
const { exporterOf } = require('../processor/batch_span_processor.js');
const { diag, loadApi } = require('../otel/diag.js');
const { getEngine } = require('../native/engine.js');
const { openSpans } = require('./open_spans.js');
const { inRootContext } = require('../otel/root_context.js');
const { reportError, withoutTracing } = require('../otel/sdk_context.js');
const { contained } = require('../guards/user_code.js');
const { BlockListener } = require('./block_listener.js');
const { readableSpan, startAndEnd } = require('./block_span.js');
const { clearTimeout, now, setTimeout, unref } = require('../guards/timers.js');

const SHORTEST_PAUSE_MILLIS = 1000;
const LOOK_MILLIS = 1000;

/** `{ start(native, settings, resource), stop(native) }` */
function createOutlet({ exporter, processor, resource, onBlock, thresholdMillis }) {
  const listener = onBlock === undefined ? null : new BlockListener(onBlock, thresholdMillis);
  const ours = exporter ?? exporterOf(processor);
  if (canCapture(ours)) return new NativeOutlet(ours, listener);
  return new LoopOutlet(handerFor({ exporter, processor, listener }), resource, listener);
}

/** Native threads hand the spans over, also while the loop is blocked. */
class NativeOutlet {
  #exporter;
  #listener;
  #window = null;
  #timer = null;

  constructor(exporter, listener) {
    this.#exporter = exporter;
    this.#listener = listener;
  }

  start(native, settings, resource) {
    const port = capturePort(this.#exporter);
    if (port === null) throw new Error("the exporter's export() was replaced");
    const lane = port.open();
    const listener = this.#listener;
    native.enableLane({ ...withClock(settings), tellsBlocks: listener !== null }, resource, lane);
    if (listener !== null) {
      listener.start(native);
      getEngine().watchBlocks((block) => listener.add(block));
    }
    try {
      port.prepare();
    } catch (error) {
      reportError(error); // the user's `headers` object
    }
    port.look?.();
    const window = {
      handOver() {
        settle(native);
        if (listener !== null) getEngine().collect();
      },
    };
    inRootContext(() => {
      if (port.look !== null && this.#window === window) this.#look(port);
    });
    // At the end of the process the turn under way is judged like a batch that is being filled.
    this.#window = window;
    getEngine().exit.addWindow(this.#window);
  }

  stop(native) {
    judgeWhatHasEnded(native);
    if (this.#listener !== null) {
      getEngine().collect();
      this.#listener.stop();
      getEngine().watchBlocks(null);
    }
    getEngine().exit.removeWindow(this.#window);
    this.#window = null;
    clearTimeout(this.#timer);
  }

  /** No batch of JavaScript's shows that the process has changed. */
  #look(port) {
    port.look();
    this.#timer = unref(setTimeout(() => this.#look(port), LOOK_MILLIS));
  }
}

/** JavaScript hands them over. */
class LoopOutlet {
  #handOver;
  #resource;
  #listener;
  #native = null;
  #waiting = [];
  #timer = null;
  #lastMillis = Number.NEGATIVE_INFINITY;

  constructor(handOver, resource, listener) {
    this.#handOver = handOver;
    this.#resource = resource;
    this.#listener = listener;
  }

  start(native, settings, resource) {
    native.enableLoop({ ...withClock(settings), tellsBlocks: true }, resource);
    this.#native = native;
    this.#listener?.start(native);
    getEngine().watchBlocks((block) => {
      this.#add(block);
      this.#listener?.add(block); // last: it may end all this
    });
    // Exporters of ours close this environment when they hear of the end, which may be before this does.
    getEngine().exit.addWindow(this.#window);
    process.on('beforeExit', this.#onEnd);
    process.on('exit', this.#onEnd);
  }

  stop(native) {
    judgeWhatHasEnded(native);
    getEngine().collect();
    this.#deliver();
    this.#listener?.stop();
    this.#native = null;
    getEngine().watchBlocks(null);
    getEngine().exit.removeWindow(this.#window);
    process.off('beforeExit', this.#onEnd);
    process.off('exit', this.#onEnd);
  }

  #onEnd = () => {
    settle(this.#native);
    getEngine().collect();
    this.#deliver();
  };

  #window = { handOver: this.#onEnd };

  #add(block) {
    this.#waiting.push(block);
    if (this.#timer !== null) return;
    const pause = this.#lastMillis + SHORTEST_PAUSE_MILLIS - now();
    if (pause <= 0) this.#deliver();
    else this.#timer = unref(setTimeout(() => this.#deliver(), pause));
  }

  #deliver() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    this.#lastMillis = now();
    this.#native.excuseTurn();
    const blocks = this.#waiting.splice(0);
    contained(reportError, () => withoutTracing(() => this.#handOver(blocks, this.#resource)));
  }
}

/**
 * The native side compares this reading with its own clock, to place spans in time. What happens between the two readings
 * makes every span look younger than it is, and a span that looks younger than its block is not the block's parent.
 */
function withClock(settings) {
  return { ...settings, performanceNow: now() };
}

/** Blocks that are over, now and not when the watchdog comes to it; the turn that disables the monitor is none. */
function judgeWhatHasEnded(native) {
  native.excuseTurn();
  settle(native);
}

/** The turn under way is judged, with what is known now of the spans that are open. */
function settle(native) {
  openSpans.refresh();
  native.settle();
}

/** What a destination of somebody else's does with blocks. */
function handerFor({ exporter, processor, listener }) {
  if (exporter != null) {
    return (blocks, resource) => {
      return exporter.export(
        blocks.map((block) => readableSpan(block, resource)),
        (result) => {
          if (result?.code !== 0) reportError(result?.error ?? new Error('EventLoopMonitor: span export failed'));
        },
      );
    };
  }
  if (processor != null) {
    return (blocks, resource) => {
      for (const block of blocks) contained(reportError, () => processor.onEnd(readableSpan(block, resource)));
    };
  }
  return (blocks) => {
    const api = loadApi();
    if (api !== null) for (const block of blocks) contained(reportError, () => startAndEnd(api, block));
    else if (listener === null) {
      diag.debug('Offloop: EventLoopMonitor has no exporter, and there is no OpenTelemetry API');
    }
  };
}

module.exports = { createOutlet };
