// Owns the worktree that the defects are applied to, and running tests in it. The worktree has the files of the working
// directory, committed or not. It shares the build directory, so that no dependency is compiled again.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { root } from '../build/project.mjs';
import { run } from './steps.mjs';

const BUILD_LIMIT_MILLIS = 30 * 60_000;
/** A test that waits for what never happens gives up after a minute by itself. */
const TEST_LIMIT_MILLIS = 150_000;
const home = path.join(root, 'target', 'defects');
const env = { CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'), RUST_BACKTRACE: '0' };

export class Tree {
  #applied;

  constructor() {
    git('worktree', 'prune');
    const head = git('rev-parse', 'HEAD').trim();
    if (existsSync(path.join(home, '.git'))) git('-C', home, 'checkout', '--quiet', '--force', '--detach', head);
    else git('worktree', 'add', '--quiet', '--force', '--detach', home, head);
    git('-C', home, 'clean', '--quiet', '--force', '-d');
    const changed = lines(git('diff', '--name-only', 'HEAD'));
    for (const file of [...changed, ...lines(git('ls-files', '--others', '--exclude-standard'))]) this.#copy(file);
    // What the tests of the Node side need besides: packages, and the addon that was built last.
    if (!existsSync(path.join(home, 'node_modules')))
      symlinkSync(path.join(root, 'node_modules'), path.join(home, 'node_modules'), 'junction');
    const built = readdirSync(path.join(root, 'addon')).filter((name) => /^index\.(?:js|d\.ts)$|\.node$/.test(name));
    for (const name of built) this.#copy(path.join('addon', name));
  }

  #copy(file) {
    const [from, to] = [path.join(root, file), path.join(home, file)];
    if (!existsSync(from)) return rmSync(to, { force: true });
    mkdirSync(path.dirname(to), { recursive: true });
    if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return;
    copyFileSync(from, to);
  }

  /** Applies `defect`; whatever was applied before is undone. */
  apply({ file, find, replace }) {
    if (this.#applied !== undefined && this.#applied !== file) this.restore();
    const source = readFileSync(path.join(root, file), 'utf8');
    writeFileSync(
      path.join(home, file),
      source.replace(find, () => replace),
    );
    this.#applied = file;
  }

  restore() {
    if (this.#applied === undefined) return;
    // Written, and not copied with its old time: Cargo would not notice that it has to compile it again.
    writeFileSync(path.join(home, this.#applied), readFileSync(path.join(root, this.#applied)));
    this.#applied = undefined;
  }

  /** Runs the tests `names` of `program`. The verdict is `passed`, `failed`, or says why there is none. */
  async run(program, names) {
    if (program.startsWith('node ')) return this.#runNode(program.split(' ').at(-1), names);
    const args = [...program.split(' ').slice(1), '--no-run', '--message-format=json-render-diagnostics'];
    const build = await this.#spawn('cargo', args, BUILD_LIMIT_MILLIS);
    const [, executable] = /"executable":("[^"]+")/.exec(build.output) ?? [];
    if (build.code !== 0 || executable === undefined)
      return { verdict: 'it does not compile', output: build.output.replace(/^\{"reason".*\n?/gm, '') };
    const test = await this.#spawn(
      JSON.parse(executable),
      ['--test-threads=1', '--exact', ...names],
      TEST_LIMIT_MILLIS * names.length,
    );
    const passed = new RegExp(`^test result: ok\\. ${names.length} passed; 0 failed;`, 'm').test(test.output);
    const failed = /^test result: FAILED\./m.test(test.output) || /^SIG(?:ABRT|SEGV)$/.test(test.code);
    return verdictOf(test, passed, failed);
  }

  async #runNode(file, names) {
    const escaped = (title) => title.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    // Newer versions of Node match the names of the suites around a test, too, so that a pattern cannot say where it begins.
    const patterns = names.map((title) => `--test-name-pattern=/${escaped(title)}$/`);
    const test = await this.#spawn(
      process.execPath,
      ['--test', '--test-reporter=tap', ...patterns, file],
      TEST_LIMIT_MILLIS * names.length,
    );
    const count = (word) =>
      names.filter((title) => new RegExp(`^ *${word} \\d+ - ${escaped(title)}$`, 'm').test(test.output)).length;
    return verdictOf(test, test.code === 0 && count('ok') === names.length, count('not ok') > 0);
  }

  #spawn(command, args, limitMillis) {
    return run(command, args, { cwd: home, limitMillis, env, isShownAtEnd: true });
  }
}

function verdictOf({ isStopped, code, output }, passed, failed) {
  if (isStopped) return { verdict: `it did not end in time`, output };
  if (passed || failed) return { verdict: passed ? 'passed' : 'failed', output };
  return { verdict: `the tests did not run; the command ended with ${code}`, output };
}

function git(...args) {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function lines(text) {
  return text.split('\n').filter(Boolean);
}
