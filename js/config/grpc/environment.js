'use strict';
// Owns the OTEL_EXPORTER_OTLP_* variables as an exporter over gRPC reads them.
// It refuses to throw, with one exception of the stock exporter's: metadata that cannot be sent.

const { PREFIX, readHeaders, readNamedFile, readShared, readString } = require('../environment.js');
const { diag } = require('../../otel/diag.js');
const { isSendable, toWire, validate } = require('./metadata_values.js');

/** The variable of the signal before the one of all signals, blanks around the text not counted. */
function readText(signal, name) {
  return (readString(`${PREFIX}${signal}_${name}`) ?? readString(`${PREFIX}${name}`))?.trim();
}

/** Entries by key; a later pair takes the value of an earlier one, in its place. @throws {Error} */
function readMetadata(signal) {
  const byKey = new Map();
  for (const [name, value] of Object.entries(readHeaders(signal))) {
    const key = name.toLowerCase();
    validate(key, value);
    if (isSendable(key)) byKey.set(key, toWire(value));
  }
  return byKey;
}

/**
 * What the environment says in the constructor of an exporter. The order of the reads is the order of the diag lines.
 * @param {string} signal upper-case part of the variable names, `TRACES`
 */
function readGrpcEnvironment(signal) {
  return {
    ...readShared(signal),
    metadata: readMetadata(signal),
    url: readText(signal, 'ENDPOINT'),
    isInsecure: readText(signal, 'INSECURE')?.toLowerCase() === 'true',
  };
}

/**
 * Certificates for a connection that is opened now: `{ rootCerts, privateKey, certChain }`. Half a client pair is none, and
 * the roots are used without it.
 */
function readGrpcCertificates(signal) {
  const read = (name, warning) => {
    const file = readText(signal, name);
    return file === undefined ? undefined : readNamedFile(file, warning);
  };
  const privateKey = read('CLIENT_KEY', 'Failed to read client certificate private key file');
  const certChain = read('CLIENT_CERTIFICATE', 'Failed to read client certificate chain file');
  const rootCerts = read('CERTIFICATE', 'Failed to read root certificate file');
  if ((privateKey === undefined) === (certChain === undefined)) return { rootCerts, privateKey, certChain };
  diag.warn(
    'Client key and certificate must both be provided, but one was missing - ' +
      'attempting to create credentials from just the root certificate',
  );
  return { rootCerts };
}

module.exports = { readGrpcCertificates, readGrpcEnvironment };
