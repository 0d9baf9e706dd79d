// A recorded call as the record/replay SDK makes it: a span whose attributes hold the whole input and output as JSON.
// It is parsed, hashed and written by native threads; one file of JSON lines per trace in ./recorded.
const fs = require('node:fs');
const { SpanKind } = require('@opentelemetry/api');
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { TdSpanExporter, TuskDriftMode } = require('offloop/tusk');

const exporter = new TdSpanExporter({
  baseDirectory: 'recorded',
  mode: TuskDriftMode.RECORD,
  useRemoteExport: false,
  tuskBackendBaseUrl: '',
  sdkVersion: '1.0.0',
  sdkInstanceId: 'example',
});
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: `customer ${id}` }));
const span = provider.getTracer('tusk-drift-sdk').startSpan('SELECT * FROM customers', { kind: SpanKind.CLIENT });
span.setAttributes({
  'td.name': 'pg.query',
  'td.packageName': 'pg',
  'td.instrumentationName': 'PgInstrumentation',
  'td.submodule': 'query',
  'td.inputValue': JSON.stringify({ text: 'SELECT * FROM customers', values: [] }),
  'td.outputValue': JSON.stringify({ rows }),
});
span.end();

provider.shutdown().then(() => {
  for (const name of fs.readdirSync('recorded')) {
    const [line] = fs.readFileSync(`recorded/${name}`, 'utf8').split('\n');
    const { packageName, outputValueHash } = JSON.parse(line);
    console.log(packageName, outputValueHash);
  }
});
