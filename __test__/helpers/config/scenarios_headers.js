'use strict';
// Rows of the scenario table about what headers go out: objects, functions, variables, and their precedence.

const { add, SECRET, SPECIFIC, GENERIC } = require('./scenario_table.js');

// --- headers ---
const userHeaders = {
  plain: () => ({ 'x-a': '1', 'x-b': 'two' }),
  'number, boolean and null': () => ({ a: 5, b: true, c: null }),
  array: () => ({ a: ['x', 'y'] }),
  undefined: () => ({ a: undefined, b: '1' }),
  'empty value': () => ({ a: '' }),
  'latin-1 value': () => ({ a: 'ü' }),
  'tab in value': () => ({ a: 'x\ty' }),
  'invalid value': () => ({ a: 'x\ny' }),
  'value beyond latin-1': () => ({ a: '€' }),
  'invalid name': () => ({ 'a b': '1' }),
  'empty name': () => ({ '': '1' }),
  'same name in two spellings': () => ({ 'X-A': '1', 'x-a': '2' }),
  'integer-like names': () => ({ b: '1', 7: 'x' }),
  'Content-Type cannot be overridden': () => ({ 'content-type': 'text/plain' }),
  'User-Agent cannot be overridden': () => ({ 'USER-AGENT': 'me' }),
  'Host is honoured': () => ({ Host: 'collector.example' }),
  'Connection is honoured': () => ({ Connection: 'close' }),
  'Accept is added': () => ({ Accept: '*/*' }),
  'Content-Encoding is replaced': () => ({ 'Content-Encoding': 'identity' }),
  'empty object': () => ({}),
  null: () => null,
  text: () => 'ab',
  number: () => 5,
  'only own properties': () => Object.create({ inherited: '1' }),
  'a value that cannot be made text': () => ({
    a: {
      toString() {
        throw new Error('no text');
      },
    },
  }),
};
for (const [name, make] of Object.entries(userHeaders)) {
  add(`headers: ${name}`, { config: ({ origin }) => ({ url: origin, headers: make() }) });
  add(`headers function: ${name}`, { config: ({ origin }) => ({ url: origin, headers: async () => make() }) });
}
add('headers: a promise', { config: ({ origin }) => ({ url: origin, headers: Promise.resolve({ a: '1' }) }) });
add('headers function: synchronous', { config: ({ origin }) => ({ url: origin, headers: () => ({ a: '1' }) }) });
add('headers function: rejects', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject(new Error('no token')) }),
});
add('headers function: throws', {
  config: ({ origin }) => ({
    url: origin,
    headers: () => {
      throw new TypeError('no token');
    },
  }),
});
add('headers function: rejects with a text', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject('plain text') }),
});
add('headers function: rejects with null', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject(null) }),
});
add('headers function: rejects with what cannot be read', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject(new Proxy({}, { get: () => undefined })) }),
});
add('connections: agent factory throws null', {
  config: ({ origin }) => ({
    url: origin,
    httpAgentOptions: () => {
      throw null;
    },
  }),
});
const headerVariables = {
  one: 'a=1',
  several: 'a=1,b=2',
  'blanks around': ' a = 1 , b = 2 ',
  'percent-decoded': 'a=x%20y,b%2Dc=%C3%BC',
  'equals in the value': 'a=b=c==',
  'properties dropped': 'a=1;p=q;r,b=2',
  'no equals': 'a,b=2',
  'no key': '=1,b=2',
  'no value': 'a=,b=2',
  'bad percent encoding': 'a=%zz,b=2',
  'same key twice': 'a=1,a=2',
  'empty members': ',,a=1,,',
  blank: '  ',
  'invalid header name': 'a b=1',
  'invalid header value': 'a=x%0Ay',
  'required headers': 'content-type=text/plain,User-Agent=me',
  proto: '__proto__=x,constructor=y',
};
for (const [name, value] of Object.entries(headerVariables)) {
  add(`generic header variable: ${name}`, { env: () => ({ [`${GENERIC}HEADERS`]: value }) });
  add(`signal header variable: ${name}`, { env: () => ({ [`${SPECIFIC}HEADERS`]: value }) });
}
add('header variables merge, signal wins', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g,b=g', [`${SPECIFIC}HEADERS`]: 'b=s,c=s' }),
});
add('header variables in two spellings', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'x-key=g', [`${SPECIFIC}HEADERS`]: 'X-Key=s' }),
});
add('headers option wins over variables', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g,b=g' }),
  config: ({ origin }) => ({ url: origin, headers: { b: 'user', c: 'user' } }),
});
add('headers option in another spelling', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'x-key=g,z=1' }),
  config: ({ origin }) => ({ url: origin, headers: { 'X-KEY': 'user' } }),
});
add('an undefined header leaves the variable', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g' }),
  config: ({ origin }) => ({ url: origin, headers: { a: undefined } }),
});
add('headers object changed between exports', {
  exports: 2,
  config: ({ origin }) => ({ url: origin, headers: { token: SECRET, old: '1' } }),
  between: (config) => {
    config.headers.token = 'second';
    delete config.headers.old;
  },
});
add('headers function answers anew for each export', {
  exports: 2,
  config: ({ origin }) => {
    let calls = 0;
    return { url: origin, headers: async () => ({ call: String(++calls) }) };
  },
});
