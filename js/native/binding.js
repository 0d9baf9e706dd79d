'use strict';
// Owns loading the native addon, once per thread: a copy of this module that is loaded again, by somebody who has emptied
// the cache of modules as well, finds what the last one has loaded. Node never unloads an addon.
// Refuses to fall back: whoever wants a substitute decides that elsewhere (stock_fallback.js).

const { describeLoadFailure } = require('./load_failure.js'); // now: the failure may be that no file can be opened
const { version } = require('../../package.json');

const KEY = Symbol.for('offloop.bindings.1');

let binding;

/** @throws {Error} with `code` ERR_OFFLOOP_BINDING, one sentence that says what to do, and the loader's error as `cause` */
function loadBinding() {
  if (binding === undefined) {
    try {
      binding = loadOnce();
    } catch (error) {
      const explained = new Error(describeLoadFailure(error), { cause: error });
      explained.code = 'ERR_OFFLOOP_BINDING';
      throw explained;
    }
  }
  return binding;
}

function loadOnce() {
  if (process[KEY] === undefined) Object.defineProperty(process, KEY, { value: new Map() });
  // Another installation, another version of it, or another file for it is another addon.
  const path = require.resolve('../../addon/index.js');
  const { NAPI_RS_NATIVE_LIBRARY_PATH: override = '' } = process.env;
  const key = [path, version, override].join('\n');
  const known = process[KEY].get(key);
  if (known !== undefined) return known;
  let loaded = require(path);
  if (!('Environment' in loaded)) {
    // A load that was cut off has left half a module to whoever comes next.
    delete require.cache[path];
    loaded = require(path);
  }
  process[KEY].set(key, loaded);
  return loaded;
}

/**
 * Whether the addon loads. Whoever needs it later calls this where the program is put together: Node aborts the process if
 * loading is cut off, and a call with spans is cut off more often.
 */
function hasBinding() {
  try {
    loadBinding();
    return true;
  } catch {
    return false;
  }
}

module.exports = { hasBinding, loadBinding };
