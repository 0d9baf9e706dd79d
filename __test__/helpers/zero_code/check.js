'use strict';
// Owns what is asked of a combination: it runs as it is and with Offloop in each way, and in each way broken; what runs, what
// arrives and what an operator reads has to fit together.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { BATCH, EXPORTER, OURS } = require('./combinations.js');
const { makeProject, root } = require('./project.js');
const { runProgram } = require('./run.js');

/** What SDKs put around and beside the processors, a stock exporter inside itself, and what is part of another package. */
const FRAMES = /^(MultiSpanProcessor|OTLPExportDelegate) of | of (file:|@aws\/|@vercel\/|@opentelemetry\/baggage-)/;

const MOST_SAID = 200;

const info = (text) => new RegExp(`^offloop: info: ${text}`, 'm');
const warn = (text) => new RegExp(`^offloop: warn: ${text}`, 'm');
const quoted = (text) => text.replace(/[/\\.*+?^${}()|[\]]/g, '\\$&');

/** How a combination is run beside stock: its project, its flags, and what has to be seen. */
const VARIANTS = {
  register: {
    flags: ({ before = [], start }) => [...before, ...register(start), ...start],
    expected: ({ exporter, sdk, between = [] }) => ({
      instances: [OURS[0], ...between, OURS[1]],
      client: 'native',
      says: [
        info('register: on\\b'),
        info(`register: OTLPTraceExporter of ${quoted(exporter)} is replaced$`),
        info(`register: BatchSpanProcessor of ${quoted(sdk)}\\S* is replaced$`),
        info('exporter 1: OTLPTraceExporter, \\S+ to http://127\\.0\\.0\\.1:\\d+\\S*, transport native$'),
        info('processor 1: BatchSpanProcessor over exporter 1 captures spans natively$'),
        between.length === 0
          ? info('exporter 1: first spans, captured\\b')
          : info("processor 1: BatchSpanProcessor over \\S+ queues as the SDK's: its exporter was replaced"),
        info('exporter 1: first batch delivered$'),
      ],
    }),
  },

  overrides: {
    project: { isOverridden: true },
    expected: ({ sdk, between = [] }) => ({
      instances: [BATCH + sdk, ...between, OURS[1]],
      client: 'native',
      says: [
        info('exporter 1: OTLPTraceExporter, \\S+ to http://127\\.0\\.0\\.1:\\d+\\S*, transport native$'),
        info('exporter 1: first spans, through export\\(\\)$'),
        info('exporter 1: first batch delivered$'),
      ],
    }),
  },

  'without the addon': {
    project: { hasBinding: false },
    flags: ({ before = [], start }) => [...before, ...register(start), ...start],
    expected: (combination) => ({
      ...asStock(combination),
      says: [
        info('register: on\\b'),
        new RegExp(
          `^offloop: (info|warn): register: OTLPTraceExporter of ${quoted(combination.exporter)} stays the stock class: .*` +
            'optional dependency @offloop/binding-\\S+ is not installed',
          'm',
        ),
      ],
      saysNot: [/is replaced$/m, info('exporter \\d')],
    }),
  },

  'too late': {
    flags: ({ before = [], start }) => [...before, ...start, ...(start.length > 0 ? register(start) : [])],
    env: ({ late }) => late,
    expected: (combination) => ({
      ...asStock(combination),
      says: [warn('register: loaded too late: '), /^\(node:\d+\) \[OFFLOOP_REGISTER_LATE\] Warning: /m],
      saysNot: [info('exporter \\d')],
    }),
  },
};

const withoutOffloop = ({ before = [], start }) => [...before, ...start];
const register = ([how = '--require']) => [how, 'offloop/register'];

function asStock({ exporter, sdk, between = [] }) {
  const instances = exporter === undefined ? [] : [BATCH + sdk, ...between, EXPORTER + exporter];
  return { instances, client: 'node', says: [] };
}

/**
 * Runs `combination` in projects under `directory`, beside stock in the variants that are `wanted`. Answers with a sentence about each variant; throws an AssertionError
 * that names the variant which does not hold.
 */
async function check(combination, { directory, packed, command, wanted = Object.keys(VARIANTS) }) {
  const variants = (combination.variants ?? Object.keys(VARIANTS)).filter((name) => wanted.includes(name));
  const stock = await runIn(combination, { directory: path.join(directory, 'stock'), packed, command });
  assertRun(stock, asStock(combination), `${combination.name}, as it is`);
  assert.ok(stock.spans.length > 0, `${combination.name}: no spans`);
  const { compared = (span) => span } = combination;
  const told = [`${stock.spans.length} spans`];
  for (const name of variants) {
    const variant = VARIANTS[name];
    const expected = combination.expected ?? variant.expected(combination);
    const place = { directory: path.join(directory, name.replaceAll(' ', '-')), packed, command };
    const run = await runIn(combination, place, variant);
    const title = `${combination.name}, ${name}`;
    assertRun(run, expected, title);
    assert.deepEqual(run.spans.map(compared), stock.spans.map(compared), `${title}: spans as stock's`);
    assert.deepEqual([run.types, run.code], [stock.types, stock.code], `${title}: content types, and how it ended`);
    const runs = instancesOf(run).join(' over ') || 'what is bundled';
    const said = expected.says.at(-1).exec(run.stderr)[0].slice(0, MOST_SAID);
    told.push(`${name}: ${runs}, sent by ${run.clients.join()}, spans equal, says "${said}"`);
  }
  return told;
}

async function runIn(combination, { directory, packed, command }, { project, flags = withoutOffloop, env: more } = {}) {
  const { app = ['app.cjs'], asks, env, files, installed, isGrpc, make = makeProject } = combination;
  const folders = installed.map((name) => path.join(root, '__test__', name));
  await make(directory, packed, { installed: folders, files, env, ...project });
  try {
    return await runProgram(directory, {
      flags: flags(combination),
      program: app,
      command,
      isGrpc,
      env: { OFFLOOP_LOG: 'info', ...env, ...more?.(combination) },
      ask:
        asks &&
        (async (origin) => {
          for (const each of asks) await (await fetch(`${origin}${each}`)).text();
        }),
    });
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function assertRun(run, { instances, client, says, saysNot = [] }, title) {
  const about = `${title}\n${run.stdout}${run.stderr}`;
  assert.deepEqual(instancesOf(run), instances, about);
  assert.deepEqual(run.clients, [client], about);
  for (const pattern of says) assert.match(run.stderr, pattern, about);
  for (const pattern of saysNot) assert.doesNotMatch(run.stderr, pattern, about);
  const delivered = run.instances.map(({ stats }) => stats?.delivered).filter((count) => count !== undefined);
  const isOurs = instances.some((each) => each.endsWith(`${EXPORTER}offloop`));
  assert.deepEqual(delivered, isOurs ? [run.spans.length] : [], `${title}: what stats() counts`);
}

/** `BatchSpanProcessor of @opentelemetry/sdk-trace-base`, and so on, from the provider to the exporter. */
function instancesOf({ instances }) {
  return instances
    .map(({ name, file }) => `${name} of ${/^(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]}`)
    .filter((text) => !FRAMES.test(text));
}

module.exports = { check };
