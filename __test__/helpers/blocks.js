'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { runProgram } = require('./child.js');
const { decodeRequest } = require('./otlp_decoder.js');
const { startReceiverProcess } = require('./receiver_process.js');

const CONTROL_LIMIT_MILLIS = 5;
/** Why a test of stacks is skipped: they are taken where somebody has tried it (docs/event-loop-monitor.md). */
const noStacks = process.platform === 'win32' && 'no stacks there';
/** Windows has no signal that stops a process. */
const noStops = process.platform === 'win32' && 'no SIGSTOP there';

/** A block names its place as `pattern` says; where no stacks are taken it names none. */
function assertStack(attributes, pattern) {
  if (noStacks) assert.equal(attributes['code.stacktrace'], undefined);
  else assert.match(attributes['code.stacktrace'], pattern);
}

/** Spans as the receiver got them, attributes and times made easy to read. */
function receivedSpans(requests) {
  return requests.flatMap(({ body, headers, arrivedMillis }) =>
    decodeRequest(body, headers['content-type']).flatMap(({ resource, scopes }) =>
      scopes.flatMap(({ scope, spans }) =>
        spans.map((span) => ({
          ...span,
          arrivedMillis,
          scope: scope.name,
          resource: plain(resource.attributes),
          attributes: plain(span.attributes),
          events: span.events.map((event) => ({ ...event, attributes: plain(event.attributes) })),
          startMillis: Number(BigInt(span.start) / 1000n) / 1000,
          durationMillis: Number(BigInt(span.end) - BigInt(span.start)) / 1e6,
        })),
      ),
    ),
  );
}

function plain(pairs) {
  return Object.fromEntries(pairs.map(([key, [type, value]]) => [key, type === 'int' ? Number(value) : value]));
}

const SAME_TURN_MILLIS = 10; // a span that a turn opens so soon counts as open when its block began
const CLOCK_MILLIS = 2; // spans of the SDK and blocks read the time of day at different moments

/** What holds for the block spans of every program: they lie in the time of the test, and under what was open then. */
function assertPlaced(spans, beganMillis) {
  for (const block of spans.filter(isBlock)) {
    const { startMillis, durationMillis, parentSpanId } = block;
    const isDated = startMillis >= beganMillis && startMillis + durationMillis <= Date.now() + CLOCK_MILLIS;
    assert.ok(isDated, `a block is dated ${new Date(startMillis).toISOString()}, the test began at ${beganMillis}`);
    const parent = spans.find(({ spanId }) => spanId === parentSpanId);
    if (parent !== undefined) {
      const latest = startMillis + SAME_TURN_MILLIS + CLOCK_MILLIS;
      assert.ok(
        parent.startMillis <= latest,
        `a block has a parent that began ${parent.startMillis - startMillis} ms later`,
      );
      continue;
    }
    const isOpen = (span) =>
      !isBlock(span) &&
      span.startMillis < startMillis - CLOCK_MILLIS &&
      span.startMillis + span.durationMillis > startMillis + CLOCK_MILLIS;
    const overlooked = spans.find(isOpen);
    assert.equal(overlooked, undefined, `a block has no parent although ${overlooked?.name} was open when it began`);
  }
}

const isBlock = ({ name }) => name === 'event-loop-blocked';
const isFinal = (span) => isBlock(span) && !span.attributes['event_loop.block.ongoing'];

const preamble = (options) => `
  const { begin, block, busy, Control, end, sleep, threadCpuMicros, truth, wall } = require(root + '/__test__/helpers/block_program.js');
  const { BatchSpanProcessor, EventLoopMonitor, OTLPTraceExporter } = require(root);
  const control = new Control();
  const exporter = new OTLPTraceExporter({ url });
  const monitor = new EventLoopMonitor({ exporter, ...${JSON.stringify(options)} });
  const finish = async (more = {}) => {
    await sleep(50);
    const stats = monitor.stats();
    monitor.disable();
    control.end();
    await exporter.shutdown();
    console.log(JSON.stringify({ truth, stats, late: control.take(), ...more }));
  };`;

const inMain = (source, options) => `
  {
    const root = process.cwd();
    ${preamble(options)}
    ${source}
  }`;

const inWorker = (source, options) => `
  const { Worker } = require('node:worker_threads');
  new Worker(${JSON.stringify(`
    const { root, url } = require('node:worker_threads').workerData;
    ${preamble(options)}
    ${source}`)}, { eval: true, workerData: { root: process.cwd(), url } });`;

/**
 * Runs a program with a monitor (\`monitor.enable()\` is its own to call, and \`finish()\`), and answers what it says
 * about itself and what the receiver got.
 */
async function runBlocks(t, source, { thread = 'main', options = {}, ...rest } = {}) {
  const beganMillis = Date.now();
  const receiver = await startReceiverProcess({ keep: true }, t);
  const program = thread === 'worker' ? inWorker(source, options) : inMain(source, options);
  const ended = await runProgram(program, { url: receiver.url, limitMillis: 60_000, ...rest });
  const { code, signal } = ended;
  const stderr = ended.stderr.replace(/^(Debugger|For help|Waiting for the debugger|Starting inspector).*\n/gm, '');
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  const told = JSON.parse(ended.stdout.trim().split('\n').at(-1));
  const spans = receivedSpans(await receiver.requests());
  await receiver.close();
  assertPlaced(spans, beganMillis);
  return { ...told, spans, blocks: spans.filter(isBlock), finals: spans.filter(isFinal) };
}

/**
 * Runs a comparison of wall-clock times three times at most: what is broken fails each time, and what the machine did to the
 * program once does not come again. A machine whose control was late the third time too is granted its own lateness.
 */
async function underControl(run, compare) {
  for (let attempt = 1; ; attempt++) {
    const seen = await run();
    try {
      compare(seen, 0);
      return;
    } catch (error) {
      if (attempt < 3) continue;
      if (!(seen.late > CONTROL_LIMIT_MILLIS)) throw error;
      compare(seen, seen.late);
      return;
    }
  }
}

/** Attributes of the blocks that a FileSpanExporter has written to `directory`, in no particular order. */
function writtenBlocks(directory) {
  const texts = fs.readdirSync(directory).map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
  return texts
    .flatMap((text) => text.split('\n').filter(Boolean))
    .flatMap((line) => JSON.parse(line).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .filter(isBlock)
    .map(({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])));
}

/** The same of those that are over. */
function finalBlocksIn(directory) {
  return writtenBlocks(directory).filter((attributes) => !attributes['event_loop.block.ongoing']);
}

/**
 * A test that may be made three times: on a machine without a processor at hand the watchdog sees a block too late for its
 * stack, and a span begins long after its turn. What is broken fails each time.
 */
function patiently(run) {
  return async (t) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run(t);
      } catch (error) {
        if (attempt === 3) throw error;
        t.diagnostic(`once more: ${error.message}`);
      }
    }
  };
}

module.exports = {
  assertPlaced,
  assertStack,
  isBlock,
  finalBlocksIn,
  isFinal,
  noStacks,
  noStops,
  patiently,
  receivedSpans,
  runBlocks,
  underControl,
  writtenBlocks,
};
