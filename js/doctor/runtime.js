'use strict';
// Owns what is said of Node.js, the platform and the native addon: which binary, and whether it loads.
// It refuses to mend anything; the sentence about a binary that does not load is js/native/load_failure.js's.

const { hasBinding, loadBinding } = require('../native/binding.js');
const { describeHost, findBinary } = require('../native/load_failure.js');
const { engines, version } = require('../../package.json');

/** @returns {boolean} whether the binary loads */
function examineRuntime(section) {
  const host = describeHost();
  section.fact('Offloop', version);
  section.fact('Node.js', `${process.versions.node} (wanted: ${engines.node})`);
  section.fact('platform', host.platform);
  if (process.platform === 'linux') section.fact('libc', host.glibc === undefined ? 'musl' : `glibc ${host.glibc}`);
  for (const name of ['bun', 'deno', 'electron'])
    if (process.versions[name] !== undefined) section.fact(name, process.versions[name]);
  const file = host.override ?? findBinary(host.platform, host.local);
  section.fact('binary', file ?? 'none', host.override === undefined ? null : 'NAPI_RS_NATIVE_LIBRARY_PATH');
  if (hasBinding()) {
    section.find('ok', 'binary_loads', 'the native addon loads');
    return true;
  }
  const sentence = reason();
  const isStock = process.env.OFFLOOP_FALLBACK?.trim().toLowerCase() === 'stock';
  const effect = isStock
    ? 'OFFLOOP_FALLBACK=stock: spans go through the stock exporter, if it is installed'
    : 'without it the constructor of an exporter throws, and offloop/register leaves the stock exporters in place';
  section.find(isStock ? 'warning' : 'problem', 'binary_missing', sentence, effect);
  return false;
}

function reason() {
  try {
    loadBinding();
  } catch ({ message }) {
    return message.replace(/^offloop: /, '');
  }
  return '';
}

module.exports = { examineRuntime };
