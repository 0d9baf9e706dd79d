'use strict';
// NodeSDK with the instrumentations of its ecosystem, as the documentation has it.

const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const { NodeSDK } = require('@opentelemetry/sdk-node');

const sdk = new NodeSDK({ instrumentations: [getNodeAutoInstrumentations()] });
sdk.start();
process.once('beforeExit', () => sdk.shutdown());
