// The list of scenarios, in the order in which they run.
import * as handoff from './handoff.mjs';
import * as selfcheck from './selfcheck.mjs';

export const scenarios = [selfcheck, handoff];
