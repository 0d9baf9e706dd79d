export { OTLPTraceExporter } from 'offloop/otlp-proto';
