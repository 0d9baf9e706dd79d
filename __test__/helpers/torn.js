'use strict';
// Cuts calls off: where no stack is left, or where a `vm` script runs out of time (V8 runs no `finally` then).

const vm = require('node:vm');

const spinning = vm.createContext({ work: null });
const script = new vm.Script('work()');

/**
 * Calls `work()` as far down as the stack goes, less `frames` of a small function and with `words` more on the stack; answers
 * whether it returned.
 */
function nearTheEnd(work, frames, words = 0) {
  const more = new Array(words).fill(0);
  let returned = false;
  let left = 0;
  const down = () => {
    try {
      down();
    } catch {
      // The end of the stack, or what `work` threw.
    }
    // On the way back up.
    if (left++ !== frames) return;
    work(...more);
    returned = true;
  };
  try {
    down();
  } catch {
    // `work` threw; so may anything else down there.
  }
  return returned;
}

/**
 * Runs out of stack in a recursion whose frames hold `words` words more than they need, and calls `act(n)` in each of the
 * last `times` frames, the deepest first. Answers what came back; a call that threw has left nothing.
 */
function runaway(act, times, words) {
  const locals = ['z = 0', ...Array.from({ length: words }, (_, n) => `v${n} = Math.random()`)];
  const sum = ['z', ...Array.from({ length: words }, (_, n) => `v${n}`)].join(' + ');
  const call = new Function('f', `let ${locals.join(', ')}; f(); return ${sum}`);
  const answers = new Array(times).fill(undefined);
  let done = 0;
  const down = () => {
    try {
      call(down);
    } catch {
      // The end of the stack, or what `act` threw.
    }
    if (done === times) return;
    const number = done++;
    answers[number] = act(number);
  };
  try {
    down();
  } catch {
    // `act` threw in the outermost frame.
  }
  return answers;
}

/** Calls `work()` and ends it by force after `millis`. Answers whether it returned. */
function withinMillis(work, millis) {
  spinning.work = work;
  try {
    script.runInContext(spinning, { timeout: millis });
    return true;
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return false;
  } finally {
    spinning.work = null;
  }
}

/** Counts what the application's objects are asked, and never answers one of the questions. */
class Trap {
  at = -1;
  asked = 0;

  /** The question number `at`, counted from 0, is not answered. */
  set(at) {
    this.at = at;
    this.asked = 0;
  }

  ask() {
    if (this.asked++ === this.at) for (;;);
  }

  /** `object` with everything in it, and every look at it a question. */
  watch(object) {
    const handler = {
      get: (target, key) => {
        this.ask();
        const value = target[key];
        if (typeof value === 'function' && typeof key === 'string' && !Array.isArray(target)) {
          return (...args) => {
            this.ask();
            return this.watched(value.apply(target, args));
          };
        }
        return this.watched(value);
      },
      ownKeys: (target) => {
        this.ask();
        return Reflect.ownKeys(target);
      },
      getOwnPropertyDescriptor: (target, key) => {
        this.ask();
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    };
    return new Proxy(object, handler);
  }

  watched(value) {
    const isPlain = typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
    return isPlain ? this.watch(value) : value;
  }
}

module.exports = { nearTheEnd, runaway, Trap, withinMillis };
