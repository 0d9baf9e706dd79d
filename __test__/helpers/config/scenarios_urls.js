'use strict';
// Rows of the scenario table about where the exporter sends to: argument, `url`, endpoint variables.

const { add, SECRET, SPECIFIC, GENERIC, toServer, noConfig } = require('./scenario_table.js');

// --- constructor argument ---
add('no argument', { env: toServer, config: noConfig });
add('empty object', { env: toServer, config: () => ({}) });
add('null', { env: toServer, config: () => null });
add('unknown options are ignored', { config: ({ origin }) => ({ url: origin, hostname: 'x', serviceName: 'y' }) });
add('metadata is refused in words', { config: ({ origin }) => ({ url: origin, metadata: {} }) });
add('falsy metadata is silent', { config: ({ origin }) => ({ url: origin, metadata: 0 }) });
add('options on a prototype', { config: ({ origin }) => Object.create({ url: `${origin}/inherited` }) });
add('frozen configuration', { config: ({ origin }) => Object.freeze({ url: origin, keepAlive: false }) });
add('nothing anywhere', { config: noConfig, elsewhere: true });

// --- url option ---
const urls = {
  'no path': '',
  'root path': '/',
  'own path is kept as is': '/custom/path',
  'trailing slash': '/v1/traces/',
  'double slashes': '//v1//traces',
  query: '/v1/traces?token=abc&x=1',
  'query without path': '?a=b',
  'fragment is not sent': '/v1/traces#part',
  'dot segments': '/a/../b/./c',
  'percent encoding is kept': '/a%20b/%e4?x=%2F',
  'spaces and unicode are encoded': '/a b/ü?q=ä ö',
  'reserved characters': "/a;b=c,d:e@f!$&'()*+",
};
for (const [name, suffix] of Object.entries(urls)) {
  add(`url: ${name}`, { config: ({ origin }) => ({ url: `${origin}${suffix}` }) });
}
add('url: upper-case scheme', { config: ({ port }) => ({ url: `HTTP://127.0.0.1:${port}/x` }) });
add('url: blanks around', { config: ({ origin }) => ({ url: `  ${origin}/x\n` }) });
add('url: localhost', { config: ({ port }) => ({ url: `http://localhost:${port}/x` }) });
add('url: short IPv4 form', { config: ({ port }) => ({ url: `http://127.1:${port}/x` }) });
add('url: a URL object', { config: ({ origin }) => ({ url: new URL('/object', origin) }) });
add('url: credentials', { config: ({ port }) => ({ url: `http://user:${SECRET}@127.0.0.1:${port}/x` }) });
add('url: encoded credentials', {
  config: ({ port }) => ({ url: `http://us%40er:p%3A${SECRET}@127.0.0.1:${port}/x` }),
});
add('url: user only', { config: ({ port }) => ({ url: `http://user@127.0.0.1:${port}/x` }) });
add('url: password only', { config: ({ port }) => ({ url: `http://:${SECRET}@127.0.0.1:${port}/x` }) });
add('url: unicode credentials', { config: ({ port }) => ({ url: `http://ü:ß@127.0.0.1:${port}/x` }) });
add('url: broken encoding in credentials', {
  config: ({ port }) => ({ url: `http://a%zz:${SECRET}@127.0.0.1:${port}/x` }),
});
add('url: credentials and an Authorization header', {
  config: ({ port }) => ({
    url: `http://a:${SECRET}@127.0.0.1:${port}/x`,
    headers: { authorization: `Bearer ${SECRET}` },
  }),
});
add('url: credentials and an empty Authorization header', {
  config: ({ port }) => ({ url: `http://a:${SECRET}@127.0.0.1:${port}/x`, headers: { Authorization: '' } }),
});
add('url: null means absent', { env: toServer, config: () => ({ url: null }) });
add('url: undefined means absent', { env: toServer, config: () => ({ url: undefined }) });
for (const [name, url] of Object.entries({
  'empty text': '',
  blank: '   ',
  relative: '/v1/traces',
  'no scheme': 'localhost',
  'bad port': 'http://127.0.0.1:99999/x',
  'bad host': 'http://[::1',
  number: 5,
  object: {},
  false: false,
})) {
  add(`url: unusable (${name})`, { config: () => ({ url }) });
}
add('url: unusable, with credentials', { config: () => ({ url: `http://user:${SECRET}@127.0.0.1:99999/x` }) });
add('signal endpoint: unusable, with credentials', {
  env: () => ({ [`${SPECIFIC}ENDPOINT`]: `http://user:p/${SECRET}@:99999/x` }),
});
add('url: another scheme', { config: () => ({ url: 'ftp://127.0.0.1/x' }) });
add('url: a scheme that looks like host:port', { config: () => ({ url: 'localhost:4318' }) });
add('url: port 0', { config: () => ({ url: 'http://127.0.0.1:0/x', timeoutMillis: 300 }), elsewhere: true });
add('url: IPv6', { config: () => ({ url: 'http://[::1]:4318/x' }), elsewhere: true });
add('url: https default port', { config: () => ({ url: 'https://collector.example/x' }), elsewhere: true });

// --- endpoint variables ---
for (const [name, suffix] of Object.entries({
  bare: '',
  slash: '/',
  path: '/base',
  'path and slash': '/base/',
  query: '/base?x=1',
  'trailing blanks': '/base  ',
  fragment: '/base#f',
})) {
  add(`generic endpoint: ${name}`, {
    env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}${suffix}` }),
    config: noConfig,
  });
  add(`signal endpoint: ${name}`, {
    env: ({ origin }) => ({ [`${SPECIFIC}ENDPOINT`]: `${origin}${suffix}` }),
    config: noConfig,
  });
}
add('generic endpoint: leading blanks', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `  ${origin}` }),
  config: noConfig,
});
add('generic endpoint: credentials', {
  env: ({ port }) => ({ [`${GENERIC}ENDPOINT`]: `http://a:${SECRET}@127.0.0.1:${port}` }),
  config: noConfig,
});
add('signal endpoint wins over generic', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: `${origin}/s` }),
  config: noConfig,
});
add('url wins over both endpoints', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: `${origin}/s` }),
  config: ({ origin }) => ({ url: `${origin}/u` }),
});
add('blank signal endpoint counts as unset', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: '  ' }),
  config: noConfig,
});
add('unparsable signal endpoint falls back to generic', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: 'not a url' }),
  config: noConfig,
});
add('a usable signal endpoint keeps a bad generic one unread', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: 'not a url', [`${SPECIFIC}ENDPOINT`]: `${origin}/s` }),
  config: noConfig,
});
add('both endpoints unparsable', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: 'also bad', [`${SPECIFIC}ENDPOINT`]: 'not a url' }),
  config: noConfig,
  elsewhere: true,
});
add('unparsable generic endpoint is reported even if url is given', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: 'http://' }),
});
add('empty endpoints', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: '', [`${SPECIFIC}ENDPOINT`]: '' }),
  config: noConfig,
  elsewhere: true,
});
