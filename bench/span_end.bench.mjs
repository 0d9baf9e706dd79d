import { register } from './harness/node_bench.mjs';
import * as spanEnd from './scenarios/span_end.mjs';

register(spanEnd);
