// The list of scenarios, in the order in which they run.
import * as blockedLoop from './blocked_loop.mjs';
import * as delivery from './delivery.mjs';
import * as exit from './exit.mjs';
import * as fileSink from './file_sink.mjs';
import * as footprint from './footprint.mjs';
import * as garbage from './garbage.mjs';
import * as grpc from './grpc.mjs';
import * as handoff from './handoff.mjs';
import * as monitor from './monitor.mjs';
import * as pg from './pg.mjs';
import * as process from './process.mjs';
import * as scaling from './scaling.mjs';
import * as selfcheck from './selfcheck.mjs';
import * as service from './service.mjs';
import * as spanEnd from './span_end.mjs';
import * as startup from './startup.mjs';
import * as sustained from './sustained.mjs';
import * as threads from './threads.mjs';
import * as tusk from './tusk.mjs';
import * as viewer from './viewer.mjs';
import * as viewerLive from './viewer_live.mjs';
import * as wholeExport from './whole_export.mjs';

export const scenarios = [
  selfcheck,
  handoff,
  wholeExport,
  grpc,
  spanEnd,
  garbage,
  sustained,
  threads,
  delivery,
  blockedLoop,
  service,
  pg,
  scaling,
  fileSink,
  tusk,
  process,
  exit,
  monitor,
  startup,
  footprint,
  viewer,
  viewerLive,
];
