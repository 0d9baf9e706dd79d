'use strict';
// What exit_matrix_grpc.test.js leaves out.

const { describe } = require('node:test');
const { surviveEnds } = require('../helpers/exit_matrix.js');

const named = ['an exporter', 'an exporter that copies long texts in later turns'];
for (const protocol of ['gRPC with TLS', "gRPC by Node's http2", 'gRPC by @grpc/grpc-js'])
  describe(`300 of 300 spans arrive or are counted, held otherwise: ${protocol}`, { concurrency: 3 }, () =>
    surviveEnds(protocol, { named }),
  );
