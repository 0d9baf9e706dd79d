'use strict';
// What a team preloads with `node --require` to have traces and block spans of a service that stays as it is.

const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { BatchSpanProcessor, EventLoopMonitor, OTLPTraceExporter } = require('offloop');

const processor = new BatchSpanProcessor(new OTLPTraceExporter());
const sdk = new NodeSDK({ spanProcessors: [processor], instrumentations: [getNodeAutoInstrumentations()] });
sdk.start();
new EventLoopMonitor({ processor, thresholdMillis: 40 }).enable();
