import { type FixedProtocolConfig, OTLPTraceExporter as AnyTraceExporter } from '../../index';

/** The wire format is `http/protobuf`. */
export declare class OTLPTraceExporter extends AnyTraceExporter {
  constructor(config?: FixedProtocolConfig);
}
