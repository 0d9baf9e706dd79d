'use strict';
// The matrix of exit_matrix.test.js over gRPC: plain, and with TLS for what most programs have, a processor. The rest of it
// is in exit_matrix_grpc.long.test.js. What Node or @grpc/grpc-js has to send arrives at ends that leave turns of the event
// loop, and is counted at the others, which do not wait for it.

const { describe } = require('node:test');
const { surviveEnds } = require('../helpers/exit_matrix.js');

describe('300 of 300 spans survive over gRPC (R63, R64)', { concurrency: 3 }, () => surviveEnds('gRPC'));

describe('300 of 300 spans survive over gRPC with TLS (R63, R64)', { concurrency: 3 }, () =>
  surviveEnds('gRPC with TLS', { named: ['a processor'] }),
);

for (const protocol of ["gRPC by Node's http2", 'gRPC by @grpc/grpc-js'])
  describe(`300 of 300 spans arrive or are counted: ${protocol}`, { concurrency: 3 }, () =>
    surviveEnds(protocol, { named: ['a processor'] }),
  );
