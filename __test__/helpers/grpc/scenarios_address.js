'use strict';
// Rows of the scenario table about where the exporter sends to, and whether in plain text or over TLS.

const assert = require('node:assert/strict');
const { add, GENERIC, noConfig, SPECIFIC, trusting } = require('./table.js');

/** What `stock` and ours have asked the proxy for, and whether they spoke TLS. */
const targets = ({ asked, seen }) =>
  asked.map(({ target }, nth) => `${target} ${seen[0].connections[nth]?.isTls ? 'TLS' : 'plain'}`);

const port80 = {
  row: 'Y4',
  check(stock, ours, host) {
    assert.deepEqual(targets(stock), [`${host}:443 plain`]);
    assert.deepEqual(targets(ours), [`${host}:80 plain`]);
  },
};
const anyCase = {
  row: 'Y5',
  check(stock, ours, host) {
    assert.deepEqual(targets(stock), [`${host} TLS`]);
    assert.deepEqual(targets(ours), [`${host} plain`]);
  },
};

const addresses = {
  'host and port': 'http://h:4317',
  'another port': 'http://h:9',
  'user information is dropped': 'http://u:p@h:4317',
  'a path is dropped': 'http://h:4317/v1/traces',
  'a slash is not a path': 'http://h:4317/',
  'a query and a fragment are dropped': 'http://h:4317?a=b#c',
  'upper-case host': 'http://H:4317',
  'an address': 'http://127.0.0.1:4317',
  'a short address': 'http://127.1:4317',
  'an address of version 6': 'http://[::1]:4317',
  'blanks behind': 'http://h:4317  \n',
  'no scheme': 'h:4317',
  'no scheme, no port': 'h',
  'no scheme, an address': '127.0.0.1:4317',
  'no scheme, an address of version 6': '[::1]:4317',
  'no scheme, localhost': 'localhost',
  'no scheme, localhost and port': 'localhost:4317',
  'no scheme, a path': 'h:4317/v1/traces',
  'no scheme, user information': 'u:p@h:4317',
  https: 'https://h:4317',
  'https without a port': 'https://h',
  'https, port 443': 'https://h:443',
  'https, port 80': 'https://h:80',
  'https, a path': 'https://h:4317/v1/traces',
  'http, port 443': 'http://h:443',
  'IDN host': 'http://bücher:4317',
  'a host with underscore': 'http://my_host:4317',
  'grpc scheme': 'grpc://h:4317',
  'grpcs scheme': 'grpcs://h:4317',
  'tcp scheme': 'tcp://h:4317',
  'ipv4 scheme with slashes': 'ipv4://127.0.0.1:4317',
  'a scheme of nine letters': 'ninechars://h:4317',
  'grpc scheme without a port': 'grpc://h',
};

for (const [name, url] of Object.entries(addresses)) {
  add(`address in code: ${name}`, { env: trusting, config: () => ({ url }) });
  add(`address by the general variable: ${name}`, {
    env: (context) => ({ ...trusting(context), [`${GENERIC}ENDPOINT`]: url }),
    config: noConfig,
  });
  add(`address by the variable for traces: ${name}`, {
    env: (context) => ({
      ...trusting(context),
      [`${SPECIFIC}ENDPOINT`]: url,
      [`${GENERIC}ENDPOINT`]: 'http://other:1',
    }),
    config: noConfig,
  });
  add(`address, insecure: ${name}`, {
    env: (context) => ({ ...trusting(context), [`${GENERIC}INSECURE`]: 'true' }),
    config: () => ({ url }),
  });
}

for (const [name, [url, host]] of Object.entries({
  'http without a port': ['http://h', 'h'],
  'http, port 80': ['http://h:80', 'h'],
  'http, port 80, a slash': ['http://h:80/', 'h'],
  'http, an address': ['http://127.0.0.1', '127.0.0.1'],
})) {
  const differs = { ...port80, check: (stock, ours) => port80.check(stock, ours, host) };
  add(`address in code: ${name}`, { config: () => ({ url }), differs });
  add(`address by variable: ${name}`, { env: () => ({ [`${GENERIC}ENDPOINT`]: url }), config: noConfig, differs });
}
for (const [name, url] of Object.entries({
  'upper-case scheme': 'HTTP://h:4317',
  'blanks in front': '  http://h:4317',
})) {
  const differs = { ...anyCase, check: (stock, ours) => anyCase.check(stock, ours, 'h:4317') };
  add(`address in code: ${name}`, { env: trusting, config: () => ({ url }), differs });
}
add('address by variable: blanks around', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: '  http://h:4317  ' }),
  config: noConfig,
});

// --- what no exporter can be made of, or what leads nowhere ---
for (const [name, url] of Object.entries({
  'empty text': '',
  blank: '   ',
  'dns without slashes': 'dns:h:1',
  'ipv4 without slashes': 'ipv4:1.2.3.4:5',
  'ipv6 without slashes': 'ipv6:[::1]:5',
  'a bare address of version 6': '::1',
  'a port that is none': 'http://h:99999',
  'no host': 'http://',
  'a broken address': 'http://[::1',
  'a host with a blank': 'http://a b:1',
})) {
  add(`address that is none, in code: ${name}`, { config: () => ({ url }) });
  add(`address that is none, by variable: ${name}`, {
    env: () => ({ [`${GENERIC}ENDPOINT`]: url }),
    config: noConfig,
    // A blank variable means none, and then the default is taken.
  });
}
const noText = [/\.trim is not a function$/, /^Configuration: url is invalid, expected text$/];
for (const [name, url] of Object.entries({
  number: 5,
  object: {},
  false: false,
  'a URL object': new URL('http://h:1'),
})) {
  add(`address that is no text: ${name}`, { config: () => ({ url }), differs: { row: 'Y8', thrown: noText } });
}
for (const [name, url] of Object.entries({ null: null, undefined: undefined })) {
  add(`address ${name} means absent`, {
    env: () => ({ [`${GENERIC}ENDPOINT`]: 'http://h:4317' }),
    config: () => ({ url }),
  });
}

// --- sockets of the machine ---
for (const [name, env] of Object.entries({
  insecure: () => ({ [`${GENERIC}INSECURE`]: 'true' }),
  TLS: trusting,
})) {
  // Over TLS ours says in a line how a socket becomes plain (Y13).
  add(`unix socket, ${name}`, { env, config: ({ socket }) => ({ url: `unix://${socket}` }) });
}

// --- the argument ---
add('no argument', { config: noConfig });
add('empty object', { config: () => ({}) });
add('null as argument', { config: () => null });
add('unknown options are ignored', {
  config: () => ({ url: 'http://h:4317', hostname: 'x', httpAgentOptions: {}, keepAlive: false }),
});
add('options on a prototype', { config: () => Object.create({ url: 'http://inherited:4317' }) });
add('frozen configuration', { config: () => Object.freeze({ url: 'http://h:4317' }) });

// --- proxies ---
const viaProxy = (variables, url = 'http://h:4317') => ({
  isDirect: true,
  env: (context) => ({ ...trusting(context), ...variables(context) }),
  config: () => ({ url, timeoutMillis: 4000 }),
});
for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy']) {
  add(
    `proxy by ${name}`,
    viaProxy(({ proxy }) => ({ [name]: proxy.url })),
  );
  add(
    `proxy by ${name}, TLS`,
    viaProxy(({ proxy }) => ({ [name]: proxy.url }), 'https://h:4317'),
  );
}
add(
  'grpc_proxy wins over the others',
  viaProxy(({ proxy }) => ({
    grpc_proxy: proxy.url,
    https_proxy: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
  })),
);
add(
  'https_proxy wins over http_proxy',
  viaProxy(({ proxy }) => ({ https_proxy: proxy.url, http_proxy: 'http://127.0.0.1:1' })),
);
add(
  'proxy with user and password',
  viaProxy(({ proxy }) => ({ grpc_proxy: `http://us%40er:pa%3Ass@${proxy.host}` })),
);
add(
  'proxy with a user only',
  viaProxy(({ proxy }) => ({ grpc_proxy: `http://user@${proxy.host}` })),
);
for (const [name, list] of Object.entries({
  'the host itself': 'localhost',
  'a suffix': 'host',
  'the second of two': 'h,localhost',
  'another host': 'h',
})) {
  add(`no_proxy: ${name}`, {
    isDirect: true,
    env: ({ proxy }) => ({ http_proxy: proxy.url, no_proxy: list }),
    config: ({ port }) => ({ url: `http://localhost:${port}` }),
  });
}
add('no_grpc_proxy wins over no_proxy', {
  isDirect: true,
  env: ({ proxy }) => ({ http_proxy: proxy.url, no_proxy: 'localhost', no_grpc_proxy: 'h' }),
  config: ({ port }) => ({ url: `http://localhost:${port}` }),
});
for (const [name, list] of Object.entries({
  'a network': '127.0.0.0/8',
  'another network': '10.0.0.0/8',
  'a part of an address': '0.0.1',
})) {
  add(`no_proxy: ${name}`, {
    isDirect: true,
    env: ({ proxy }) => ({ grpc_proxy: proxy.url, no_proxy: list }),
  });
}
// Windows has one variable for both spellings, so the stock exporter finds it there.
const ofUpperCase = process.platform === 'win32' ? 1 : 0;
for (const [name, [variables, stockAsks, oursAsk]] of Object.entries({
  'upper case': [({ proxy }) => ({ HTTPS_PROXY: proxy.url }), ofUpperCase, 1],
  'a blank behind the comma': [({ proxy }) => ({ grpc_proxy: proxy.url, no_proxy: 'h, localhost' }), 1, 0],
  'a star': [({ proxy }) => ({ grpc_proxy: proxy.url, no_proxy: '*' }), 1, 0],
})) {
  add(`proxy, ours only: ${name}`, {
    isDirect: true,
    env: variables,
    config: ({ port }) => ({ url: `http://localhost:${port}` }),
    differs: {
      row: 'Y9',
      check(stock, ours) {
        assert.deepEqual([stock.asked.length, ours.asked.length], [stockAsks, oursAsk]);
        for (const { seen } of [stock, ours]) assert.equal(seen[0].calls.length, 1);
      },
    },
  });
}
