// The shortest form that the documentation of sdk-node has, as an ES module.

import { NodeSDK } from '@opentelemetry/sdk-node';

new NodeSDK().start();
