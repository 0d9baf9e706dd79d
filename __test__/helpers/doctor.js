'use strict';
// Owns running `offloop` as a user does: in a process of its own, in a project made for the test, with an environment that the
// machine has no part in.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { copyPackage } = require('./package_copy.js');

const root = path.join(__dirname, '..', '..');
const COMMAND = path.join(root, 'bin', 'offloop.js');
const OF_THE_MACHINE = /^(OTEL_|OFFLOOP_|GRPC_|NODE_|SSL_|NO_COLOR$|FORCE_COLOR$|NAPI_RS_)|_proxy$/i;

/** What of this process's environment a command gets: where programs are, and where the addon under test is. */
function plainEnvironment() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_MACHINE.test(name)));
  const { NAPI_RS_NATIVE_LIBRARY_PATH: addon } = process.env;
  return addon === undefined ? env : { ...env, NAPI_RS_NATIVE_LIBRARY_PATH: addon };
}

/** `{ code, signal, stdout, stderr }` of `offloop` with `words`. */
function runCommand(words, { cwd = os.tmpdir(), env = {}, command = COMMAND, nodeArguments = [], onStart } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeArguments, command, ...words], {
      cwd,
      env: { ...plainEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const name of Object.keys(output)) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text) => {
        output[name] += text;
      });
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...output });
    });
    onStart?.(child);
  });
}

/** The report of `offloop doctor --json`, with the exit code. */
async function runDoctor(words, options) {
  const { code, stdout, stderr } = await runCommand(['doctor', '--json', ...words], options);
  if (stderr !== '' || stdout === '') throw new Error(`offloop doctor said: ${stderr || 'nothing'}`);
  const report = JSON.parse(stdout);
  const findings = report.sections.flatMap((section) => section.findings);
  const facts = report.sections.flatMap((section) => section.facts);
  return { code, report, findings, facts, fact: (wanted) => facts.find(({ name }) => name === wanted) };
}

/**
 * A project of `files`: path -> content, or for a package.json its fields; Offloop is in its node_modules. It goes
 * when the test ends.
 */
function makeProject(t, files = {}, { withOffloop = true } = {}) {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-project-')));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const all = { 'package.json': { name: 'shop' }, ...files };
  for (const [name, content] of Object.entries(all)) {
    const file = path.join(directory, ...name.split('/'));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  const modules = path.join(directory, 'node_modules');
  fs.mkdirSync(modules, { recursive: true });
  if (withOffloop) installOffloop(path.join(modules, 'offloop'));
  return directory;
}

function installOffloop(place) {
  try {
    fs.symlinkSync(root, place, 'junction');
  } catch (error) {
    if (error.code !== 'ENOTSUP') throw error; // Wine makes no junctions
    copyPackage(place);
  }
}

/** Files of a package in node_modules of `home`. */
function packageFiles(name, version, more = {}, home = '') {
  return { [`${home}node_modules/${name}/package.json`]: { name, version, ...more } };
}

module.exports = { COMMAND, makeProject, packageFiles, plainEnvironment, root, runCommand, runDoctor };
