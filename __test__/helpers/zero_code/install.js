'use strict';
// Owns projects that another package manager than npm installs: pnpm, whose packages see nothing that they do not name, and
// Yarn with Plug'n'Play, whose packages stay in archives. Versions come from the lock file in the folder of the combination.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { promisify } = require('node:util');
const { root, STAND_INS } = require('./packages.js');
const { copyPrograms } = require('./project.js');
const { startRegistry } = require('./registry.js');

const run = promisify(execFile);
const PNPM = 'pnpm@10.34.9';
const YARN = '@yarnpkg/cli-dist@4.18.1';
const cache = path.join(root, '.cache', 'zero-code');

/** @param {object} options as those of `makeProject`; its one folder in `installed` has a manifest and a lock file */
async function makePnpmProject(directory, packed, { installed, files, hasBinding = true, isOverridden = false }) {
  await inProject(directory, packed, installed[0], files, async (manifest, registry) => {
    const standIns = isOverridden ? standInVersions() : {};
    manifest.pnpm = { overrides: { ...standIns, offloop: `file:${packed.offloop}` } };
    fs.writeFileSync(path.join(directory, '.npmrc'), `@offloop:registry=${registry.origin}/\n`);
    write(manifest, directory);
    const args = ['install', '--no-frozen-lockfile', '--prefer-offline', '--ignore-scripts'];
    const store = ['--config.manage-package-manager-versions=false', '--store-dir', path.join(cache, 'pnpm-store')];
    const optional = hasBinding ? [] : ['--no-optional'];
    await run(process.execPath, [await programOf(PNPM, 'bin/pnpm.cjs'), ...args, ...store, ...optional], {
      cwd: directory,
      env: { ...process.env, CI: 'true' },
    });
  });
}

async function makePnpProject(directory, packed, { installed, files, hasBinding = true, isOverridden = false }) {
  await inProject(directory, packed, installed[0], files, async (manifest, registry) => {
    const standIns = isOverridden ? standInVersions() : {};
    manifest.resolutions = { ...standIns, offloop: `file:${packed.offloop}` };
    write(manifest, directory);
    const settings = {
      cacheFolder: archivesOfYarn(),
      enableGlobalCache: false,
      globalFolder: path.join(directory, '.yarn', 'global'), // what it knows of registries, and of ours by its port
      enableImmutableInstalls: false,
      enableScripts: false,
      enableTelemetry: false,
      nodeLinker: 'pnp',
      npmRegistryServer: await registryOfNpm(),
      npmScopes: { offloop: { npmMinimalAgeGate: '0', npmRegistryServer: registry.origin } },
      unsafeHttpWhitelist: ['127.0.0.1'],
      // A platform that no binary is for.
      ...(!hasBinding && { supportedArchitectures: { os: ['aix'], cpu: ['ppc64'] } }),
    };
    fs.writeFileSync(path.join(directory, '.yarnrc.yml'), JSON.stringify(settings)); // JSON is YAML
    await run(process.execPath, [await programOf(YARN, 'bin/yarn.js'), 'install'], { cwd: directory });
  });
}

/** Shared by all projects, without what was built here: that has one version, and changes. */
function archivesOfYarn() {
  const folder = path.join(cache, 'yarn-cache');
  fs.mkdirSync(folder, { recursive: true });
  for (const name of fs.readdirSync(folder).filter((each) => /^@?offloop-/.test(each)))
    fs.rmSync(path.join(folder, name));
  return folder;
}

/** Without an outer project: both look for one in the folders above. */
async function inProject(directory, packed, folder, files, install) {
  fs.mkdirSync(directory, { recursive: true });
  for (const name of fs.readdirSync(folder)) fs.copyFileSync(path.join(folder, name), path.join(directory, name));
  copyPrograms(files, directory);
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  manifest.dependencies.offloop = `file:${packed.offloop}`;
  const registry = await startRegistry(packed);
  try {
    await install(manifest, registry);
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
  } finally {
    await registry.close();
  }
}

function standInVersions() {
  const { version } = require('../../../package.json');
  return Object.fromEntries(
    STAND_INS.map((name) => [
      `@opentelemetry/exporter-trace-otlp-${name}`,
      `npm:@offloop/exporter-trace-otlp-${name}@${version}`,
    ]),
  );
}

function write(manifest, directory) {
  fs.writeFileSync(path.join(directory, 'package.json'), JSON.stringify(manifest, null, 2));
}

async function programOf(spec, file) {
  const { fetched } = await import(pathToFileURL(path.join(root, 'scripts', 'build', 'fetched.mjs')).href);
  const name = spec.slice(0, spec.lastIndexOf('@'));
  return path.join(fetched(`zero-code/${path.basename(name)}`, [spec]), 'node_modules', name, file);
}

/** Whatever npm on this machine is set up with. */
async function registryOfNpm() {
  const { npmCommand } = await import(pathToFileURL(path.join(root, 'scripts', 'build', 'project.mjs')).href);
  const [npm, ...first] = npmCommand();
  const { stdout } = await run(npm, [...first, 'config', 'get', 'registry']);
  return stdout.trim();
}

module.exports = { makePnpmProject, makePnpProject };
