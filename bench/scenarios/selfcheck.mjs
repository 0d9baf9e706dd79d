// Proves that the harness measures right: known amounts of work, an empty body, an idle loop, the clocks side by side.
import { allClocks } from '../harness/cpu.mjs';
import { exported, STOCK, stock } from '../harness/contenders.mjs';
import { longestSliceMillis, measure } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { makeSpans } from '../harness/spans.mjs';

export const name = 'selfcheck';
export const title = 'Self-check: the harness measures known work';
export const heavy = false;

/** Burns `millis` of wall time: CPU time where nobody takes the core away, hence the rows' maximum over the rounds. */
function busy(millis) {
  const until = performance.now() + millis;
  while (performance.now() < until);
}

/** Ten turns of the loop, a millisecond of work in each. */
async function tenSlices() {
  for (let i = 0; i < 10; i++) {
    busy(1);
    await new Promise(setImmediate);
  }
}

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

function known(caseName, what, unit, target, body) {
  return {
    name: caseName,
    warmUpRounds: 2,
    contenders: [{ name: 'harness', body }],
    rows: [{ what, unit, metric: 'value', subject: 'harness', ...target }],
  };
}

/** The receiver counts exactly the spans that a stock exporter sent. */
function counted(compression) {
  return known(
    `receiver counts 1000 spans, ${compression}`,
    'delivered',
    'spans',
    { between: [1000, 1000] },
    async () => {
      const receiver = await startReceiver({ countSpans: true });
      const exporter = stock[STOCK].exporter({ url: receiver.url, compression });
      await exported(exporter, makeSpans({ count: 600, attributes: 8, textLength: 24 }));
      await exported(
        exporter,
        makeSpans({ count: 400, attributes: 2, textLength: 4096, content: 'non-ascii', events: 2 }),
      );
      const { spans } = await receiver.totals();
      receiver.stop();
      return { value: spans };
    },
  );
}

/** The rows of this scenario. */
export function cases() {
  return [
    known('busy 20 ms', 'main-thread CPU', 'ms', { pick: 'max', between: [19, 21] }, async () => {
      return { value: (await measure(() => busy(20))).mainMicros / 1000 };
    }),
    known('busy 2 ms x 10 with awaits', 'main-thread CPU', 'ms', { pick: 'max', between: [19, 21.5] }, async () => {
      const body = async () => {
        busy(2);
        await new Promise(setImmediate);
      };
      return { value: (await measure(body, 10)).mainMicros / 1000 };
    }),
    known('asleep 200 ms', 'main-thread CPU', 'ms', { pick: 'min', atMost: 0.5 }, async () => {
      return { value: (await measure(() => sleep(200))).mainMicros / 1000 };
    }),
    known('empty body x 1000', 'main-thread CPU', 'µs', { pick: 'min', atMost: 1 }, async () => {
      return { value: (await measure(() => {}, 1000)).mainMicros / 1000 };
    }),
    known(
      'a slice of 1.5 ms among idle turns',
      'longest slice',
      'ms',
      { pick: 'median', between: [1.3, 1.8] },
      async () => {
        const body = async () => {
          await sleep(5);
          busy(1.5);
          await sleep(5);
        };
        return { value: await longestSliceMillis(body) };
      },
    ),
    known(
      'ten slices of 1 ms, a turn each',
      'longest slice',
      'ms',
      { pick: 'median', between: [0.8, 1.3] },
      async () => {
        return { value: await longestSliceMillis(tenSlices) };
      },
    ),
    known(
      'ten slices of 1 ms after a sleep',
      'longest slice',
      'ms',
      { pick: 'median', between: [0.8, 2.3] },
      async () => {
        return { value: await longestSliceMillis(() => sleep(5).then(tenSlices)) };
      },
    ),
    known(
      'a synchronous 3 ms before the first await',
      'longest slice',
      'ms',
      { pick: 'max', between: [2.8, 3.3] },
      async () => {
        return { value: await longestSliceMillis(() => busy(3)) };
      },
    ),
    known('an idle loop', 'longest slice', 'ms', { pick: 'min', atMost: 0.2 }, async () => {
      return { value: await longestSliceMillis(() => sleep(20)) };
    }),
    counted('none'),
    counted('gzip'),
    ...allClocks().map(({ source, read }) =>
      known(`clock: ${source.split(' (')[0]}`, 'of 10 ms busy', 'ms', { pick: 'max', between: [9.5, 11] }, async () => {
        const before = read();
        busy(10);
        return { value: (read() - before) / 1000 };
      }),
    ),
  ];
}
