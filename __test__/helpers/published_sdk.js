'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const file = path.join(__dirname, '../tusk-sdk/node_modules/@use-tusk/drift-node-sdk/dist/index.cjs');

const NAMES = [
  'TdSpanExporter',
  'SpanTransformer',
  'JsonSchemaHelper',
  'ApiSpanAdapter',
  'FilesystemSpanAdapter',
  'TraceBlockingManager',
  'ExportSpansRequest',
];

/** Inner classes of the published SDK; its entry exports none of them, so the same file is run with one more line. */
function loadPublishedSdk() {
  const sdk = new Module(file, module);
  sdk.filename = file;
  sdk.paths = Module._nodeModulePaths(path.dirname(file));
  sdk._compile(`${fs.readFileSync(file, 'utf8')}\nmodule.exports = { ${NAMES.join(', ')} };`, file);
  return sdk.exports;
}

const isInstalled = fs.existsSync(file);

module.exports = { isInstalled, loadPublishedSdk };
