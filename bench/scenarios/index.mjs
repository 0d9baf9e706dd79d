// The list of scenarios, in the order in which they run.
import * as delivery from './delivery.mjs';
import * as exit from './exit.mjs';
import * as fileSink from './file_sink.mjs';
import * as footprint from './footprint.mjs';
import * as handoff from './handoff.mjs';
import * as monitor from './monitor.mjs';
import * as pg from './pg.mjs';
import * as scaling from './scaling.mjs';
import * as selfcheck from './selfcheck.mjs';
import * as service from './service.mjs';
import * as spanEnd from './span_end.mjs';
import * as sustained from './sustained.mjs';
import * as wholeExport from './whole_export.mjs';

export const scenarios = [
  selfcheck,
  handoff,
  wholeExport,
  spanEnd,
  sustained,
  delivery,
  service,
  pg,
  scaling,
  fileSink,
  exit,
  monitor,
  footprint,
];
