'use strict';
// The long form of proxies.test.js: every way of telling an exporter of its proxy, and every stock exporter that understands it.

const { describe } = require('node:test');
const { AT_ONCE, besideStock, deliveries, faults } = require('../helpers/proxy/matrix.js');

const isLong = true;
describe('F82, F83, F85: exports through a proxy', { concurrency: AT_ONCE }, () => deliveries(isLong));
describe('F84, F86: a proxy that fails', { concurrency: AT_ONCE }, () => faults(isLong));
describe('F85, F86: beside the stock exporters', { concurrency: AT_ONCE }, () => besideStock(isLong));
