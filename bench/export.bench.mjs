import { register } from './harness/node_bench.mjs';
import * as wholeExport from './scenarios/whole_export.mjs';

register(wholeExport);
