'use strict';
// Rows of the scenario table about metadata: in code, by variables, and how they are merged.

const assert = require('node:assert/strict');
const { add, GENERIC, SPECIFIC } = require('./table.js');

/** A Metadata object of grpc-js, from `[name, value]` pairs. */
function metadataOf({ grpc }, pairs) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of pairs) metadata.add(name, value);
  return metadata;
}

for (const [name, pairs] of Object.entries({
  one: [['a', '1']],
  several: [
    ['a', '1'],
    ['b', 'two words'],
  ],
  'upper case': [['X-Key', 'Value']],
  'two values of one name': [
    ['a', '1'],
    ['a', '2'],
  ],
  'dots, underscores and dashes': [['a.b_c-d', '1']],
  digits: [['7', 'x']],
  bytes: [['key-bin', Buffer.from([0, 1, 254, 255])]],
  'empty bytes': [['key-bin', Buffer.alloc(0)]],
  'two values of bytes': [
    ['key-bin', Buffer.from('a')],
    ['key-bin', Buffer.from('b')],
  ],
  'an empty value': [['a', '']],
  'blanks around a value': [['a', ' x ']],
  'all printable characters': [['a', '!"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~']],
  'a long value': [['a', 'x'.repeat(5000)]],
  'a user agent is overwritten': [['user-agent', 'me']],
  'a name that begins with grpc-': [['grpc-foo', '1']],
  authorization: [['authorization', 'Bearer token']],
  'a content type is overwritten': [['content-type', 'text/plain']],
  none: [],
})) {
  add(`metadata: ${name}`, {
    config: (context) => ({ url: context.origin, metadata: metadataOf(context, pairs) }),
  });
}
for (const [name, value] of Object.entries({ null: null, undefined: undefined })) {
  add(`metadata: ${name} means none`, {
    env: () => ({ [`${GENERIC}HEADERS`]: 'a=1' }),
    config: ({ origin }) => ({ url: origin, metadata: value }),
  });
}

const headerVariables = {
  one: 'a=1',
  several: 'a=1,b=2',
  'blanks around': ' a = 1 , b = 2 ',
  'percent-decoded': 'a=x%20y,b%2Dc=%41',
  'equals in the value': 'a=b=c==',
  'properties dropped': 'a=1;p=q;r,b=2',
  'no equals': 'a,b=2',
  'no key': '=1,b=2',
  'no value': 'a=,b=2',
  'same key twice': 'a=1,a=2',
  'same key in two spellings': 'a=1,A=2',
  'empty members': ',,a=1,,',
  blank: '  ',
  'upper case': 'X-Key=Value',
  'an invalid name': 'a b=1',
  'an invalid name in another place': 'a=1,b%0A=2',
  'bytes that are text': 'key-bin=abc',
  'required headers': 'content-type=text/plain,User-Agent=me',
  'names that begin with grpc-': 'grpc-foo=1',
  proto: 'constructor=y',
};
/** What an error tells of a value that may be a secret. */
const hidden = {
  row: 'Y8',
  thrown: [
    /^Metadata string value "[^*]+" contains illegal characters$/,
    /^Metadata string value "\*\*\*" contains illegal characters$/,
  ],
};
add('general header variable: bad percent encoding', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=%zz,b=2' }),
  since: '0.223.1', // before, the constructor threw
});
for (const [name, value] of Object.entries({ 'an invalid value': 'a=x%0Ay', 'a value beyond ASCII': 'a=%C3%BC' })) {
  add(`general header variable: ${name}`, { env: () => ({ [`${GENERIC}HEADERS`]: value }), differs: hidden });
  add(`header variable for traces: ${name}`, { env: () => ({ [`${SPECIFIC}HEADERS`]: value }), differs: hidden });
}
for (const [name, value] of Object.entries(headerVariables)) {
  add(`general header variable: ${name}`, { env: () => ({ [`${GENERIC}HEADERS`]: value }) });
  add(`header variable for traces: ${name}`, { env: () => ({ [`${SPECIFIC}HEADERS`]: value }) });
}
add('header variables merge, that for traces wins', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g,b=g', [`${SPECIFIC}HEADERS`]: 'b=s,c=s' }),
});
add('header variables in two spellings', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'x-key=g', [`${SPECIFIC}HEADERS`]: 'X-Key=s' }),
});
add('metadata in code wins over variables', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g,b=g', [`${SPECIFIC}HEADERS`]: 'd=s' }),
  config: (context) => ({
    url: context.origin,
    metadata: metadataOf(context, [
      ['b', 'code'],
      ['c', 'code'],
    ]),
  }),
});
add('metadata in code in another spelling', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'x-key=g,z=1' }),
  config: (context) => ({ url: context.origin, metadata: metadataOf(context, [['X-KEY', 'code']]) }),
});
add('an empty value in code wins over a variable', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g' }),
  config: (context) => ({ url: context.origin, metadata: metadataOf(context, [['a', '']]) }),
});

// --- when it is read ---
const changing = (change) => {
  let metadata;
  return {
    exports: 2,
    config: (context) => {
      metadata = metadataOf(context, [['token', 'first']]);
      return { url: context.origin, metadata };
    },
    between: () => change(metadata),
  };
};
const tokens = ({ seen }) => seen[0].calls.map(({ headers }) => headers.token);
add('metadata that is changed between exports', {
  ...changing((metadata) => metadata.set('token', 'second')),
  differs: {
    row: 'Y6',
    check(stock, ours) {
      assert.deepEqual(tokens(stock), ['first', 'first']);
      assert.deepEqual(tokens(ours), ['first', 'second']);
    },
  },
});
add('metadata that is changed before the first export', {
  config: (context) => {
    const metadata = metadataOf(context, [['token', 'first']]);
    context.early = metadata;
    return { url: context.origin, metadata };
  },
  spans: (context) => {
    context.early.set('token', 'changed');
    return [context.span];
  },
});
