// Owns the set-up steps that `npm start`, `npm test` and `prepare` share: dependencies and the native addon.
// It runs before anything is installed, so it uses Node built-ins only.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

const MINIMUM_NODE = [20, 17];
const ADDON_SOURCES = [
  'Cargo.toml',
  'Cargo.lock',
  'rust-toolchain.toml',
  '.cargo',
  'src',
  'addon/Cargo.toml',
  'addon/build.rs',
  'scripts/build/compile_addon.mjs',
  'scripts/build/release_flags.mjs',
  'addon/src',
];
/** What the program that reads span files is made of, besides the crates that it shares. */
const VIEWER_SOURCES = ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'viewer/Cargo.toml', 'viewer/src'];
const GET_RUST =
  'Offloop builds its addon from Rust source and found no `cargo`: install Rust from https://rustup.rs ' +
  "(curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh), open a new terminal, and run this again.";

/** A condition the user can mend; its message is the whole explanation. */
export class SetupError extends Error {
  constructor(message, code) {
    super(message);
    this.name = 'SetupError';
    this.code = code;
  }
}

/** Runs `main`, turns a SetupError into its one sentence and exit code 1, and any other error into a stack. */
export async function runWithSetup(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** Refuses a Node.js that the package does not support. */
export function ensureNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new SetupError(
      `Offloop needs Node.js ${MINIMUM_NODE.join('.')} or newer; this is ${process.version}.`,
      'NODE_TOO_OLD',
    );
  }
}

/**
 * Installs what the lock file names into `directory` (default: the repository). Does nothing when the tree already
 * matches; the comparison is by content, because a checkout changes the lock file's time and nothing else.
 * Returns whether it installed.
 */
export async function ensureDependencies({ directory = root, quiet = false } = {}) {
  const modules = path.join(directory, 'node_modules');
  const mismatch = firstMismatch(directory);
  if (mismatch === undefined) return false;
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) {
    throw new SetupError(
      `${modules} is a symbolic link and ${mismatch}; run \`npm install\` where it points to.`,
      'LINKED_MODULES',
    );
  }
  say(quiet, `Installing development dependencies (${mismatch}) …`);
  // Not `npm ci`: it refuses a lock file that was written where the registry offered no packages for other platforms
  // (npm#4828). With --no-save the lock file decides the versions and is not touched.
  // No scripts: `prepare` would build the addon here and hide its progress. The caller builds it in the next step.
  const [command, ...first] = npmCommand();
  const args = [...first, 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await run(command, args, { cwd: directory, quiet });
  if (code !== 0)
    throw new SetupError(`${output}\`npm install\` failed in ${directory} (exit code ${code}).`, 'INSTALL_FAILED');
  return true;
}

/**
 * Makes sure that a loadable addon, not older than its Rust sources, is in place; builds it in release mode if not.
 * Returns whether it built.
 */
export async function ensureAddon({ quiet = false } = {}) {
  const state = addonState();
  if (state.usable) return false;
  useCargo();
  say(quiet, `Building the native addon (${state.reason}); the first build takes one to five minutes …`);
  const started = Date.now();
  await compile('compile_addon.mjs', 'The native addon', quiet);
  const built = addonState({ ignoreAge: true });
  if (!built.usable)
    throw new SetupError(`The native addon was built and does not load: ${built.reason}.`, 'ADDON_UNUSABLE');
  say(quiet, `Built in ${Math.round((Date.now() - started) / 1000)} s.`);
  return true;
}

/**
 * Makes sure that the program that reads span files is there and not older than its sources; builds it in release mode
 * if not. Returns whether it built.
 */
export async function ensureViewer({ quiet = false } = {}) {
  const file = path.join(root, 'addon', viewerName(platformName()));
  const builtAt = existsSync(file) ? statSync(file).mtimeMs : 0;
  if (!VIEWER_SOURCES.some((name) => newerThan(path.join(root, name), builtAt))) return false;
  useCargo();
  say(quiet, 'Building the program that reads span files …');
  await compile('compile_viewer.mjs', 'The program that reads span files', quiet);
  return true;
}

async function compile(script, what, quiet) {
  const file = path.join(root, 'scripts', 'build', script);
  const { code, output } = await run(process.execPath, [file], { cwd: root, quiet, progress: 'building' });
  if (code !== 0) throw new SetupError(`${output}${what} did not build (exit code ${code}).`, 'BUILD_FAILED');
}

/** Whether the addon loads and is up to date, and if not, why. */
export function addonState({ ignoreAge = false } = {}) {
  const loader = path.join(root, 'addon', 'index.js');
  if (!existsSync(loader)) return { usable: false, reason: 'addon/index.js is missing' };
  const binaries = readdirSync(path.join(root, 'addon')).filter((name) => name.endsWith('.node'));
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (binaries.length === 0 && !override) return { usable: false, reason: 'there is no binary in addon/' };
  // In a child: a binary that this process has mapped must not be overwritten by the build that follows.
  const probe = spawnSync(process.execPath, ['-e', PROBE, loader], { encoding: 'utf8' });
  if (probe.status !== 0)
    return { usable: false, reason: `it does not load: ${probe.stdout.trim() || `exit code ${probe.status}`}` };
  if (ignoreAge || override) return { usable: true };
  // Those of other platforms may be there too, and newer.
  const own = binaries.filter((name) => name === `offloop.${platformName()}.node`);
  const ages = (own.length > 0 ? own : binaries).map((name) => statSync(path.join(root, 'addon', name)).mtimeMs);
  const builtAt = Math.max(...ages);
  const newer = ADDON_SOURCES.map((name) => newerThan(path.join(root, name), builtAt)).find(Boolean);
  return newer ? { usable: false, reason: `${path.relative(root, newer)} is newer` } : { usable: true };
}

// The loader wraps the system's message in advice about npm; the truth is at the end of the chain.
const PROBE = `try { require(process.argv[1]); } catch (e) {
  while (e.cause) e = e.cause;
  console.log(String(e.message).split('\\n')[0]); process.exit(1); }`;

/** Makes `cargo` reachable for child processes, also when rustup was installed after this terminal was opened. */
export function useCargo() {
  const runs = () => spawnSync('cargo', ['--version'], { cwd: root, stdio: 'ignore' }).status === 0;
  if (runs()) return;
  const home = path.join(process.env.CARGO_HOME ?? path.join(homedir(), '.cargo'), 'bin');
  const before = process.env.PATH;
  process.env.PATH = `${home}${path.delimiter}${before ?? ''}`;
  if (runs()) return;
  process.env.PATH = before;
  throw new SetupError(GET_RUST, 'NO_CARGO');
}

function firstMismatch(directory) {
  let installed;
  try {
    installed = JSON.parse(readFileSync(path.join(directory, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch {
    return 'node_modules is missing';
  }
  const wanted = JSON.parse(readFileSync(path.join(directory, 'package-lock.json'), 'utf8')).packages;
  for (const [location, entry] of Object.entries(wanted)) {
    if (location === '' || entry.link) continue;
    const found = installed[location];
    if (!found && (entry.optional || entry.devOptional || entry.peer)) continue;
    if (found?.version !== entry.version || found?.integrity !== entry.integrity)
      return `${location} is not at ${entry.version}`;
  }
  return undefined;
}

function newerThan(file, timeMillis) {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return undefined;
  if (!stat.isDirectory()) return stat.mtimeMs > timeMillis ? file : undefined;
  for (const name of readdirSync(file)) {
    const newer = newerThan(path.join(file, name), timeMillis);
    if (newer) return newer;
  }
  return undefined;
}

/** The platform of this Node.js as it stands in the names of binaries and packages: `linux-x64-gnu`. */
export function platformName() {
  if (process.platform === 'win32') return `win32-${process.arch}-msvc`;
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`;
  const isMusl = process.report.getReport().header.glibcVersionRuntime === undefined;
  return `linux-${process.arch}-${isMusl ? 'musl' : 'gnu'}`;
}

/** `x86_64-unknown-linux-gnu` is `linux-x64-gnu` in the name of a package. */
export function platformOf(triple) {
  const arch = { x86_64: 'x64', aarch64: 'arm64' }[triple.split('-')[0]];
  if (triple.includes('-apple-')) return `darwin-${arch}`;
  return triple.includes('-windows-') ? `win32-${arch}-msvc` : `linux-${arch}-${triple.split('-').at(-1)}`;
}

/** The file of the program that reads span files in addon/, where those of several platforms may lie. */
export function viewerName(platform) {
  return `offloop-viewer.${platform}${platform.startsWith('win32') ? '.exe' : ''}`;
}

/** The npm that runs this, else the one on the path. Calling it through node needs no shell on Windows. */
export function npmCommand() {
  const running = process.env.npm_execpath;
  if (running && path.basename(running) === 'npm-cli.js') return [process.execPath, running];
  return process.platform === 'win32' ? ['cmd', '/d', '/s', '/c', 'npm'] : ['npm'];
}

function run(command, args, { cwd, quiet, progress }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    // A pipe shows no progress bar of cargo's, and a silent minute looks like a hang.
    const started = Date.now();
    const ticker =
      progress && (quiet || !process.stderr.isTTY)
        ? setInterval(() => {
            process.stderr.write(`  ${progress}, ${Math.round((Date.now() - started) / 1000)} s\n`);
          }, 15_000)
        : undefined;
    child.on('error', (error) => {
      clearInterval(ticker);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearInterval(ticker);
      resolve({ code: code ?? signal, output: Buffer.concat(output).toString('utf8') });
    });
  });
}

function say(quiet, line) {
  if (!quiet) process.stderr.write(`${line}\n`);
}
