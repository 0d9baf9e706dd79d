export { OTLPTraceExporter } from 'offloop/otlp-grpc';
