'use strict';
// Owns the names and numbers that recorder, files and backend agree on (drift-schemas 0.1.30): attributes, enums.
// Refuses to hold behaviour.

const LIBRARY_NAME = 'tusk-drift-sdk'; // spans of any other library are not recorded

const ATTRIBUTES = Object.freeze({
  NAME: 'td.name',
  PACKAGE_TYPE: 'td.packageType',
  PACKAGE_NAME: 'td.packageName',
  INSTRUMENTATION_NAME: 'td.instrumentationName',
  SUBMODULE_NAME: 'td.submodule',
  IS_PRE_APP_START: 'td.isPreAppStart',
  INPUT_VALUE: 'td.inputValue',
  OUTPUT_VALUE: 'td.outputValue',
  INPUT_SCHEMA_MERGES: 'td.inputSchemaMerges',
  OUTPUT_SCHEMA_MERGES: 'td.outputSchemaMerges',
  METADATA: 'td.metadata',
  TRANSFORM_METADATA: 'td.transformMetadata',
});

const TuskDriftMode = Object.freeze({ DISABLED: 'DISABLED', RECORD: 'RECORD', REPLAY: 'REPLAY' });

/** An enum as generated code has it: names to numbers and back. */
function enumOf(...names) {
  const result = {};
  names.forEach((name, number) => {
    result[name] = number;
    result[number] = name;
  });
  return Object.freeze(result);
}

const JsonSchemaType = enumOf(
  'UNSPECIFIED',
  'NUMBER',
  'STRING',
  'BOOLEAN',
  'NULL',
  'UNDEFINED',
  'OBJECT',
  'ORDERED_LIST',
  'UNORDERED_LIST',
  'FUNCTION',
);

const EncodingType = enumOf('UNSPECIFIED', 'BASE64');

const DecodedType = enumOf(
  'UNSPECIFIED',
  'JSON',
  'HTML',
  'CSS',
  'JAVASCRIPT',
  'XML',
  'YAML',
  'MARKDOWN',
  'CSV',
  'SQL',
  'GRAPHQL',
  'PLAIN_TEXT',
  'FORM_DATA',
  'MULTIPART_FORM',
  'PDF',
  'AUDIO',
  'VIDEO',
  'GZIP',
  'BINARY',
  'JPEG',
  'PNG',
  'GIF',
  'WEBP',
  'SVG',
  'ZIP',
);

const StatusCode = enumOf('UNSPECIFIED', 'OK', 'ERROR');

const OTEL_KIND_SERVER = 1;
const OTEL_STATUS_OK = 1;
const OTEL_STATUS_ERROR = 2;

/** OpenTelemetry's span kind as the schemas number it: INTERNAL 0 becomes 1, and so on; anything else 0. */
function schemaKind(kind) {
  return Number.isInteger(kind) && kind >= 0 && kind <= 4 ? kind + 1 : 0;
}

const SUCCESS = 0;
const FAILED = 1;

module.exports = {
  ATTRIBUTES,
  DecodedType,
  EncodingType,
  FAILED,
  JsonSchemaType,
  LIBRARY_NAME,
  OTEL_KIND_SERVER,
  OTEL_STATUS_ERROR,
  OTEL_STATUS_OK,
  StatusCode,
  SUCCESS,
  schemaKind,
  TuskDriftMode,
};
