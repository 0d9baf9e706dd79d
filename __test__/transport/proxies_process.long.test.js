'use strict';
// The long form of proxies_process.test.js.

const { describe } = require('node:test');
const { AT_ONCE, ends, overTls, switches } = require('../helpers/proxy/processes.js');
const { HAS_PROXY_ENV } = require('../helpers/proxy/ways.js');

const isLong = true;
const ofSwitch = { concurrency: AT_ONCE, skip: !HAS_PROXY_ENV && 'this Node.js has no such switch' };
describe("F7, F82: Node's own switch", ofSwitch, () => switches(isLong));
describe('F82: how a process ends', { concurrency: AT_ONCE }, () => ends(isLong));
describe('F82, F84: proxies over TLS', { concurrency: AT_ONCE }, () => overTls(isLong));
