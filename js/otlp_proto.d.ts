export { OTLPTraceExporter } from '../index';
