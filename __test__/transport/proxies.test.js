'use strict';
// HTTP proxies between an exporter and its collector: a scripted one, over each transport and by each sender. The long form,
// proxies.long.test.js, has every way of telling an exporter of its proxy, and every stock exporter that understands it.

const { describe } = require('node:test');
const { AT_ONCE, besideStock, deliveries, faults } = require('../helpers/proxy/matrix.js');

const isLong = false;
describe('F82: exports through a proxy', { concurrency: AT_ONCE }, () => deliveries(isLong));
describe('F84: a proxy that fails', { concurrency: AT_ONCE }, () => faults(isLong));
describe('F85: beside the stock exporters', { concurrency: AT_ONCE }, () => besideStock(isLong));
