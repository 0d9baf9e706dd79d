export { OTLPTraceExporter } from 'offloop/otlp-http';
