// Owns what is written beside the figures: machine, versions, date; and the file they go to.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { ROOT } from './contenders.mjs';

const git = (...words) => {
  try {
    return execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
};

const version = (name) => {
  try {
    return JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return null;
  }
};

/** The machine and the versions that the figures belong to. */
export function environment() {
  return {
    date: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: loadavg()[0],
    commit: git('rev-parse', '--short', 'HEAD'),
    dirty: Boolean(git('status', '--porcelain')),
    versions: {
      '@opentelemetry/exporter-trace-otlp-proto': version('@opentelemetry/exporter-trace-otlp-proto'),
      '@opentelemetry/sdk-trace-base': version('@opentelemetry/sdk-trace-base'),
      'exporter-trace-otlp-proto (protobufjs)': version('otlp-proto-1x'),
      'sdk-trace-base (1.x)': version('sdk-trace-1x'),
    },
  };
}

/** Writes `run` to bench/results/<date>-<node>.json and returns the path. */
export function writeResults(run, path) {
  const stamp = run.environment.date.slice(0, 19).replaceAll(':', '');
  const target = path ?? join(ROOT, 'bench', 'results', `${stamp}-node${process.versions.node}.json`);
  mkdirSync(join(target, '..'), { recursive: true });
  writeFileSync(target, `${JSON.stringify(run, null, 1)}\n`);
  return target;
}
