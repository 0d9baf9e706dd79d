'use strict';
// The shortest form that the documentation of sdk-node has: the environment says what is exported, and how.

const { NodeSDK } = require('@opentelemetry/sdk-node');

new NodeSDK().start();
