'use strict';

/** Preloaded by programs in which something has replaced timers before anything else was loaded. */

globalThis.realInterval = setInterval;
globalThis.realClear = clearInterval;
new Function('require', process.env.OFFLOOP_TEST_REPLACE)(require);
