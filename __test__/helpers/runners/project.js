'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { copyPackage } = require('../package_copy.js');
const { decodeRequest } = require('../otlp_decoder.js');
const { startReceiver } = require('../receiver.js');

const root = path.join(__dirname, '..', '..', '..');
const installed = path.join(root, '__test__', 'runners', 'node_modules');
const isInstalled = ['jest', 'jest-environment-jsdom', 'jsdom', 'vitest'].every((name) =>
  fs.existsSync(path.join(installed, name)),
);

const vitestConfig = (pools) => `export default {
  test: { projects: ${JSON.stringify(pools)}.map(([pool, environment]) => ({
    test: { name: pool, pool, environment, include: [pool + '_*.mjs'], testTimeout: 60000, maxWorkers: 1, fileParallelism: false },
  })) },
};`;
const JEST = { transform: {}, testMatch: ['**/*.test.cjs'], cacheDirectory: '<rootDir>/cache' };

/** How each runner is started in a project whose test files are of the given kinds. */
const runners = {
  jest: {
    extension: 'test.cjs',
    args: [
      path.join(installed, 'jest', 'bin', 'jest.js'),
      '--ci',
      '-i',
      '--testTimeout=60000',
      '--config',
      JSON.stringify(JEST),
    ],
  },
  vitest: { extension: 'mjs', args: [path.join(installed, 'vitest', 'vitest.mjs'), 'run'] },
  node: { extension: 'cjs', args: ['--test'] },
};

/**
 * A project with Offloop installed as from the registry, and `files` of each kind in `kinds`: `{ kind: { files, environment } }`.
 * Answers its folder and the names of the test files.
 */
function makeProject(t, runner, kinds) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-runner-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  copyPackage(path.join(directory, 'node_modules', 'offloop'));
  const link = (from, name) =>
    fs.symlinkSync(path.join(from, name), path.join(directory, 'node_modules', name), 'junction');
  link(path.join(root, 'node_modules'), '@opentelemetry');
  link(installed, 'vitest');
  for (const file of ['suite.cjs', 'jest_environments.cjs']) {
    fs.copyFileSync(path.join(__dirname, file), path.join(directory, file));
  }
  const { extension } = runners[runner];
  const source = fs.readFileSync(path.join(__dirname, `${runner}.${extension.replace('test.', '')}`), 'utf8');
  const names = [];
  for (const [kind, { files, environment }] of Object.entries(kinds)) {
    const head = runner === 'jest' ? `/** @jest-environment ./${kind}.cjs */\n` : '';
    if (runner === 'jest') {
      const text = `module.exports = require('./jest_environments.cjs')('jest-environment-${environment}', '${kind}');`;
      fs.writeFileSync(path.join(directory, `${kind}.cjs`), text);
    }
    for (let nth = 0; nth < files; nth += 1) {
      const name = `${kind}_${nth}`;
      const text = head + source.replace("'FILE'", `'${name}'`).replace("'POOL'", `'${kind}'`);
      fs.writeFileSync(path.join(directory, `${name}.${extension}`), text);
      names.push(name);
    }
  }
  const pools = Object.entries(kinds).map(([pool, { environment }]) => [pool, environment]);
  if (runner === 'vitest') fs.writeFileSync(path.join(directory, 'vitest.config.mjs'), vitestConfig(pools));
  return { directory, names };
}

/**
 * Runs the test files of `kinds` under `runner`. Answers how it ended, what it printed, its test files, the names of the
 * spans that arrived, and what each kind recorded, file by file.
 */
async function runSuites(t, runner, kinds, resets) {
  const { directory, names } = makeProject(t, runner, kinds);
  const receiver = await startReceiver({}, t);
  const record = path.join(directory, 'record');
  const { extension, args } = runners[runner];
  const files = runner === 'node' ? names.map((name) => `${name}.${extension}`) : [];
  const env = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    NODE_OPTIONS: undefined,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    COLLECTOR: receiver.url,
    RECORD: record,
    RESETS: String(resets),
    RUNNERS: installed,
  };
  const child = spawn(process.execPath, [...args, ...files], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  const spans = receiver.completed
    .flatMap(({ body, headers }) => decodeRequest(body, headers['content-type']))
    .flatMap(({ scopes }) => scopes.flatMap(({ spans: ofScope }) => ofScope.map(({ name }) => name)));
  const lines = fs.existsSync(record) ? fs.readFileSync(record, 'utf8').trim().split('\n').map(JSON.parse) : [];
  const recorded = Object.fromEntries(
    Object.keys(kinds).map((kind) => [kind, lines.filter((line) => line.kind === kind)]),
  );
  return { code, output, names, spans, recorded };
}

module.exports = { isInstalled, runSuites };
