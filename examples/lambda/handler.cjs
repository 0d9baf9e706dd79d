// A function is frozen when it has answered: nothing is sent after that. So flush before answering, and bound the time.
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } = require('offloop');

// Without a collector the spans go to files, which `npx --no-install offloop stats spans` shows.
const hasCollector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
const exporter = hasCollector
  ? new OTLPTraceExporter({ timeoutMillis: 2000 })
  : new FileSpanExporter({ directory: 'spans' });
const processor = new BatchSpanProcessor(exporter);
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('function');

exports.handler = async (event, context) => {
  const span = tracer.startSpan('handle', { attributes: { 'faas.invocation_id': context.awsRequestId } });
  try {
    return { statusCode: 200, body: `hello ${event.name}` };
  } finally {
    span.end();
    await processor.forceFlush().catch((error) => console.error(error.message));
  }
};
