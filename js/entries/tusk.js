'use strict';
// The record/replay exporter: what an SDK that records whole payloads plugs in at source level. Types: tusk.d.ts.

const { ApiSpanAdapter } = require('../tusk/api_span_adapter.js');
const { CallbackSpanAdapter } = require('../tusk/callback_span_adapter.js');
const { DriftBatchSpanProcessor } = require('../tusk/drift_batch_span_processor.js');
const { FilesystemSpanAdapter } = require('../tusk/filesystem_span_adapter.js');
const {
  InMemorySpanAdapter,
  clearRegisteredInMemoryAdapters,
  registerInMemoryAdapter,
  setSpanExporterSource,
  unregisterInMemoryAdapter,
} = require('../tusk/in_memory_span_adapter.js');
const { JsonSchemaHelper } = require('../tusk/json_schema_helper.js');
const { CircuitBreaker, NonRetryableError, withRetries } = require('../tusk/resilience.js');
const {
  buildExportSpansRequestBytes,
  buildSpanProtoBytes,
  getRustCoreStartupStatus,
  processExportPayloadJsonable,
} = require('../tusk/rust_core_binding.js');
const { SpanTransformer } = require('../tusk/span_transformer.js');
const { TdSpanExporter } = require('../tusk/td_span_exporter.js');
const { TraceBlockingManager } = require('../tusk/trace_blocking_manager.js');
const { DecodedType, EncodingType, JsonSchemaType, TuskDriftMode } = require('../tusk/vocabulary.js');

module.exports = {
  ApiSpanAdapter,
  buildExportSpansRequestBytes,
  buildSpanProtoBytes,
  CallbackSpanAdapter,
  CircuitBreaker,
  clearRegisteredInMemoryAdapters,
  DecodedType,
  DriftBatchSpanProcessor,
  EncodingType,
  FilesystemSpanAdapter,
  getRustCoreStartupStatus,
  InMemorySpanAdapter,
  JsonSchemaHelper,
  JsonSchemaType,
  NonRetryableError,
  processExportPayloadJsonable,
  registerInMemoryAdapter,
  setSpanExporterSource,
  SpanTransformer,
  TdSpanExporter,
  TraceBlockingManager,
  TuskDriftMode,
  unregisterInMemoryAdapter,
  withRetries,
};
