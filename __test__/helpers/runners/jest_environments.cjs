'use strict';
// Environments of jest that say what the process holds when a test file has ended: from outside of it, where its globals end.

const path = require('node:path');
const { record } = require('./suite.cjs');

/** The environment `name` of jest, which records as `kind`. */
module.exports = (name, kind) => {
  const { TestEnvironment } = require(path.join(process.env.RUNNERS, name));
  return class Recording extends TestEnvironment {
    async teardown() {
      await super.teardown();
      await record(kind);
    }
  };
};
