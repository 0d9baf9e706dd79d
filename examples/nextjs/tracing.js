import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } from 'offloop';

const exit = { signals: ['SIGTERM', 'SIGINT'] };
// Without a collector the spans go to files, which `npx --no-install offloop stats spans` shows.
const hasCollector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
const exporter = hasCollector ? new OTLPTraceExporter({ exit }) : new FileSpanExporter({ directory: 'spans', exit });

new NodeSDK({ serviceName: 'nextjs-example', spanProcessors: [new BatchSpanProcessor(exporter)] }).start();
