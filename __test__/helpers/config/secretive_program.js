'use strict';
// A program that says everything it can about exporters whose configuration is full of secrets. Whoever runs it looks for
// them in what it prints. Usage: secretive_program.js <json with origin, tls origin, files and the planted secrets>

const { inspect } = require('node:util');
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { FileSpanExporter, OTLPTraceExporter } = require('../../../index.js');
const { span } = require('./runner.js');

const { origin, tlsOrigin, files, secrets } = JSON.parse(process.argv[2]);

const everything = {
  depth: Infinity,
  showHidden: true,
  getters: true,
  maxStringLength: Infinity,
  maxArrayLength: Infinity,
};
const say = (...args) => process.stdout.write(`${args.map((arg) => inspect(arg, everything)).join(' ')}\n`);
diag.setLogger(
  { verbose: say, debug: say, info: say, warn: say, error: say },
  { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
);

process.env.OTEL_EXPORTER_OTLP_HEADERS = `x-api-key=${secrets.variable}`;
process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = files.ca;
process.env.OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE = files.cert;
process.env.OTEL_EXPORTER_OTLP_CLIENT_KEY = files.key;

const headers = { Authorization: `Bearer ${secrets.header}` };
const timeoutMillis = 400;
const { host } = new URL(origin);
const configs = [
  { url: `${origin}/ok`, headers },
  { url: `${origin}/404`, headers },
  { url: `${origin}/401`, headers: async () => headers, timeoutMillis },
  { url: `${origin}/503`, headers, timeoutMillis },
  { url: `${origin}/302`, headers },
  { url: `http://user:${secrets.credential}@${host}/404` },
  { url: `http://user:${secrets.credential}@127.0.0.1:1/refused`, timeoutMillis },
  { url: `http://user:${secrets.credential}@no.invalid/x`, timeoutMillis },
  { url: `http://user:${secrets.credential}@127.0.0.1:99999/unusable` },
  { url: `ftp://user:${secrets.credential}@${host}/scheme` },
  { url: `http://us%zer:${secrets.credential}@${host}/broken` },
  { url: origin, headers: { 'x-bad': `${secrets.header}\n` } },
  { url: origin, headers: { 'bad name': secrets.header } },
  { url: origin, headers: async () => ({ 'x-bad': `${secrets.header}€` }) },
  { url: origin, headers: { a: secrets.header, b: undefined } },
  { url: origin, headers, httpAgentOptions: { keepAlive: true, family: 4 } },
  { url: `${origin}/404`, proxy: `http://user:${secrets.proxy}@${host}` },
  { url: `${tlsOrigin}/x`, proxy: `http://user:${secrets.proxy}@${host}`, timeoutMillis },
  { url: `${origin}/ok`, proxy: `http://user:${secrets.proxy}@127.0.0.1:1`, timeoutMillis },
  { url: `${origin}/ok`, proxy: `http://user:${secrets.proxy}@no.invalid`, timeoutMillis },
  { url: 'http://no.invalid', protocol: 'grpc', proxy: `http://user:${secrets.proxy}@127.0.0.1:1`, timeoutMillis },
  { url: 'http://no.invalid', protocol: 'grpc', proxy: `http://user:${secrets.proxy}@${host}`, timeoutMillis },
  { url: `${origin}/ok`, proxy: `https://user:${secrets.proxy}@${host}`, timeoutMillis },
  { url: `${origin}/ok`, proxy: `socks5://user:${secrets.proxy}@${host}` },
  { url: `${origin}/ok`, httpAgentOptions: { proxyEnv: { http_proxy: `http://u:${secrets.proxy}@127.0.0.1:99999` } } },
  { url: `${tlsOrigin}/x` },
  {
    url: `${tlsOrigin}/x`,
    headers,
    httpAgentOptions: { ca: files.ca, key: secrets.keyText, cert: 'x' },
    timeoutMillis,
  },
  { url: `${tlsOrigin}/x`, httpAgentOptions: { passphrase: secrets.passphrase, pfx: Buffer.from('x') }, timeoutMillis },
  { url: `${tlsOrigin}/x`, headers, httpAgentOptions: { rejectUnauthorized: true }, timeoutMillis },
];

const exportOnce = (exporter) => new Promise((resolve) => exporter.export([span], resolve));

async function main() {
  for (const config of configs) {
    for (const transport of [undefined, 'node']) {
      try {
        const exporter = new OTLPTraceExporter({ ...config, transport, onError: say });
        say(await exportOnce(exporter));
        say(await exporter.exportSpans([span]));
        say(exporter, exporter.stats());
        process.stdout.write(`${JSON.stringify(exporter)}\n`);
        await exporter.shutdown();
        say(await exportOnce(exporter));
      } catch (error) {
        say(error);
      }
    }
  }
  const file = new FileSpanExporter({ directory: files.directory });
  say(await exportOnce(file), file, file.stats());
  await file.shutdown();
}
main();
