'use strict';
// Rows of the scenario table about single values and where they come from: code, the variable for traces, the general one.

const assert = require('node:assert/strict');
const { add, GENERIC, noConfig, SPECIFIC, toReceiver } = require('./table.js');

const withEndpoint = (context, more) => ({ [`${GENERIC}ENDPOINT`]: context.origin, ...more });

/** Every way in which a setting may be given in up to three places. */
const PLACES = ['code', 'traces', 'general'];
const subsets = PLACES.reduce((sets, place) => sets.concat(sets.map((set) => [...set, place])), [[]]);

const settings = {
  endpoint: {
    variable: 'ENDPOINT',
    option: 'url',
    values: ['http://in-code:1', 'http://traces:2', 'http://general:3'],
  },
  compression: { variable: 'COMPRESSION', option: 'compression', values: ['gzip', 'none', 'gzip'] },
  'other compression': { variable: 'COMPRESSION', option: 'compression', values: ['none', 'gzip', 'none'] },
  timeout: { variable: 'TIMEOUT', option: 'timeoutMillis', values: [3000, '5000', '7000'] },
  insecure: { variable: 'INSECURE', values: [undefined, 'true', 'false'], config: ({ host }) => ({ url: host }) },
  'other insecure': {
    variable: 'INSECURE',
    values: [undefined, 'false', 'true'],
    config: ({ host }) => ({ url: host }),
  },
};
for (const [name, { variable, option, values, config = toReceiver }] of Object.entries(settings)) {
  for (const places of subsets) {
    if (places.includes('code') && option === undefined) continue;
    const valueAt = (place) => (places.includes(place) ? values[PLACES.indexOf(place)] : undefined);
    add(`${name} in ${places.join(', ') || 'no place'}`, {
      env: ({ file }) => ({
        [`${GENERIC}CERTIFICATE`]: file('ca.pem'),
        ...(places.includes('traces') && { [`${SPECIFIC}${variable}`]: valueAt('traces') }),
        ...(places.includes('general') && { [`${GENERIC}${variable}`]: valueAt('general') }),
      }),
      config: (context) => {
        const base = option === 'url' ? {} : config(context);
        return places.includes('code') ? { ...base, [option]: valueAt('code') } : base;
      },
    });
  }
  for (const blank of ['', '   ']) {
    add(`${name}: a variable for traces of ${blank.length} blanks counts as unset`, {
      env: ({ file }) => ({
        [`${GENERIC}CERTIFICATE`]: file('ca.pem'),
        [`${SPECIFIC}${variable}`]: blank,
        [`${GENERIC}${variable}`]: values[2],
      }),
      config: option === 'url' ? noConfig : config,
    });
  }
}

// --- values ---
for (const value of ['gzip', 'none', ' gzip ', 'GZIP', 'deflate', 'zstd', '']) {
  add(`general compression variable '${value}'`, { env: () => ({ [`${GENERIC}COMPRESSION`]: value }) });
  add(`compression variable for traces '${value}'`, {
    env: () => ({ [`${SPECIFIC}COMPRESSION`]: value, [`${GENERIC}COMPRESSION`]: 'gzip' }),
  });
}
for (const [name, value] of Object.entries({
  gzip: 'gzip',
  none: 'none',
  zstd: 'zstd',
  deflate: 'deflate',
  'upper case': 'GZIP',
  empty: '',
  number: 2,
  null: null,
})) {
  add(`compression in code: ${name}`, { config: ({ origin }) => ({ url: origin, compression: value }) });
}

const DAY_MILLIS = 86_400_000;
const timeouts = ({ seen }) => seen[0].calls.map(({ timeout }) => timeout);
/** A deadline beyond a day, as the stock exporter writes it; ours says a day, in milliseconds. */
const aDay = (written) => ({
  row: 'Y12',
  check(stock, ours) {
    assert.deepEqual(
      timeouts(stock).map((timeout) => written.test(timeout)),
      [true],
    );
    assert.ok(Math.abs(Number.parseInt(timeouts(ours)[0], 10) - DAY_MILLIS) < 1000);
    assert.match(timeouts(ours)[0], /m$/);
  },
});
add('a timeout variable beyond a day', {
  env: () => ({ [`${GENERIC}TIMEOUT`]: '3000000000' }),
  differs: aDay(/^3000000S$/),
});
for (const [name, [value, written]] of Object.entries({
  'a day and more': [90_000_001, /^9[0-9]{7}m$|^89999\d{3}m$/],
  'over eight digits': [123_456_789, /^12345[67]S$/],
}))
  add(`timeoutMillis: ${name}`, {
    config: ({ origin }) => ({ url: origin, timeoutMillis: value }),
    differs: aDay(written),
  });
for (const value of ['5000', ' 700 ', '1e3', '0x400', '0', '-1', 'abc', 'Infinity', '', '250.5']) {
  add(`general timeout variable '${value}'`, { env: () => ({ [`${GENERIC}TIMEOUT`]: value }) });
  add(`timeout variable for traces '${value}'`, {
    env: () => ({ [`${SPECIFIC}TIMEOUT`]: value, [`${GENERIC}TIMEOUT`]: '6000' }),
  });
}
for (const [name, value] of Object.entries({
  integer: 5000,
  fraction: 1500.5,
  zero: 0,
  negative: -1,
  NaN: Number.NaN,
  infinite: Infinity,
  text: '5',
  bigint: 5n,
  boolean: true,
  null: null,
})) {
  add(`timeoutMillis: ${name}`, { config: ({ origin }) => ({ url: origin, timeoutMillis: value }) });
}
add('an unusable timeout and an unusable address', { config: () => ({ url: '', timeoutMillis: -1 }) });

for (const value of ['true', 'TRUE', 'TrUe', '  true ', '1', 'yes', 'true false', 'true!', 'false', '', ' ']) {
  for (const prefix of [GENERIC, SPECIFIC]) {
    add(`${prefix}INSECURE '${value}'`, {
      env: ({ file }) => ({ [`${GENERIC}CERTIFICATE`]: file('ca.pem'), [`${prefix}INSECURE`]: value }),
      config: ({ host }) => ({ url: host }),
    });
  }
}

for (const [name, value] of Object.entries({
  text: 'my-app/1.2',
  empty: '',
  null: null,
  'with blanks': 'my app',
})) {
  add(`userAgent: ${name}`, { config: ({ origin }) => ({ url: origin, userAgent: value }) });
}

for (const [name, value] of Object.entries({ one: 1, two: 2, zero: 0, NaN: Number.NaN, text: '1', negative: -1 })) {
  add(`concurrencyLimit: ${name}`, {
    exports: 3,
    concurrent: true,
    config: ({ origin }) => ({ url: origin, concurrencyLimit: value }),
  });
}

// --- variables that nobody reads ---
add("OTEL_SDK_DISABLED is not the exporter's", {
  env: (context) => withEndpoint(context, { OTEL_SDK_DISABLED: 'true' }),
});
add('OTEL_EXPORTER_OTLP_PROTOCOL is for the SDK', { env: () => ({ [`${GENERIC}PROTOCOL`]: 'http/json' }) });
add('headers in code are not metadata', { config: ({ origin }) => ({ url: origin, headers: { 'x-a': '1' } }) });
