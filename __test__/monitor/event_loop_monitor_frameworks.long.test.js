'use strict';
// This file measures time, so it runs alone.
// Real services with real instrumentations, in which each request blocks the event loop once: the block's span must name
// the request that did it, and its route.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { assertPlaced, isFinal, receivedSpans } = require('../helpers/blocks.js');
const { expressUnavailable, makeProject, runService } = require('../helpers/express/project.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const REQUESTS = isLong ? 100 : 20;
const LEAST = 0.95;
const ATTEMPTS = 3;
const HANDLERS = ['atOnce', 'inMicrotask', 'afterTimer', 'withBody'];
const BODY = JSON.stringify({ items: [1, 2, 3], customer: { name: 'Zoë' } });
const SERVER = 2; // a span's kind

const from = path.join(__dirname, '..', 'helpers', 'frameworks');
const installed = 'frameworks';
const packages = ['fastify', '@nestjs', 'reflect-metadata', 'rxjs'];
const isMissing = !packages.every((name) => fs.existsSync(path.join(__dirname, '..', installed, 'node_modules', name)));
const skip = isMissing ? `not installed: npm ci in __test__/${installed}` : (expressUnavailable('2.x') ?? false);

/** How the service, which knows nothing of all this, is started. */
const starts = {
  'preloaded code': { args: ['--require', './tracing.cjs'] },
  'no code': {
    args: ['--import', 'offloop/register', '--import', '@opentelemetry/auto-instrumentations-node/register'],
    env: { OFFLOOP_EVENT_LOOP_MONITOR: 'on', OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS: '40' },
  },
};

/** The answers to requests that block: each says when it did. */
async function block(ask) {
  // The first turn of a service loads code for longer than a request's span may be late. It is one of a hundred, not of 20.
  if (!isLong) await ask('POST', '/nowhere', BODY);
  const answers = [];
  for (let nth = 0; nth < REQUESTS; nth += 1) {
    const target = `/${HANDLERS[nth % HANDLERS.length]}/${nth}`;
    const { status, body } = await ask('POST', target, BODY);
    assert.ok(status === 200 || status === 201, `${target}: ${status} ${body}`);
    answers.push({ target, ...JSON.parse(body) });
  }
  return answers;
}

/** What is wrong with the block of the request that was answered so; null if nothing is. */
function faultOf(spans, { target, began, ended }) {
  const servers = spans.filter(({ kind, attributes }) => kind === SERVER && attributes['url.path'] === target);
  assert.equal(servers.length, 1, `${target} has ${servers.length} server spans`);
  const middle = (began + ended) / 2;
  const blocks = spans.filter(
    (span) => isFinal(span) && span.startMillis < middle && span.startMillis + span.durationMillis > middle,
  );
  if (blocks.length !== 1) return `${target} has ${blocks.length} block spans`;
  const [{ parentSpanId, startMillis, attributes }] = blocks;
  if (parentSpanId === '') {
    return `${target} has a block without a parent: its span began ${servers[0].startMillis - startMillis} ms later`;
  }
  // The parent is the request's span, or what the framework has opened under it for its handler.
  const byId = (id) => spans.find(({ spanId }) => spanId === id);
  let parent = byId(parentSpanId);
  while (parent !== undefined && parent !== servers[0]) parent = byId(parent.parentSpanId);
  if (parent !== servers[0]) return `${target} has a block in ${byId(parentSpanId)?.name}`;
  const route = target.replace(/\d+$/, ':nth');
  // Nothing instruments Fastify here: then the name of the request's span has to do.
  const isKnown = spans.some((span) => span.attributes['http.route'] === route);
  const given = isKnown ? attributes['http.route'] : attributes['event_loop.block.root_span.name'];
  return given === (isKnown ? route : servers[0].name) ? null : `${target} has a block with the route ${given}`;
}

/** Runs a service once: how many blocks name their request, and what is wrong with the others. */
async function namedBlocks(t, start) {
  const beganMillis = Date.now();
  const directory = makeProject('2.x', t, { from, installed, packages });
  const { code, output, said, requests } = await runService(t, { directory, ...start }, block);
  assert.deepEqual([code, output.replace(/^port \d+\n/, '')], [0, '']);
  const spans = receivedSpans(requests);
  assertPlaced(spans, beganMillis);
  const faults = said.map((answer) => faultOf(spans, answer)).filter((fault) => fault !== null);
  return { named: said.length - faults.length, faults };
}

describe(`${REQUESTS} requests that block, each is named by its block, and its route (R114)`, {
  skip,
  concurrency: 2,
}, () => {
  for (const framework of ['express', 'fastify', 'nest']) {
    for (const [name, { args, env }] of Object.entries(starts)) {
      test(`${framework}, ${name}`, async (t) => {
        // A service that gets no processor for a moment opens its request's span too late. That happens to all, now and then.
        for (let attempt = 1; ; attempt += 1) {
          const { named, faults } = await namedBlocks(t, { args: [...args, 'service.cjs', framework], env });
          t.diagnostic(`${named} of ${REQUESTS} blocks name their request`);
          if (named >= LEAST * REQUESTS) return;
          assert.ok(attempt < ATTEMPTS, faults.join('\n'));
        }
      });
    }
  }
});
