// Owns the closed list of what does not pass on Windows under Wine, and why: each a property of Wine, of its network or of a
// busy machine, never of ours. A test that assumes POSIX says so itself and is skipped there.

/** Wine opens files and starts programs several times slower than Windows, and no control tells how busy the machine is. */
const SLOW = 'a clock on the wall, and Wine opens files and starts programs slowly';
/** The system has no links of directories that anybody may make: junctions, which Wine has not. */
const NO_JUNCTIONS = 'Wine makes no junctions';
const NO_NAME_SERVER =
  "@grpc/grpc-js waits for a name server's word on its configuration, and Wine names none that answers";
const STARVED = 'the machine was busy: Windows tells nobody that a thread had no processor, so it counts as waiting';

/** Files that cannot run there, with the reason. */
export const NOT_RUN = {
  'register/overrides.test.js': "it runs npm, which does not come with npm's package of Node.js",
  'process/hosts_runners.long.test.js': 'the test runners are installed with binaries for this machine',
};

/** By file, a part of a test's name and the reason of its failure. */
export const FAILURES = {
  'guards/hosts_timers.test.js': { 'timers that never fire: the wait for a collector that hangs ends': SLOW },
  'monitor/event_loop_monitor.test.js': { 'eight kinds on the main thread': STARVED },
  'monitor/event_loop_monitor_process.test.js': {
    'is with the collector, stack and all': STARVED,
    'is followed by its final span': STARVED,
  },
  'monitor/event_loop_monitor_spans.long.test.js': {
    'more spans of one place than wanted are counted instead': STARVED,
    'without a destination the global tracer provider makes the span': STARVED,
    'watches a program that knows nothing of us': STARVED,
  },
  'package/docs.test.js': { ', block ': NO_JUNCTIONS },
  'package/readme.test.js': { 'the first-span program of the README': NO_JUNCTIONS },
  'package/load_failure.test.js': { 'OFFLOOP_FALLBACK=stock': NO_JUNCTIONS },
  'package/setup.test.js': { 'a linked node_modules that does not match': NO_JUNCTIONS },
  'process/exit_delay.test.js': {
    'process.exit(3)': SLOW,
    'uncaught throw': SLOW,
    'unhandled rejection': SLOW,
  },
  'process/exit_matrix_grpc.test.js': { 'gRPC by @grpc/grpc-js › held by a processor: natural end': NO_NAME_SERVER },
  'process/hosts_ends.test.js': {
    'twelve copies of the module': SLOW,
    'copies of the module at other places': SLOW,
  },
  'process/process_exit.test.js': {
    'R66: an idle exporter does not hold the process': SLOW,
    'the natural end with a receiver that never answers': SLOW,
    'process.exit() with a dead receiver is prompt': SLOW,
    'worker.terminate() with an export in flight': SLOW,
    'SIGTERM without a listener ends the process': SLOW,
  },
  'process/workers.test.js': { '20 workers are terminated while their exports are under way': SLOW },
  'processor/batch_span_processor_process.test.js': {
    'an endpoint that refuses connections does not hold the natural end': SLOW,
    'an idle processor does not hold the process': SLOW,
  },
  'transport/peer_phases.test.js': { 'a peer that answers at any time': SLOW },
  // The stock exporter has timed out before the answer was there.
  'transport/statuses.test.js': { ': statuses 200–599': SLOW, ': statuses with a body until close': SLOW },
};

/** By program of the core's tests, the name of a test and the reason of its failure. */
export const CORE_FAILURES = {};
