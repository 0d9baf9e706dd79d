// Owns the closed list of what does not pass on Windows under Wine, and why: each reason has been seen, and each is a property
// of Wine or of its network, never of ours. A test that assumes POSIX says so itself and is skipped there.

/** `symlink()` of a junction ends with ENOTSUP, and that of a directory makes nothing. */
const NO_LINKS = 'Wine makes no junctions and no other links to directories';
/** Node.js in Wine knows 127.0.0.1 as its only name server: a question for TXT ends after 26 s. */
const NO_NAME_SERVER = '@grpc/grpc-js asks a name server for its configuration, and under Wine none answers';
/** In 60 of 60 connections whose peer wrote a word and then reset them; on Linux in none. */
const RESET = 'Wine reports a reset and loses what came ahead of it, which names the reason';
/** A span `startup` of 140 ms was there, 50 ms of them computing. */
const SLOW_FILES = 'Wine opens files slowly, so that loading the last modules is a block of the event loop, too';

/** Files that cannot run there, with the reason. */
export const NOT_RUN = {
  'duckdb/scale.test.js': "DuckDB's package is installed with its binary for this machine",
  'register/overrides.test.js': "it runs npm, which does not come with npm's package of Node.js",
  'register/zero_code.long.test.js':
    'it packs the package, for which cargo names the licences: there is no Rust in Wine',
  'process/hosts_runners.long.test.js': 'the test runners are installed with binaries for this machine',
};

/** By file, a part of a test's name and the reason of its failure. */
export const FAILURES = {
  'doctor/verdicts.test.js': { 'client_certificate: grpc through Node': RESET },
  'exporter/wrong_port.test.js': { "an HTTP port on an export over gRPC › Node's http, ": RESET },
  'monitor/event_loop_monitor.test.js': { 'eight kinds on the main thread': SLOW_FILES },
  'monitor/event_loop_monitor_frameworks.long.test.js': {
    '20 requests that block, each is named by its block': NO_LINKS,
  },
  'monitor/event_loop_monitor_process.test.js': {
    'is with the collector, stack and all': SLOW_FILES,
    'is followed by its final span': SLOW_FILES,
    'a debugger that pauses the thread': SLOW_FILES,
  },
  'package/docs.test.js': { ', block ': NO_LINKS },
  'package/readme.test.js': { 'the first-span program of the README': NO_LINKS },
  'package/load_failure.test.js': { 'OFFLOOP_FALLBACK=stock': NO_LINKS },
  'package/setup.test.js': { 'a linked node_modules that does not match': NO_LINKS },
  'process/exit_matrix_grpc.test.js': { 'gRPC by @grpc/grpc-js › held by a processor: natural end': NO_NAME_SERVER },
};

/** By program of the core's tests, the name of a test and the reason of its failure. */
export const CORE_FAILURES = {};
