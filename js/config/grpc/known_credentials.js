'use strict';
// Owns what is known of credentials that were made where Offloop could see it: by `createSsl` of @grpc/grpc-js under
// `offloop/register`. Such an object itself does not tell what is in it.
// It refuses to keep an object alive, and to let a later change of its bytes through.

const known = new WeakMap(); // credentials -> facts

/** Remembers that `credentials` were made by `createSsl(rootCerts, privateKey, certChain, verifyOptions)`. */
function rememberSsl(credentials, [rootCerts, privateKey, certChain, verifyOptions]) {
  const facts = { kind: 'tls', ...copiesOf({ rootCerts, privateKey, certChain }), verifyOptions: { ...verifyOptions } };
  known.set(credentials, Object.freeze(facts));
}

function rememberInsecure(credentials) {
  known.set(credentials, Object.freeze({ kind: 'insecure' }));
}

/** Some programs wipe a key once it has been taken. */
function copiesOf(texts) {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text ? Buffer.from(text) : undefined]));
}

/** `{ kind: 'insecure' }`, `{ kind: 'tls', … }` or undefined. */
function recall(credentials) {
  return known.get(credentials);
}

module.exports = { recall, rememberInsecure, rememberSsl };
