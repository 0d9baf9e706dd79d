// An ES module that puts processor and exporter together by itself.

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK, tracing } from '@opentelemetry/sdk-node';

const { BatchSpanProcessor } = tracing;
new NodeSDK({ serviceName: 'shop', spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] }).start();
