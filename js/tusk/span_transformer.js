'use strict';
// Owns making a clean span of a finished span on the calling thread: for adapters written in JavaScript, which get
// objects. Refuses to filter and to decide what a span that cannot be read costs; it throws.

const { diag } = require('../otel/diag.js');
const { JsonSchemaHelper } = require('./json_schema_helper.js');
const { ATTRIBUTES, OTEL_KIND_SERVER, OTEL_STATUS_OK, StatusCode } = require('./vocabulary.js');

/** Name of the instrumentation scope in spans of the SDK 1.x, 2.x and 3.x. */
function scopeName(span) {
  return (span.instrumentationScope ?? span.instrumentationLibrary)?.name;
}

function parentSpanId(span) {
  return (span.parentSpanContext?.spanId ?? span.parentSpanId) || '';
}

function parsedMerges(text) {
  return text ? JSON.parse(text) : undefined;
}

function payload(text, mergesText) {
  const value = JSON.parse(text);
  return { value, ...JsonSchemaHelper.generateSchemaAndHash(value, parsedMerges(mergesText)) };
}

function transformMetadata(text) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    diag.warn('Offloop: td.transformMetadata could not be parsed', error.name); // its message quotes the payload
    return undefined;
  }
}

/** Makes clean spans. */
// biome-ignore lint/complexity/noStaticOnlyClass: the SDK's public class
class SpanTransformer {
  /**
   * @param span a finished span of any SDK version
   * @param {string} [environment]
   * @returns {object} the clean span: all 26 keys, `kind` as OpenTelemetry numbers it
   * @throws {SyntaxError | TypeError} if input, output, merges or metadata are not JSON text
   */
  static transformSpanToCleanJSON(span, environment) {
    const { attributes, kind, status, startTime, duration } = span;
    const { traceId, spanId } = span.spanContext();
    const packageName = attributes[ATTRIBUTES.PACKAGE_NAME] || 'unknown';
    const input = payload(attributes[ATTRIBUTES.INPUT_VALUE], attributes[ATTRIBUTES.INPUT_SCHEMA_MERGES]);
    const outputText = attributes[ATTRIBUTES.OUTPUT_VALUE];
    const output = outputText ? payload(outputText, attributes[ATTRIBUTES.OUTPUT_SCHEMA_MERGES]) : payload('{}');
    const metadataText = attributes[ATTRIBUTES.METADATA];
    return {
      traceId,
      spanId,
      parentSpanId: parentSpanId(span),
      name: attributes[ATTRIBUTES.NAME],
      packageName,
      instrumentationName:
        attributes[ATTRIBUTES.INSTRUMENTATION_NAME] || `tusk-instrumentation-${scopeName(span) || packageName}`,
      submoduleName: attributes[ATTRIBUTES.SUBMODULE_NAME] || '',
      packageType: attributes[ATTRIBUTES.PACKAGE_TYPE] ?? undefined,
      environment,
      inputValue: input.value,
      outputValue: output.value,
      inputSchema: input.schema,
      outputSchema: output.schema,
      inputSchemaHash: input.decodedSchemaHash,
      outputSchemaHash: output.decodedSchemaHash,
      inputValueHash: input.decodedValueHash,
      outputValueHash: output.decodedValueHash,
      kind,
      status: {
        code: status.code === OTEL_STATUS_OK ? StatusCode.OK : StatusCode.ERROR,
        message: status.message || '',
      },
      isPreAppStart: attributes[ATTRIBUTES.IS_PRE_APP_START] === true,
      timestamp: { seconds: startTime[0], nanos: startTime[1] },
      duration: { seconds: duration[0], nanos: duration[1] },
      isRootSpan: kind === OTEL_KIND_SERVER,
      metadata: metadataText ? JSON.parse(metadataText) : undefined,
      transformMetadata: transformMetadata(attributes[ATTRIBUTES.TRANSFORM_METADATA]),
      protoSpanBytes: undefined,
    };
  }
}

module.exports = { SpanTransformer, scopeName };
