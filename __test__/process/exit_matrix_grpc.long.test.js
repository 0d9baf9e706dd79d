'use strict';
// What exit_matrix_grpc.test.js leaves out.

const { describe } = require('node:test');
const { surviveEnds } = require('../helpers/exit_matrix.js');

describe('300 of 300 spans survive over gRPC with TLS, held otherwise', { concurrency: 3 }, () =>
  surviveEnds('gRPC with TLS', { named: ['an exporter', 'an exporter that copies long texts in later turns'] }),
);
