'use strict';
// Owns the Next.js project: built once, as a deployment does it, and started in each variant from a copy of the build.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { unpack } = require('./packages.js');
const { copyPrograms, copyTree, standIn } = require('./project.js');

const run = promisify(execFile);
const builds = new Map(); // directory -> Promise of its build

/** @param {object} options as those of `makeProject`; `files` is one folder, whose content is the project */
async function makeNextProject(directory, packed, { installed, files, env, hasBinding = true, isOverridden = false }) {
  const [folder] = files;
  const place = path.join(path.dirname(directory), 'built');
  if (!builds.has(place)) builds.set(place, build(place, packed, installed[0], folder, env));
  await builds.get(place);
  copyTree(place, directory);
  const modules = path.join(directory, 'node_modules');
  if (isOverridden) await standIn(modules, packed);
  if (!hasBinding) fs.rmSync(path.join(modules, '@offloop'), { recursive: true });
}

async function build(directory, packed, installed, folder, more) {
  // Its compiler follows no link that leads out of the project.
  copyTree(path.join(installed, 'node_modules'), path.join(directory, 'node_modules'));
  copyPrograms([folder], directory);
  for (const name of fs.readdirSync(path.join(directory, folder)))
    fs.renameSync(path.join(directory, folder, name), path.join(directory, name));
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  await unpack(packed.offloop, path.join(directory, 'node_modules', 'offloop'));
  await unpack(packed.binding, path.join(directory, 'node_modules', ...packed.bindingName.split('/')));
  const env = { ...process.env, ...more, NODE_ENV: 'production' };
  try {
    await run(process.execPath, ['node_modules/next/dist/bin/next', 'build'], { cwd: directory, env });
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
  }
}

module.exports = { makeNextProject };
