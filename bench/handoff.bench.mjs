import { register } from './harness/node_bench.mjs';
import * as handoff from './scenarios/handoff.mjs';

register(handoff);
