'use strict';
// Owns opening an address in the user's browser, by what the platform has for it.

const { spawn } = require('node:child_process');

/** @param {string} address whose characters mean nothing to a shell */
function commandFor(address, platform = process.platform) {
  if (platform === 'darwin') return { file: 'open', words: [address] };
  // `start` belongs to the shell; its first word in quotes is the title of a window.
  if (platform === 'win32')
    return { file: 'cmd.exe', words: ['/d', '/s', '/c', `start "" "${address}"`], isVerbatim: true };
  return { file: 'xdg-open', words: [address] };
}

/** @returns {Promise<boolean>} false if there is nothing to open it with; true as soon as it has started and not failed */
function openBrowser(address, { file, words, isVerbatim = false } = commandFor(address)) {
  return new Promise((resolve) => {
    const child = started(file, words, {
      stdio: 'ignore',
      detached: true, // a browser that was started lives on
      windowsHide: true,
      windowsVerbatimArguments: isVerbatim,
    });
    if (child === null) {
      resolve(false);
      return;
    }
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
    child.unref();
  });
}

/** Null if it cannot be: Node.js tells some failures by an event and throws others, as where PATH leads to no directory. */
function started(file, words, options) {
  try {
    return spawn(file, words, options);
  } catch {
    return null;
  }
}

module.exports = { commandFor, openBrowser };
