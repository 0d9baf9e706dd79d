'use strict';
// Owns getting between a program and the OpenTelemetry packages it loads, by `require` or by `import`.
// Refuses to know the classes: substitutes.js makes what takes their place.

const Module = require('node:module');
const { pathToFileURL } = require('node:url');
const { noteGrpc } = require('./grpc_helpers.js');
const { SENDERS, substituteExports, SUBSTITUTES } = require('./substitutes.js');

const anyOf = (packages) => packages.map((name) => name.replace('/', '[\\\\/]')).join('|');
const names = anyOf(Object.keys(SUBSTITUTES));
const senders = anyOf(SENDERS);
const PACKAGE = new RegExp(`^(${names})$`);
const MAIN_FILE = new RegExp(`[\\\\/](${names})[\\\\/](?:build[\\\\/]src|dist)[\\\\/]index(?:-shim)?\\.c?js$`);
const MAIN_MODULE = new RegExp(`^file:.*/(${names})/dist/index\\.mjs$`);
// What a program asks for by a path into a package.
const CLASS_FILE = new RegExp(
  `[\\\\/](${senders})[\\\\/](?:build[\\\\/]src|dist)[\\\\/](?:platform[\\\\/](?:node[\\\\/])?)?(?:OTLPTraceExporter|index)\\.c?js$`,
);
const CLASS_MODULE = new RegExp(
  `^file:.*/(${senders})/dist/(?:platform/(?:node/)?)?(?:OTLPTraceExporter|index)\\.mjs$`,
);
const GRPC_FILE = /[\\/]@grpc[\\/]grpc-js[\\/]build[\\/]src[\\/]index\.js$/;
const ORIGINAL = '?offloop-original';

/** CommonJS, and packages written in it that an ES module imports. */
function hookRequire() {
  const { _compile: compile } = Module.prototype;
  // Right after a module has run: before `require` returns its exports and before `import` takes them.
  Module.prototype._compile = function offloopCompile(content, filename, ...rest) {
    const result = Reflect.apply(compile, this, [content, filename, ...rest]);
    const [, name] = MAIN_FILE.exec(filename) ?? [];
    const [, sender] = name === undefined ? (CLASS_FILE.exec(filename) ?? []) : [];
    if (name !== undefined) this.exports = substituteExports(nameIn(name), this.exports);
    else if (sender !== undefined) this.exports = substituteExports(nameIn(sender), this.exports, true);
    else if (GRPC_FILE.test(filename)) noteGrpc(this.exports);
    return result;
  };
  const load = Module._load;
  // Packages that were loaded before us, or by a loader that does not compile this way.
  Module._load = function offloopLoad(request, parent, isMain) {
    const loaded = Reflect.apply(load, this, [request, parent, isMain]);
    if (request === '@grpc/grpc-js') noteGrpc(loaded);
    const [, name] = PACKAGE.exec(request) ?? MAIN_FILE.exec(request) ?? [];
    return name === undefined ? loaded : replaced(nameIn(name), request, parent, loaded);
  };
}

/** Names of the packages that were loaded before the hooks. ES modules do not show. */
function loadedPackages() {
  const found = Object.keys(require.cache).map((file) => MAIN_FILE.exec(file)?.[1]);
  return [...new Set(found.filter((name) => name !== undefined).map(nameIn))];
}

/**
 * Puts the substitutes in the place of the stock exporters that were loaded before the hooks: whoever has one of those objects
 * finds the methods of ours on its prototype, and whoever asks for the class again gets ours.
 */
function replaceLoaded() {
  for (const [file, module] of Object.entries(require.cache)) {
    const [, name] = CLASS_FILE.exec(file) ?? [];
    if (name === undefined || module?.loaded !== true) continue;
    module.exports = substituteExports(nameIn(name), module.exports, true);
    for (const key of Object.keys(SUBSTITUTES[nameIn(name)])) Reflect.get(module.exports, key);
  }
}

function nameIn(path) {
  return path.replaceAll('\\', '/');
}

/** The substitute, which also takes the original's place in the cache. */
function replaced(name, request, parent, loaded) {
  let module;
  try {
    module = Module._cache[Module._resolveFilename(request, parent, false)];
  } catch {
    // Somebody else's loader; whoever asked gets the substitute anyway.
  }
  if (module?.loaded === false) return loaded; // a cycle: it has not all its exports yet
  const substitute = substituteExports(name, loaded);
  if (module?.exports === loaded) module.exports = substitute;
  return substitute;
}

/** ES modules (the 3.x line). False where Node.js has no hooks for them. */
function hookImport() {
  if (typeof Module.registerHooks !== 'function') return false;
  Module.registerHooks({
    load(url, context, nextLoad) {
      const [, name] = MAIN_MODULE.exec(url) ?? CLASS_MODULE.exec(url) ?? [];
      if (name === undefined) return nextLoad(url, context);
      return { format: 'module', shortCircuit: true, source: moduleSource(name, url) };
    },
  });
  return true;
}

function moduleSource(name, url) {
  const original = JSON.stringify(url + ORIGINAL);
  const here = JSON.stringify(pathToFileURL(__filename).href);
  const exported = Object.keys(SUBSTITUTES[name]);
  return [
    `import { createRequire } from 'node:module';`,
    `import * as original from ${original};`,
    `export * from ${original};`,
    `const { substituteExports } = createRequire(${here})('./substitutes.js');`,
    `const substitutes = substituteExports(${JSON.stringify(name)}, original);`,
    ...exported.map((key) => `export const ${key} = substitutes.${key};`),
  ].join('\n');
}

module.exports = { hookImport, hookRequire, loadedPackages, replaceLoaded };
