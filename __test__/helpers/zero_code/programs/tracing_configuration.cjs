'use strict';
// Everything is said by the file that OTEL_CONFIG_FILE names.

const { startNodeSDK } = require('@opentelemetry/sdk-node');

startNodeSDK({});
