'use strict';

module.exports = require('offloop/otlp-grpc');
