// What the page of span files and the program behind it cost: idle, asked, while a file grows, and in a browser.
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { OURS } from '../harness/contenders.mjs';
import { startEngine } from '../harness/viewer_engine.mjs';
import { cargoMissing, filesOf, spanFiles, viewerProgram } from '../harness/viewer_files.mjs';
import { measurePage, pageMissing, startView } from '../harness/viewer_page.mjs';

export const name = 'viewer-live';
export const title = 'Viewer: the program behind the page, and the page';
export const heavy = true;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LARGE_TRACE = 222_000;
const IDLE_FILES = 10;
const IDLE_MILLIS = 10_000;

const row = (what, unit, metric, more) => ({ what, unit, metric, subject: OURS, ...more });

/** The program that stands behind the page: idle, asked, and while a file grows. */
const engine = {
  name: OURS,
  absent: existsSync(join(ROOT, 'viewer', 'src', 'engine.rs')) ? cargoMissing() : 'the program has no serve',
  setUp() {
    const program = viewerProgram();
    const directory = mkdtempSync(join(tmpdir(), 'offloop-engine-'));
    const source = filesOf(spanFiles('one', LARGE_TRACE));
    for (let number = 0; number < IDLE_FILES; number++)
      cpSync(source[number % source.length], join(directory, `traces-${number}.jsonl`));
    return { program, directory, megabyte: readFileSync(source[0]).subarray(0, 1 << 20) };
  },
  async body(_round, { program, directory, megabyte }) {
    const started = performance.now();
    const asked = startEngine(program, directory);
    await asked.ask('traces', { limit: '100' });
    const firstTracesSeconds = (performance.now() - started) / 1000;
    await asked.isRead();
    const { items } = await asked.ask('traces', { sort: 'spans' });
    const before = cpuMillisOf(asked.pid);
    await new Promise((settle) => setTimeout(settle, IDLE_MILLIS));
    const idlePercent = ((cpuMillisOf(asked.pid) - before) / IDLE_MILLIS) * 100;
    const skeletonStarted = performance.now();
    await asked.ask('skeleton', { trace: items[0].id, from: '0' });
    const skeletonMillis = performance.now() - skeletonStarted;
    const detailsStarted = performance.now();
    for (let nth = 0; nth < 20; nth++) await asked.ask('span', { row: String(nth * 1000) });
    const detailsMillis = (performance.now() - detailsStarted) / 20;
    const { spans } = await asked.ask('files');
    const appended = performance.now();
    const whole = megabyte.subarray(0, megabyte.lastIndexOf(0x0a) + 1).toString();
    const fresh = whole.replace(/"spanId":"[0-9a-f]{8}/g, `"spanId":"${String(Date.now()).slice(-8)}`);
    const isThere = asked.news((line) => line.spans > spans);
    appendFileSync(join(directory, 'traces-0.jsonl'), fresh);
    await isThere;
    const appendedSeconds = (performance.now() - appended) / 1000;
    await asked.stop();
    return { firstTracesSeconds, idlePercent, skeletonMillis, detailsMillis, appendedSeconds };
  },
  tearDown: ({ directory }) => rmSync(directory, { recursive: true, force: true }),
};

/** CPU time of a process, in hundredths of a second as Linux counts it. */
function cpuMillisOf(pid) {
  const [, behind] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = behind.split(' ').slice(11, 13).map(Number);
  return (user + system) * 10;
}

const page = {
  name: OURS,
  absent: pageMissing(),
  async setUp() {
    const directory = spanFiles('one', LARGE_TRACE);
    const [first] = readFileSync(filesOf(directory)[0], 'utf8').split('\n', 1);
    const { traceId } = JSON.parse(first).resourceSpans[0].scopeSpans[0].spans[0];
    viewerProgram();
    return { view: await startView(directory), traceId };
  },
  body: (_round, { view, traceId }) => measurePage(view.address, traceId, LARGE_TRACE),
  tearDown: ({ view }) => view.stop(),
};

/** The rows of this scenario. */
export function cases() {
  return [
    {
      name: 'engine',
      note: `${IDLE_FILES} files, ${LARGE_TRACE.toLocaleString('en-US')} spans and more; wall time but for the share of a core`,
      contenders: [engine],
      limitSeconds: 1800,
      warmUpRounds: 0,
      rows: [
        row('idle', '% of a core', 'idlePercent', { atMost: 1 }),
        row('first 100 traces', 's', 'firstTracesSeconds', { atMost: 0.5 }),
        row('first piece of the skeleton', 'ms', 'skeletonMillis', { atMost: 200 }),
        row('details of a span', 'ms', 'detailsMillis', { atMost: 20 }),
        row('an appended megabyte is told after', 's', 'appendedSeconds', { atMost: 1 }),
      ],
    },
    {
      name: 'page',
      note: `${LARGE_TRACE.toLocaleString('en-US')} spans in one trace, headless Chromium; wall time`,
      contenders: [page],
      limitSeconds: 1800,
      warmUpRounds: 0,
      rows: [
        row('first rows', 's', 'firstRowsSeconds', { atMost: 0.3 }),
        row('all rows', 's', 'allRowsSeconds', { atMost: 1.5 }),
        row('script per frame of scrolling, p95', 'ms', 'frameP95Millis', { atMost: 4 }),
        row('script per frame of scrolling, longest', 'ms', 'frameLongestMillis', { atMost: 12 }),
        row('memory of the page', 'MB', 'memoryMB', { atMost: 40 }),
      ],
    },
  ];
}
