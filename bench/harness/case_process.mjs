// One case in a process of its own, so that no row inherits another's heap, optimised code or crash.
import { cpuClockSource } from './cpu.mjs';
import { runCase } from './rounds.mjs';
import { scenarios } from '../scenarios/index.mjs';

const [scenarioName, caseName, rounds] = process.argv.slice(2);
const scenario = scenarios.find((candidate) => candidate.name === scenarioName);
const benchCase = scenario.cases().find((candidate) => candidate.name === caseName);

try {
  const progress = (step) => process.send({ progress: step });
  const results = await runCase(benchCase, { rounds: Number(rounds), progress });
  process.send({ results, clock: cpuClockSource }, () => process.exit(0)); // a socket that lingers holds up nobody
} catch (error) {
  process.send({ error: error?.stack ?? String(error) }, () => process.exit(1));
}
