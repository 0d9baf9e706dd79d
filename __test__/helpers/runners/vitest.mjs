// A test file as vitest runs it. FILE stands for its name, POOL for how vitest isolates it.

import { afterAll, test, vi } from 'vitest';
import { define, record } from './suite.cjs';

const names = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];

define({
  file: 'FILE',
  test,
  load: () => import('offloop'),
  reset: () => vi.resetModules(),
  useFakeTimers: () => vi.useFakeTimers({ toFake: [...names, 'Date', 'performance', 'queueMicrotask'] }),
  useRealTimers: () => vi.useRealTimers(),
});
afterAll(() => record('POOL'));
