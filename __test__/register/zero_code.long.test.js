'use strict';
// What people run without changing code, as they run it: each combination in a project of its own, with the packages as they
// are published, beside the same project without Offloop. The whole list is run by scripts/try/zero_code.mjs.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { check } = require('../helpers/zero_code/check.js');
const { COMBINATIONS } = require('../helpers/zero_code/combinations.js');
const { pack } = require('../helpers/zero_code/packages.js');

const [major, minor] = process.versions.node.split('.').map(Number);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-zero-code-'));
let packed;

before(async () => {
  packed = await pack(path.join(directory, 'packages'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

describe('zero-code', { concurrency: 2 }, () => {
  for (const [nth, combination] of COMBINATIONS.entries()) {
    if (combination.isLong) continue;
    const [leastMajor, leastMinor] = combination.node ?? [0, 0];
    const isTooOld = major < leastMajor || (major === leastMajor && minor < leastMinor);
    const skip = isTooOld && `the 3.x line needs Node >= ${leastMajor}.${leastMinor}`;
    test(`Z1: ${combination.name}: the instances that run, the spans of stock, the lines that say so`, {
      skip,
    }, async (t) => {
      // The other variants of the others are run by the script.
      const wanted = nth === 0 ? undefined : ['register'];
      for (const each of await check(combination, { directory: path.join(directory, String(nth)), packed, wanted }))
        t.diagnostic(each);
    });
  }
});
