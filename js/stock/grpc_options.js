'use strict';
// Owns what the stock exporter over gRPC is told of options that only ours takes: metadata and credentials as plain data,
// and `headers`.
// Refuses to read anything twice: the stock exporter keeps what it is given.

const path = require('node:path');
const { describeCredentials } = require('../config/grpc/credentials.js');
const { GrpcMetadata } = require('../config/grpc/metadata_values.js');
const { diag } = require('../otel/diag.js');

/**
 * @param {object} config of the user
 * @param {boolean} takesHeaders whether `headers` is metadata
 * @param {string} stockFile a file of the stock package, which has @grpc/grpc-js beside it
 */
function stockGrpcOptions(config, takesHeaders, stockFile) {
  const { metadata, credentials } = config;
  const options = { ...config, credentials: stockCredentials(credentials, stockFile) };
  const headers = takesHeaders ? config.headers : undefined;
  if (headers != null || (metadata != null && typeof metadata.clone !== 'function'))
    options.metadata = stockMetadata(metadata, headers);
  return options;
}

function stockMetadata(...sources) {
  const merged = new GrpcMetadata();
  for (const source of sources) {
    if (source == null) continue;
    if (typeof source === 'function') {
      diag.warn('Offloop: a function of metadata has no effect with OFFLOOP_FALLBACK=stock');
      continue;
    }
    const values = typeof source.getMap === 'function' ? source.getMap() : source;
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined || merged.get(key).length > 0) continue;
      merged.set(key, value instanceof Uint8Array ? Buffer.from(value) : String(value));
    }
  }
  return merged;
}

function stockCredentials(credentials, stockFile) {
  const described = describeCredentials(credentials);
  if (described === null || described.object !== null) return credentials;
  const grpc = require(require.resolve('@grpc/grpc-js', { paths: [path.dirname(stockFile)] }));
  if (described.kind === 'insecure') return grpc.credentials.createInsecure();
  const { rootCerts, privateKey, certChain, verifyOptions } = described;
  return grpc.credentials.createSsl(rootCerts, privateKey, certChain, verifyOptions);
}

module.exports = { stockGrpcOptions };
