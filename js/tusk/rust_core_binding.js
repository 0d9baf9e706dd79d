'use strict';
// Owns the SDK's names for native help with single payloads and spans, and the switch that turns it off.
// Refuses to have semantics of its own: every answer is that of the JavaScript reference, so hashes match at replay.

const { encodeRequest, encodeSpan } = require('./clean_span_proto.js');
const { JsonSchemaHelper } = require('./json_schema_helper.js');

const ON = ['1', 'true', 'yes', 'on'];
const OFF = ['0', 'false', 'no', 'off'];

let decision = null; // once, at first use

function decide() {
  const rawEnv = process.env.TUSK_USE_RUST_CORE || null;
  const word = rawEnv?.trim().toLowerCase();
  if (rawEnv === null) return { enabled: true, reason: 'default_on', rawEnv };
  if (OFF.includes(word)) return { enabled: false, reason: 'env_disabled', rawEnv };
  return { enabled: true, reason: ON.includes(word) ? 'env_enabled' : 'invalid_env_value_defaulted', rawEnv };
}

function isEnabled() {
  decision ??= decide();
  return decision.enabled;
}

/** Whether the native half of this package can be used. */
function getRustCoreStartupStatus() {
  let bindingError = null;
  let bindingLoaded = false;
  if (isEnabled()) {
    try {
      require('../native/binding.js').loadBinding();
      bindingLoaded = true;
    } catch (error) {
      bindingError = `${error.name}: ${error.message}`;
    }
  }
  return { ...decision, bindingLoaded, bindingError };
}

/** What `work` makes, or null when it is switched off or fails. */
function attempt(work) {
  if (!isEnabled()) return null;
  try {
    return work();
  } catch {
    return null;
  }
}

function processExportPayloadJsonable(payload, schemaMerges) {
  return attempt(() => {
    const { schema, decodedValueHash, decodedSchemaHash } = JsonSchemaHelper.generateSchemaAndHash(
      payload,
      schemaMerges,
    );
    return { normalizedValue: payload, decodedValueHash, decodedSchema: schema, decodedSchemaHash };
  });
}

/** @param input as the SDK's: `kind` as the schemas number it, times and status in members of their own */
function buildSpanProtoBytes(input) {
  return attempt(() => {
    const { kind, statusCode, statusMessage, environment } = input;
    const span = {
      ...input,
      kind: kind - 1,
      status: { code: statusCode, message: statusMessage },
      timestamp: { seconds: input.timestampSeconds, nanos: input.timestampNanos },
      duration: { seconds: input.durationSeconds, nanos: input.durationNanos },
    };
    return encodeSpan(span, environment);
  });
}

function buildExportSpansRequestBytes(observableServiceId, environment, sdkVersion, sdkInstanceId, spans) {
  return attempt(() => encodeRequest({ observableServiceId, environment, sdkVersion, sdkInstanceId }, spans));
}

module.exports = {
  buildExportSpansRequestBytes,
  buildSpanProtoBytes,
  getRustCoreStartupStatus,
  processExportPayloadJsonable,
};
