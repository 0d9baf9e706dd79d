// Owns the closed list of what does not pass on Windows under Wine, and why: each a property of Wine or of the machine, never
// of ours. A test that assumes POSIX says so itself and is skipped there.

/** Files that cannot run there, with the reason. */
export const NOT_RUN = {};

/** By file, a part of a test's name and the reason of its failure. */
export const FAILURES = {};

/** By program of the core's tests, the name of a test and the reason of its failure. */
export const CORE_FAILURES = {};
