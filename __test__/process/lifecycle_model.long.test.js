'use strict';

const { test } = require('node:test');
const { runLives } = require('../helpers/lifecycle_runs.js');

// More of the schedules that lifecycle_model.test.js begins with. OFFLOOP_TEST_LONG=1 runs 2,000 of them.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const timeout = isLong ? 3_600_000 : 120_000;

test('more lives of exporters that overlap', { timeout }, (t) => runLives(t, 16, isLong ? 1_984 : 44));
