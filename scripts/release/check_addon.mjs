// `node scripts/release/check_addon.mjs [--strict] <file> …` (default: every binary in addon/): what a binary asks of the
// system it is installed on, and whether the addon has what addon/index.d.ts declares. Owns the promises: glibc 2.17, nothing
// that musl lacks, one symbol that the addon exports, sizes, no path of the build machine. Binaries of other platforms are
// checked by their bytes alone; it loads none but this platform's own, and refuses to run anything in it.
// --strict holds a Linux binary to the glibc floor; without it, a binary built for the machine at hand passes.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { absentFrom, declaredNames, differences } from '../test/binding_surface.mjs';
import { platformName, root } from '../build/project.mjs';
import { readArchiveSymbols, readElf } from './elf.mjs';

const require = createRequire(import.meta.url);
/** Of the addon, and of the program that reads span files. */
const MOST = {
  addon: { bytes: 5_000_000, packed: 2_600_000 },
  // What it may grow to. It was meant to have 1,000,000 bytes, 500,000 packed (docs/adr/viewer.md says why it has not).
  viewer: { bytes: 1_450_000, packed: 760_000 },
};
const NAME = /(offloop|offloop-viewer)\.(linux|darwin|win32)-(x64|arm64)(?:-(\w+))?(?:\.node|\.exe)?$/;
const GLIBC_FLOOR = [2, 17];
/** What every glibc system has; `libgcc_s` is on all of them that can run Node.js. */
const GLIBC_LIBRARIES = /^(libc|libdl|libm|libpthread|librt|libgcc_s|ld-linux-x86-64|ld-linux-aarch64)\.so\.\d$/;
const EXPORTED = new Set(['napi_register_module_v1']);
/** A C runtime's own, weak or defined by the linker. */
const BUILD_PATHS = [/\/home\/[a-z]/, /\/Users\/[a-zA-Z]/, /\/root\//, /[A-Z]:\\Users\\/, /\.cargo\/registry/];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { strict: { type: 'boolean', default: false } },
});
const directory = path.join(root, 'addon');
const files =
  positionals.length > 0
    ? positionals
    : readdirSync(directory)
        .filter((name) => NAME.test(name))
        .map((name) => path.join(directory, name));
if (files.length === 0) throw new Error('there is no binary to check: `npm run build` makes one');

let failures = 0;
for (const file of files) {
  const { notes, problems } = check(file);
  console.log(`${problems.length === 0 ? '✔' : '✖'} ${path.basename(file)}: ${notes.join(', ')}`);
  for (const problem of problems) console.log(`    ${problem}`);
  failures += problems.length;
}
process.exitCode = failures === 0 ? 0 : 1;

function check(file) {
  const bytes = readFileSync(file);
  const packed = gzipSync(bytes, { level: 9 }).length;
  const notes = [`${bytes.length.toLocaleString('en-US')} bytes, ${packed.toLocaleString('en-US')} packed`];
  const problems = [];
  const [, name, platform, arch, abi] = NAME.exec(path.basename(file)) ?? [];
  if (name === undefined) return { notes, problems: ['the name says no platform'] };
  const isAddon = name === 'offloop';
  const most = isAddon ? MOST.addon : MOST.viewer;
  if (bytes.length > most.bytes) problems.push(`larger than ${most.bytes.toLocaleString('en-US')} bytes`);
  if (packed > most.packed) problems.push(`packs to more than ${most.packed.toLocaleString('en-US')} bytes`);
  checkPaths(bytes.toString('latin1'), problems);
  if (platform === 'linux') {
    const elf = readElf(bytes);
    if (isAddon) checkLibrary(elf, problems);
    checkLinux(elf, { arch, abi }, notes, problems);
  }
  if (isAddon) checkSurface(file, bytes, notes, problems);
  return { notes, problems };
}

function checkSurface(file, bytes, notes, problems) {
  const declared = declaredNames();
  const absent = absentFrom(bytes, declared);
  if (absent.length > 0) problems.push(`does not name ${absent.join(' ')}, which addon/index.d.ts declares`);
  if (!file.endsWith(`.${platformName()}.node`)) {
    notes.push(`names ${declared.length - absent.length} of ${declared.length} declared, not loaded here`);
    return;
  }
  try {
    const { missing, undeclared } = differences(require(path.resolve(file)), declared);
    if (missing.length > 0) problems.push(`has no ${missing.join(' ')}, which addon/index.d.ts declares`);
    if (undeclared.length > 0) problems.push(`has ${undeclared.join(' ')}, which addon/index.d.ts does not declare`);
    notes.push(`has ${declared.length - missing.length} of ${declared.length} declared`);
  } catch (error) {
    problems.push(`does not load: ${error.message}`);
  }
}

function checkPaths(content, problems) {
  const own = [homedir(), root, process.env.CARGO_HOME].filter((directory) => directory && directory.length > 3);
  for (const directory of own) {
    if (content.includes(`${directory}${path.sep}`)) problems.push(`holds a path of this machine: ${directory}`);
  }
  for (const pattern of BUILD_PATHS) {
    const found = pattern.exec(content);
    if (found) problems.push(`holds a path of a build machine: ${printable(content, found.index)}`);
  }
}

function checkLibrary(elf, problems) {
  if (!elf.nodelete) problems.push('is not linked with -z nodelete: a worker that ends would unmap it');
  const extra = elf.exports.filter((name) => !EXPORTED.has(name));
  if (extra.length > 0 || !elf.exports.includes('napi_register_module_v1'))
    problems.push(`exports ${elf.exports.join(' ')}`);
}

function checkLinux(elf, { arch, abi }, notes, problems) {
  if (elf.arch !== arch) problems.push(`is for ${elf.arch}`);
  notes.push(`needs ${elf.needed.join(' ') || 'no library'}`);
  if (abi === 'gnu') checkGlibc(elf, notes, problems);
  else checkMusl(elf, arch, notes, problems);
}

function checkGlibc(elf, notes, problems) {
  const numbers = (version) => version.slice('GLIBC_'.length).split('.').map(Number);
  const newest = elf.versions
    .filter((version) => /^GLIBC_\d/.test(version))
    .sort((a, b) => compare(numbers(a), numbers(b)))
    .at(-1);
  notes.push(newest ?? 'no glibc version');
  const foreign = elf.needed.filter((library) => !GLIBC_LIBRARIES.test(library));
  if (foreign.length > 0) problems.push(`needs ${foreign.join(' ')}`);
  if (!values.strict || newest === undefined || compare(numbers(newest), GLIBC_FLOOR) <= 0) return;
  const blame = elf.imports.filter(({ version }) => version === newest).map(({ name }) => name);
  problems.push(`needs ${newest}, above the floor ${GLIBC_FLOOR.join('.')}: ${blame.join(' ')}`);
}

/** Node.js images on Alpine have musl and libgcc_s; symbols must be those that musl itself defines. */
function checkMusl(elf, arch, notes, problems) {
  const foreign = elf.needed.filter((library) => !/^(libc\.so|libc\.musl-.*|libgcc_s\.so\.1)$/.test(library));
  if (foreign.length > 0) problems.push(`needs ${foreign.join(' ')}`);
  if (elf.versions.some((version) => version.startsWith('GLIBC_'))) problems.push('has symbol versions of glibc');
  const defined = muslSymbols(arch);
  if (defined === undefined) {
    problems.push(
      `rustup target add ${arch === 'x64' ? 'x86_64' : 'aarch64'}-unknown-linux-musl: nothing to compare with`,
    );
    return;
  }
  const missing = elf.imports.filter(({ name, weak }) => !weak && !defined.has(name) && !isUnwinder(name, elf));
  notes.push(`${elf.imports.length} imported symbols`);
  if (missing.length > 0) problems.push(`musl does not define ${missing.map(({ name }) => name).join(' ')}`);
}

function isUnwinder(name, elf) {
  return name.startsWith('_Unwind_') && elf.needed.includes('libgcc_s.so.1');
}

/** Rust ships the musl that it links static programs with. */
function muslSymbols(arch) {
  const triple = `${arch === 'x64' ? 'x86_64' : 'aarch64'}-unknown-linux-musl`;
  const { stdout } = spawnSync('rustc', ['--print', 'sysroot'], { cwd: root, encoding: 'utf8' });
  const library = path.join((stdout ?? '').trim(), 'lib', 'rustlib', triple, 'lib', 'self-contained', 'libc.a');
  return existsSync(library) ? readArchiveSymbols(readFileSync(library)) : undefined;
}

function compare([a, b], [c, d]) {
  return a - c || b - d;
}

function printable(content, index) {
  return content.slice(index, index + 60).replace(/[^\x20-\x7e].*$/s, '');
}
