import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, OTLPTraceExporter } from 'offloop';

const exporter = new OTLPTraceExporter({ exit: { signals: ['SIGTERM', 'SIGINT'] } });

new NodeSDK({ serviceName: 'nextjs-example', spanProcessors: [new BatchSpanProcessor(exporter)] }).start();
