'use strict';
// Owns a project of its own for one run: a program, what it depends on, and Offloop as its users install it.

const fs = require('node:fs');
const path = require('node:path');
const { root, STAND_INS, unpack } = require('./packages.js');

const programs = path.join(__dirname, 'programs');
const STOCK = '@opentelemetry/exporter-trace-otlp-';

/**
 * Makes `directory`: the files `programs`, what is installed in `installed` (a folder with node_modules), and Offloop.
 *
 * - `hasBinding: false` leaves the package with the addon out, as `--omit=optional` does;
 * - `isOverridden` has the stand-ins wherever a stock exporter was, as `overrides` of package.json have it.
 */
async function makeProject(directory, packed, { installed, files, hasBinding = true, isOverridden = false }) {
  const modules = path.join(directory, 'node_modules');
  fs.mkdirSync(modules, { recursive: true });
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  copyPrograms(files, directory);
  for (const from of installed) {
    // A package finds others from where it really is: only in a copy does it find the stand-ins.
    if (isOverridden) copyTree(path.join(from, 'node_modules'), modules);
    else linkPackages(path.join(from, 'node_modules'), modules);
  }
  if (isOverridden) await standIn(modules, packed);
  await unpack(packed.offloop, path.join(modules, 'offloop'));
  if (hasBinding) await unpack(packed.binding, path.join(modules, ...packed.bindingName.split('/')));
  return directory;
}

function copyPrograms(files, directory) {
  for (const file of files) fs.cpSync(path.join(programs, file), path.join(directory, file), { recursive: true });
}

function linkPackages(from, to) {
  for (const name of packagesIn(from)) {
    const place = path.join(to, ...name.split('/'));
    if (fs.existsSync(place)) continue;
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.symlinkSync(path.join(from, ...name.split('/')), place, 'junction');
  }
}

/** `name` and `@scope/name` of every package directly in a node_modules. */
function packagesIn(modules) {
  const visible = (directory) => fs.readdirSync(directory).filter((name) => !name.startsWith('.'));
  return visible(modules).flatMap((name) =>
    name.startsWith('@') ? visible(path.join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

/** Links files where it can: a tree has tens of thousands. */
function copyTree(from, to) {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, place] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, place);
    else if (!fs.existsSync(place)) linkFile(source, place);
  }
}

function linkFile(source, place) {
  try {
    fs.linkSync(source, place);
  } catch {
    fs.copyFileSync(source, place); // another file system, or a symbolic link
  }
}

async function standIn(modules, packed) {
  for (const name of STAND_INS) {
    for (const place of placesOf(modules, `${STOCK}${name}`)) {
      fs.rmSync(place, { recursive: true });
      await unpack(packed[name], place);
    }
  }
}

/** Every place of a package in a tree of node_modules. */
function placesOf(modules, wanted) {
  return packagesIn(modules).flatMap((name) => {
    const place = path.join(modules, ...name.split('/'));
    if (name === wanted) return [place];
    const inner = path.join(place, 'node_modules');
    return fs.existsSync(inner) ? placesOf(inner, wanted) : [];
  });
}

module.exports = { copyPrograms, copyTree, makeProject, root, standIn };
