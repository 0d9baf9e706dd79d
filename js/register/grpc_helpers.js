'use strict';
// Owns what `offloop/register` does about @grpc/grpc-js: it remembers what `createSsl()` is given, because the result does not
// tell, and has the helpers of the stock packages make objects that load that package only if somebody else uses them.
// Refuses to keep anybody from using them: other exporters of the program are stock, and take the same objects.

const { checkPair } = require('../config/grpc/credentials.js');
const { recall, rememberInsecure, rememberSsl } = require('../config/grpc/known_credentials.js');
const { GrpcMetadata } = require('../config/grpc/metadata_values.js');
const { contained, ignore } = require('../guards/user_code.js');

const noted = new WeakSet();

/** Watches the exports of @grpc/grpc-js from now on. */
function noteGrpc(grpc) {
  const { credentials, ChannelCredentials } = Object(grpc);
  for (const owner of [credentials, ChannelCredentials]) {
    if (typeof owner?.createSsl !== 'function' || noted.has(owner)) continue;
    noted.add(owner);
    const { createSsl } = owner;
    const watched = function (...args) {
      const made = Reflect.apply(createSsl, this, args);
      contained(ignore, () => recall(made) ?? rememberSsl(made, args));
      return made;
    };
    Object.defineProperty(watched, 'name', { value: createSsl.name });
    contained(ignore, () => {
      owner.createSsl = watched;
    });
  }
}

/** Takes the place of a helper of `@opentelemetry/otlp-grpc-exporter-base`. */
const HELPERS = {
  createInsecureCredentials: (original) => () => {
    const standIn = lazily({}, original);
    rememberInsecure(standIn);
    return standIn;
  },

  createSslCredentials:
    (original) =>
    (...args) => {
      checkArguments(args);
      const standIn = lazily({}, () => original(...args));
      rememberSsl(standIn, args.slice(0, 3));
      return standIn;
    },

  createEmptyMetadata: (original) => () => {
    // Whoever asks for its class asks on behalf of that package.
    const getPrototypeOf = () => Object.getPrototypeOf(original());
    return new Proxy(new GrpcMetadata(), { getPrototypeOf });
  },
};

/** @throws {Error} what the original throws */
function checkArguments([rootCerts, privateKey, certChain]) {
  for (const [text, what] of [
    [rootCerts, 'Root certificate'],
    [privateKey, 'Private key'],
    [certChain, 'Certificate chain'],
  ])
    if (text && !Buffer.isBuffer(text)) throw new TypeError(`${what}, if provided, must be a Buffer.`);
  checkPair({ privateKey, certChain });
  // Node's verdict on the texts; its own roots, which take long to load, have no part in it.
  require('node:tls').createSecureContext({
    ca: rootCerts ?? [],
    key: privateKey ?? undefined,
    cert: certChain ?? undefined,
  });
}

/** What `make` makes, once somebody looks at it. */
function lazily(target, make) {
  let real = null;
  const get = () => {
    real ??= make();
    return real;
  };
  return new Proxy(target, {
    get(_target, key) {
      const value = Reflect.get(get(), key);
      return typeof value === 'function' ? value.bind(real) : value;
    },
    set: (_target, key, value) => Reflect.set(get(), key, value),
    has: (_target, key) => Reflect.has(get(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(get()),
  });
}

module.exports = { HELPERS, noteGrpc };
