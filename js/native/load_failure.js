'use strict';
// Owns the one sentence that says why the native addon did not load and what helps. The generated loader guesses at a
// bug of npm whatever happened; the truth is among its causes.
// Refuses to mend anything.

const fs = require('node:fs');
const path = require('node:path');

/** Platforms that have a package, by the end of its name; the targets of package.json. */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
];
const PACKAGE = '@offloop/binding-';
const ELF_MACHINES = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64' };
const FALLBACK = 'OFFLOOP_FALLBACK=stock uses the stock exporter instead';

/**
 * @param {Error} error what `require('../../addon/index.js')` threw
 * @param {object} [host] this process; tests pass another
 */
function describeLoadFailure(error, host = describeHost()) {
  const messages = messagesOf(error);
  const { override } = host;
  if (override) {
    const reason = messages.find((message) => !message.startsWith('Cannot find native binding')) ?? error.message;
    return `offloop: NAPI_RS_NATIVE_LIBRARY_PATH names ${override}, which did not load: ${firstLine(reason)}.`;
  }
  if (messages.some((message) => /addons? is disabled|addons are disabled/.test(message))) {
    return 'offloop: Node.js runs with --permission, which forbids native addons; add --allow-addons.';
  }
  if (!PLATFORMS.includes(host.platform)) {
    return `offloop: there is no binary for ${host.platform}, only for ${PLATFORMS.join(', ')}; ${FALLBACK}.`;
  }
  const failure = messages.find((message) => !isMissingModule(message));
  return `offloop: ${failure === undefined ? whyMissing(host) : whyBroken(failure, host)}.`;
}

/** `platform` is the end of the name of the package that is wanted, `local` the directory of the loader. */
function describeHost() {
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  const { arch } = process;
  const local = path.join(__dirname, '..', '..', 'addon');
  if (process.platform !== 'linux') {
    return {
      platform: `${process.platform}-${arch}${process.platform === 'win32' ? '-msvc' : ''}`,
      arch,
      local,
      override,
    };
  }
  const glibc = glibcVersion();
  return { platform: `linux-${arch}-${glibc === undefined ? 'musl' : 'gnu'}`, arch, glibc, local, override };
}

/** Without a look at the network, which can take seconds. */
function glibcVersion() {
  const { report } = process;
  if (typeof report?.getReport !== 'function') return 'of unknown version'; // a runtime that is not Node.js
  const { excludeNetwork } = report;
  report.excludeNetwork = true;
  try {
    return report.getReport().header.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/** Every message of the chain of causes: the first attempt of the loader is the last cause. */
function messagesOf(error) {
  const messages = [];
  for (let current = error; current instanceof Error; current = current.cause) messages.unshift(current.message);
  return messages;
}

/** In the words of Node.js, of the generated loader, and of Yarn's Plug'n'Play. */
function isMissingModule(message) {
  return (
    /^Cannot find (module|native binding|package)|^Failed to load native binding|^Unsupported/.test(message) ||
    /^Qualified path resolution failed|^Required (unplugged )?package missing from disk| tried to access /.test(message)
  );
}

function whyMissing({ platform, local }) {
  const wanted = `${PACKAGE}${platform}`;
  const others = PLATFORMS.filter((other) => other !== platform && findBinary(other, local) !== undefined);
  if (others.length > 0) {
    return (
      `node_modules was installed for ${others.join(', ')} and this is ${platform}; install it on this system, or with ` +
      `npm install ${installFlags(platform)}`
    );
  }
  return (
    `the optional dependency ${wanted} is not installed; install without --omit=optional, and if a package-lock.json ` +
    'from another system leaves it out (npm/cli#4828), delete that and node_modules first'
  );
}

function whyBroken(message, host) {
  const { platform, arch, glibc, local } = host;
  const file = findBinary(platform, local);
  const built = file === undefined ? undefined : builtFor(file);
  if (built !== undefined && built !== arch) {
    return `${file} is for ${built} and this Node.js is ${arch}; npm install ${installFlags(platform)} brings the right one`;
  }
  const libraries = file === undefined || !platform.startsWith('win32') ? [] : librariesMissing(file, host);
  if (libraries.length > 0) {
    return `${file} needs ${libraries.join(', ')}, which this system lacks; install what brings it`;
  }
  const [, version] = /version [`'"]?GLIBC_([\d.]+)/.exec(message) ?? [];
  if (version !== undefined) {
    return `${file ?? PACKAGE + platform} needs glibc ${version} and this system has ${glibc}; use a newer system or image`;
  }
  if (/ERR_ACCESS_DENIED|Access to this API has been restricted/.test(message)) {
    const directory = file === undefined ? 'node_modules' : path.dirname(file);
    return `Node.js runs with --permission, which forbids to read ${directory}; add --allow-fs-read for it and --allow-addons`;
  }
  return `${file ?? PACKAGE + platform} did not load: ${firstLine(message)}`;
}

/** `libraryPlaces` of tests stands for where the system looks. */
function librariesMissing(file, { libraryPlaces }) {
  return require('./windows_libraries.js').missingLibraries(file, libraryPlaces);
}

/** The binary that the loader would take: one beside it, else the package's. */
function findBinary(platform, local) {
  const name = `offloop.${platform}.node`;
  const beside = path.join(local, name);
  if (fs.existsSync(beside)) return beside;
  try {
    return path.join(path.dirname(require.resolve(`${PACKAGE}${platform}/package.json`, { paths: [local] })), name);
  } catch {
    return undefined;
  }
}

/** The architecture in the head of an ELF or PE file or a Mach-O file for 64 bits; undefined for anything else. */
function builtFor(file) {
  const head = readHead(file);
  if (head.length < 64) return undefined;
  if (head.toString('latin1', 0, 4) === '\x7fELF') return ELF_MACHINES[head.readUInt16LE(18)] ?? 'another architecture';
  if (head.readUInt32LE(0) === 0xfeedfacf) return head.readUInt32LE(4) === 0x0100000c ? 'arm64' : 'x64';
  const pe = head.toString('latin1', 0, 2) === 'MZ' ? head.readUInt32LE(60) : head.length;
  if (pe + 6 > head.length) return undefined;
  return { 34404: 'x64', 43620: 'arm64' }[head.readUInt16LE(pe + 4)];
}

function readHead(file) {
  const head = Buffer.alloc(1024);
  try {
    const descriptor = fs.openSync(file, 'r');
    try {
      return head.subarray(0, fs.readSync(descriptor, head, 0, head.length, 0));
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return head.subarray(0, 0);
  }
}

function installFlags(platform) {
  const [os, cpu, libc] = platform.split('-');
  const flags = `--os=${os} --cpu=${cpu}`;
  return os === 'linux' ? `${flags} --libc=${libc === 'musl' ? 'musl' : 'glibc'}` : flags;
}

function firstLine(text) {
  return text.split('\n')[0].replace(/\.$/, '');
}

module.exports = { describeHost, describeLoadFailure, findBinary, PLATFORMS };
