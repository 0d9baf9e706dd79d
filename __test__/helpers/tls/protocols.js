'use strict';
// Owns the protocols that the TLS matrix is for: over each, a server of a row and two verdicts on it, `node` by what Node.js or
// the stock exporter makes of it, and `ours`. `refused` is the code of a chain that ends at no root, `module` which of Node's
// goes on where only OpenSSL can judge, and `rarer` says how many times fewer rows the short form has.

const NODE_MAJOR = Number(process.versions.node.split('.')[0]);

const PROTOCOLS = {
  HTTP: {
    ...require('./serve.js'),
    module: 'https',
    refused: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    rarer: 1,
    hosts: ['localhost', '127.0.0.1'],
  },
  // @grpc/grpc-js gives TLS the host of an address as a name, which Node 26 refuses.
  gRPC: {
    ...require('./grpc.js'),
    module: 'http2',
    refused: '14',
    rarer: 3,
    hosts: NODE_MAJOR < 26 ? ['localhost', '127.0.0.1'] : ['localhost'],
  },
};

module.exports = { PROTOCOLS };
