'use strict';

const path = require('node:path');

/** Where a server of this machine listens without a port: a file in `directory`, on Windows a pipe named after it. */
function localSocket(directory, name = 'collector.sock') {
  if (process.platform === 'win32') return `\\\\.\\pipe\\${path.basename(directory)}-${name}`;
  return path.join(directory, name);
}

module.exports = { localSocket };
