'use strict';
// Rows of the scenario table about single values: time-out, compression, user agent, concurrency, certificate files.

const { CompressionAlgorithm } = require('@opentelemetry/otlp-exporter-base');
const { add, SPECIFIC, GENERIC } = require('./scenario_table.js');

// --- timeout ---
for (const [name, value] of Object.entries({
  integer: 5000,
  fraction: 1500.5,
  zero: 0,
  negative: -1,
  NaN: Number.NaN,
  infinite: Infinity,
  text: '5000',
  bigint: 5n,
  boolean: true,
  null: null,
  undefined: undefined,
  large: 3_000_000_000,
})) {
  add(`timeoutMillis: ${name}`, { config: ({ origin }) => ({ url: origin, timeoutMillis: value }) });
}
for (const value of ['5000', ' 700 ', '1e3', '0x400', '0', '-1', 'abc', 'Infinity', '', '  ', '1_000', '250.5']) {
  add(`signal timeout variable '${value}'`, { env: () => ({ [`${SPECIFIC}TIMEOUT`]: value }) });
  add(`generic timeout variable '${value}'`, { env: () => ({ [`${GENERIC}TIMEOUT`]: value }) });
}
add('signal timeout wins', { env: () => ({ [`${SPECIFIC}TIMEOUT`]: '4000', [`${GENERIC}TIMEOUT`]: '6000' }) });
add('a bad generic timeout is reported beside a good one', {
  env: () => ({ [`${SPECIFIC}TIMEOUT`]: '4000', [`${GENERIC}TIMEOUT`]: 'x' }),
});
add('a bad signal timeout falls back', {
  env: () => ({ [`${SPECIFIC}TIMEOUT`]: '-4', [`${GENERIC}TIMEOUT`]: '6000' }),
});
add('timeoutMillis wins over variables', {
  env: () => ({ [`${SPECIFIC}TIMEOUT`]: '4000' }),
  config: ({ origin }) => ({ url: origin, timeoutMillis: 3000 }),
});
add('an unusable timeout is thrown before an unusable url', { config: () => ({ url: '', timeoutMillis: -1 }) });

// --- compression ---
for (const [name, value] of Object.entries({
  gzip: 'gzip',
  none: 'none',
  'enum GZIP': CompressionAlgorithm.GZIP,
  'enum NONE': CompressionAlgorithm.NONE,
  unknown: 'brotli',
  'upper case': 'GZIP',
  empty: '',
  number: 1,
  null: null,
  undefined: undefined,
})) {
  add(`compression: ${name}`, { config: ({ origin }) => ({ url: origin, compression: value }) });
}
for (const value of ['gzip', 'none', ' gzip ', 'GZIP', 'deflate', '', '   ']) {
  add(`signal compression variable '${value}'`, { env: () => ({ [`${SPECIFIC}COMPRESSION`]: value }) });
  add(`generic compression variable '${value}'`, { env: () => ({ [`${GENERIC}COMPRESSION`]: value }) });
}
add('signal compression wins', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'none', [`${GENERIC}COMPRESSION`]: 'gzip' }),
});
add('a bad signal compression falls back', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'lz4', [`${GENERIC}COMPRESSION`]: 'gzip' }),
});
add('compression wins over variables', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'gzip' }),
  config: ({ origin }) => ({ url: origin, compression: 'none' }),
});
add('an unknown compression wins over variables', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'gzip' }),
  config: ({ origin }) => ({ url: origin, compression: 'brotli' }),
});

// --- user agent ---
for (const [name, value] of Object.entries({
  text: 'my-app/1.2',
  empty: '',
  null: null,
  number: 7,
  'with blanks': ' x ',
  invalid: 'a\nb',
})) {
  add(`userAgent: ${name}`, { config: ({ origin }) => ({ url: origin, userAgent: value }) });
}

// --- concurrency ---
for (const [name, value] of Object.entries({ one: 1, zero: 0, NaN: Number.NaN, text: '1', negative: -1 })) {
  add(`concurrencyLimit: ${name}`, {
    exports: 3,
    concurrent: true,
    config: ({ origin }) => ({ url: origin, concurrencyLimit: value }),
  });
}

// --- certificate variables (read even for http) ---
for (const prefix of [GENERIC, SPECIFIC]) {
  for (const name of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY']) {
    add(`${prefix}${name}: missing file`, { env: () => ({ [`${prefix}${name}`]: '/nowhere/file.pem' }) });
    add(`${prefix}${name}: readable file`, { env: ({ dir }) => ({ [`${prefix}${name}`]: `${dir}/ca.pem` }) });
  }
}
add('a directory as certificate file', { env: ({ dir }) => ({ [`${GENERIC}CERTIFICATE`]: dir }) });
add('signal certificate wins, unreadable or not', {
  env: ({ dir }) => ({ [`${GENERIC}CERTIFICATE`]: `${dir}/ca.pem`, [`${SPECIFIC}CERTIFICATE`]: '/nowhere/x.pem' }),
});
add('blank certificate variable', { env: () => ({ [`${GENERIC}CERTIFICATE`]: '  ' }) });
add('certificate path relative to the working directory', {
  env: ({ dir }) => ({ [`${GENERIC}CERTIFICATE`]: require('node:path').relative(process.cwd(), `${dir}/ca.pem`) }),
});

// --- variables nobody reads ---
add("OTEL_SDK_DISABLED is not the exporter's", { env: () => ({ OTEL_SDK_DISABLED: 'true' }) });
add('OTEL_EXPORTER_OTLP_INSECURE is for gRPC', { env: () => ({ [`${GENERIC}INSECURE`]: 'true' }) });
add('OTEL_EXPORTER_OTLP_PROTOCOL is for the SDK', { env: () => ({ [`${GENERIC}PROTOCOL`]: 'grpc' }) });
add('proxy variables are not read', {
  env: () => ({ HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9', ALL_PROXY: 'http://127.0.0.1:9' }),
});
