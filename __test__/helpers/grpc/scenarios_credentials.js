'use strict';
// Rows of the scenario table about credentials: objects in code, files by variables, and which of them count.

const { add, GENERIC, SPECIFIC, trusting } = require('./table.js');

const variables = (prefix, files) => (context) =>
  Object.fromEntries(Object.entries(files).map(([name, file]) => [`${prefix}${name}`, context.file(file)]));

/** A wait that a refused handshake may take, since ours tries again. */
const SHORT_MILLIS = 250;

// --- objects in code ---
const bytes = (text) => Buffer.from(text);
const objects = {
  insecure: ({ grpc }) => grpc.credentials.createInsecure(),
  'a root': ({ grpc, pem }) => grpc.credentials.createSsl(bytes(pem.ca)),
  'a root and a client certificate': ({ grpc, pem }) =>
    grpc.credentials.createSsl(bytes(pem.ca), bytes(pem.clientKey), bytes(pem.client)),
  'a root and no verification': ({ grpc, pem }) =>
    grpc.credentials.createSsl(bytes(pem.ca), null, null, { rejectUnauthorized: false }),
  'no root and no verification': ({ grpc }) =>
    grpc.credentials.createSsl(null, null, null, { rejectUnauthorized: false }),
  'an identity check': ({ grpc, pem }) =>
    grpc.credentials.createSsl(bytes(pem.ca), null, null, { checkServerIdentity: () => undefined }),
  'a secure context': ({ grpc, pem }) =>
    grpc.credentials.createFromSecureContext(require('node:tls').createSecureContext({ ca: pem.ca })),
};
for (const [name, make] of Object.entries(objects)) {
  for (const [scheme, url] of Object.entries({
    http: 'http://h:4317',
    https: 'https://h:4317',
    'no scheme': 'h:4317',
  })) {
    add(`credentials in code, ${scheme}: ${name}`, { config: (context) => ({ url, credentials: make(context) }) });
  }
}
add('credentials in code win over INSECURE and certificate variables', {
  env: (context) => ({ [`${GENERIC}INSECURE`]: 'true', [`${GENERIC}CERTIFICATE`]: context.file('other.pem') }),
  config: (context) => ({ url: 'h:4317', credentials: objects['a root'](context) }),
});
add('insecure credentials in code win over certificate variables', {
  env: trusting,
  config: (context) => ({ url: 'https://h:4317', credentials: objects.insecure(context) }),
});
for (const [name, value] of Object.entries({ null: null, undefined: undefined })) {
  add(`credentials ${name} mean none`, {
    env: trusting,
    config: () => ({ url: 'https://h:4317', credentials: value }),
  });
}
add('a bearer for every call', {
  exports: 3,
  config: (context) => {
    const { grpc } = context;
    let calls = 0;
    const bearer = grpc.credentials.createFromMetadataGenerator((_options, done) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${++calls}`);
      done(null, metadata);
    });
    const credentials = grpc.credentials.combineChannelCredentials(objects['a root'](context), bearer);
    return { url: 'https://h:4317', credentials };
  },
});
add('a bearer generator that fails', {
  config: (context) => {
    const { grpc } = context;
    const bearer = grpc.credentials.createFromMetadataGenerator((_options, done) => done(new Error('no token')));
    const credentials = grpc.credentials.combineChannelCredentials(objects['a root'](context), bearer);
    return { url: 'https://h:4317', credentials, timeoutMillis: SHORT_MILLIS };
  },
  isRetried: true,
});

const half = {
  row: 'Y7',
  told: [
    /^(Private key|Certificate chain) must be given with accompanying/,
    /self-signed certificate in certificate chain/,
  ],
};

// --- files by variables, in all combinations ---
for (const [root, rootFile] of Object.entries({
  'no root': undefined,
  'a root': 'ca.pem',
  'a root that is missing': 'none.pem',
})) {
  for (const [pair, files] of Object.entries({
    'no pair': {},
    'a key alone': { CLIENT_KEY: 'client.key' },
    'a certificate alone': { CLIENT_CERTIFICATE: 'client.pem' },
    'a pair': { CLIENT_KEY: 'client.key', CLIENT_CERTIFICATE: 'client.pem' },
    'a pair without its key file': { CLIENT_KEY: 'none.key', CLIENT_CERTIFICATE: 'client.pem' },
  })) {
    // The stock exporters of 1.x and 2.x make no credentials of half a pair, and then every export fails.
    const isHalf = rootFile !== 'ca.pem' && /alone|without/.test(pair);
    for (const prefix of [GENERIC, SPECIFIC]) {
      add(`by ${prefix}: ${root}, ${pair}`, {
        ...(isHalf && { differs: half }),
        env: variables(prefix, { ...(rootFile && { CERTIFICATE: rootFile }), ...files }),
        config: () => ({ url: 'https://h:4317', timeoutMillis: SHORT_MILLIS }),
        isRefused: rootFile !== 'ca.pem',
      });
    }
  }
}
add('certificate variables for traces win', {
  env: (context) => ({
    ...variables(GENERIC, { CERTIFICATE: 'other.pem', CLIENT_KEY: 'none', CLIENT_CERTIFICATE: 'none' })(context),
    ...variables(SPECIFIC, { CERTIFICATE: 'ca.pem', CLIENT_KEY: 'client.key', CLIENT_CERTIFICATE: 'client.pem' })(
      context,
    ),
  }),
  config: () => ({ url: 'https://h:4317' }),
});
add('a blank certificate variable for traces counts as unset', {
  env: (context) => ({ ...trusting(context), [`${SPECIFIC}CERTIFICATE`]: '  ' }),
  config: () => ({ url: 'https://h:4317' }),
});
add('a certificate path relative to the working directory', {
  env: ({ file }) => ({ [`${GENERIC}CERTIFICATE`]: require('node:path').relative(process.cwd(), file('ca.pem')) }),
  config: () => ({ url: 'https://h:4317' }),
});
add('a certificate path with blanks around', {
  env: ({ file }) => ({ [`${GENERIC}CERTIFICATE`]: `  ${file('ca.pem')} ` }),
  config: () => ({ url: 'https://h:4317' }),
});
add('a directory as certificate file', {
  env: ({ file }) => ({ [`${GENERIC}CERTIFICATE`]: file('.') }),
  config: () => ({ url: 'https://h:4317', timeoutMillis: SHORT_MILLIS }),
  isRefused: true,
});
add('a certificate file that is no PEM', {
  env: variables(GENERIC, { CERTIFICATE: 'broken.pem' }),
  config: () => ({ url: 'https://h:4317', timeoutMillis: SHORT_MILLIS }),
  isRefused: true,
});
add('another authority', {
  env: variables(GENERIC, { CERTIFICATE: 'other.pem' }),
  config: () => ({ url: 'https://h:4317', timeoutMillis: SHORT_MILLIS }),
  isRefused: true,
});
add('a host that the certificate does not name', {
  env: trusting,
  config: () => ({ url: 'https://nobody:4317', timeoutMillis: SHORT_MILLIS }),
  isRefused: true,
});
add('certificate variables do not matter in plain text', {
  env: variables(GENERIC, { CERTIFICATE: 'none.pem', CLIENT_KEY: 'none.key' }),
});
add('a server that wants a client certificate gets it', {
  isDirect: true,
  env: variables(GENERIC, { CERTIFICATE: 'ca.pem', CLIENT_KEY: 'client.key', CLIENT_CERTIFICATE: 'client.pem' }),
  config: ({ strict }) => ({ url: strict.secureOrigin }),
});
add('a server that wants a client certificate gets none', {
  isDirect: true,
  env: trusting,
  config: ({ strict }) => ({ url: strict.secureOrigin, timeoutMillis: SHORT_MILLIS }),
  differs: { row: 'Y11', told: [/tlsv13 alert certificate required/, /tlsv13 alert certificate required/] },
});
add('plain text to a server that speaks TLS only', {
  isDirect: true,
  config: ({ strict }) => ({ url: strict.origin, timeoutMillis: SHORT_MILLIS }),
  isRefused: true,
});
