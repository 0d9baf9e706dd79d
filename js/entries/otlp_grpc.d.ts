import { type FixedProtocolConfig, OTLPTraceExporter as AnyTraceExporter } from '../../index';

/** The protocol is `grpc`; `headers` is ignored, `metadata` counts, as with the stock exporter. */
export declare class OTLPTraceExporter extends AnyTraceExporter {
  constructor(config?: FixedProtocolConfig);
}
