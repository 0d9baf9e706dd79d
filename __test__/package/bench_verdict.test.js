'use strict';

// The verdicts of the benchmark: which figures are compared, and what a budget is called when a row misses it.

const assert = require('node:assert/strict');
const { test, before } = require('node:test');

const OURS = 'offloop';
const STOCK = 'stock 0.223.1';
const PROTOBUFJS = 'stock 0.57.2';
const SERIALIZER = 'stock 0.223.1 serializer';

let judge;
let figure;
let judgeBudgets;
let summarize;

before(async () => {
  ({ figure, judge } = await import('../../bench/harness/verdict.mjs'));
  ({ judgeBudgets } = await import('../../bench/harness/budgets.mjs'));
  ({ summarize } = await import('../../bench/harness/statistics.mjs'));
});

const row = (more) => ({ what: 'main-thread CPU', unit: 'µs/span', metric: 'micros', subject: OURS, ...more });

function judged(more, figures, { scenario = 'handoff', name = '8 attributes' } = {}) {
  const results = Object.fromEntries(
    Object.entries(figures).map(([contender, rounds]) => [contender, { micros: summarize([rounds].flat()) }]),
  );
  return judge({ name: scenario }, { name }, row(more), results);
}

const FASTER = { timesFaster: { times: 4, of: [STOCK, PROTOBUFJS] } };

test('a figure has three digits, separators from a thousand on, and no exponent', () => {
  const values = [0, 0.785, 1.2345, 999.4, 999.5, 123_456.7, 1e-7, -0.4, null, Number.NaN, undefined];
  const texts = ['0', '0.785', '1.23', '999', '1,000', '123,457', '0.0000001', '-0.4', '-', '-', '-'];
  assert.deepEqual(values.map(figure), texts);
});

test('the faster of two stock exporters is the rival, whichever that is', () => {
  const slowProtobufjs = judged(FASTER, { [OURS]: 1, [STOCK]: 5, [PROTOBUFJS]: 9 });
  assert.deepEqual([slowProtobufjs.rival, slowProtobufjs.verdict], [STOCK, 'met']);
  const fastProtobufjs = judged(FASTER, { [OURS]: 1, [STOCK]: 50, [PROTOBUFJS]: 3.9 });
  assert.equal(fastProtobufjs.rival, PROTOBUFJS);
  assert.equal(fastProtobufjs.verdict, 'MISSED ≥ 4x the faster stock exporter');
});

test('a row that was not measured has a target and no verdict', () => {
  const absent = judge({ name: 'handoff' }, { name: '8 attributes' }, row(FASTER), { [OURS]: { absent: 'no build' } });
  assert.deepEqual(absent.targets, ['≥ 4x the faster stock exporter']);
  assert.equal(absent.verdict, 'not measured: no build');
  const { further } = judgeBudgets({ rows: [absent] });
  assert.ok(further.every(({ verdict }) => verdict === 'not measured in this run'));
});

test('a share is taken off in the same round, before anything is judged', () => {
  const above = { [OURS]: 'none', [STOCK]: 'none' };
  const left = judged(
    { above, timesFaster: { times: 4, of: [STOCK] } },
    { [OURS]: [3, 5], [STOCK]: [9, 11], none: [2, 4] },
  );
  assert.deepEqual(left.contenders[OURS].rounds, [1, 1]);
  assert.deepEqual(left.contenders[STOCK].rounds, [7, 7]);
  assert.equal(left.verdict, 'met');
});

test('a cost that is lost in the noise of its baseline is met by any factor, and two such costs by none', () => {
  const above = { [OURS]: 'none', [STOCK]: 'none' };
  const rule = { above, timesBetter: { [STOCK]: 4 } };
  assert.equal(judged(rule, { [OURS]: [1.9], [STOCK]: [9], none: [2] }).verdict, 'met');
  assert.equal(judged(rule, { [OURS]: [5], [STOCK]: [9], none: [2] }).verdict, 'MISSED ≥ 4x stock 0.223.1');
  assert.equal(judged(rule, { [OURS]: [1.9], [STOCK]: [1.5], none: [2] }).verdict, 'MISSED ≥ 4x stock 0.223.1');
});

test('a budget tells raw figures and those at reference speed, and is judged by the raw ones', () => {
  const slowMachine = judged({ atMost: 0.8 }, { [OURS]: 1.5, [STOCK]: 9, [SERIALIZER]: 8.1 });
  const [micros] = judgeBudgets({ rows: [slowMachine] }).design;
  assert.equal(micros.verdict, 'MISSED in 1 of 1 (at reference speed in none)');
  assert.deepEqual(micros.missed, [
    '8 attributes: 1.5 µs/span, 0.75 at reference speed, stock 0.223.1 serializer: 8.1 ! ≤ 0.8',
  ]);
  const sameMachine = judged({ atMost: 0.8 }, { [OURS]: 1.5, [STOCK]: 9, [SERIALIZER]: 4.05 });
  assert.equal(judgeBudgets({ rows: [sameMachine] }).design[0].verdict, 'MISSED in 1 of 1 (at reference speed in 1)');
});

test('what a round may have more than another contender is the median over the rounds', () => {
  const stall = { what: 'longest stall', unit: 'ms', atMostOver: { 'no exporter': 5 } };
  const figures = { [OURS]: [30, 31, 90], [STOCK]: [300, 310, 320], 'no exporter': [27, 28, 29] };
  const { verdict, excess } = judged(stall, figures, { scenario: 'pg', name: 'rows' });
  assert.equal(verdict, 'met');
  assert.deepEqual(excess, { [OURS]: 3, [STOCK]: 282 });
});

test('a row is noisy by what it compares, not by what is shown beside it', () => {
  const steady = { [OURS]: [1, 1, 1], [PROTOBUFJS]: [9, 9, 9], [STOCK]: [5, 5, 5] };
  assert.equal(judged(FASTER, { ...steady, [SERIALIZER]: [2, 9, 4] }).noisy, false);
  assert.equal(judged(FASTER, { ...steady, [STOCK]: [4, 5, 7] }).noisy, true);
  assert.equal(judged(FASTER, { ...steady, [OURS]: [1, 1, 2] }).noisy, true);
});
