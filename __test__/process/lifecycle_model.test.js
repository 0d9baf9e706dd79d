'use strict';

const { test } = require('node:test');
const { runLives } = require('../helpers/lifecycle_runs.js');

// Lives of exporters that overlap: they begin, export, copy, flush, are shut down and collected, workers end, descriptors
// run out. OFFLOOP_LIFECYCLE_SEED=17 replays one schedule; lifecycle_model.long.test.js runs more of them.

test('lives of exporters that overlap', { timeout: 120_000 }, (t) => runLives(t, 0, 16));
