'use strict';
// Proxies and whole processes: Node's own switch, which is read when a process starts, how processes end whose spans go through a
// proxy, and whom a process trusts. The long form is proxies_process.long.test.js.

const { describe } = require('node:test');
const { AT_ONCE, ends, overTls, switches } = require('../helpers/proxy/processes.js');
const { HAS_PROXY_ENV } = require('../helpers/proxy/ways.js');

const isLong = false;
const ofSwitch = { concurrency: AT_ONCE, skip: !HAS_PROXY_ENV && 'this Node.js has no such switch' };
describe("F7, F82: Node's own switch", ofSwitch, () => switches(isLong));
describe('F82: how a process ends', { concurrency: AT_ONCE }, () => ends(isLong));
describe('F82, F84: proxies over TLS', { concurrency: AT_ONCE }, () => overTls(isLong));
