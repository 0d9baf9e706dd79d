'use strict';
// Owns keeping secrets out of the report: URLs are shown without credentials and query, headers without values, and what a
// peer, an error or a log line says is searched for everything that is known to be secret.
// It refuses to guess what is secret by its look.

const SHORTEST = 4; // what is shorter is found in ordinary words
const HIDDEN = '***';
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const KINDS_OF_CREDENTIALS = new Set(['basic', 'bearer', 'token']);

const found = new Set();

/** Remembers `text`, its words, and the forms that they go out in. */
function noteSecret(text) {
  for (const part of [text, decoded(text), ...text.split(/[\s,;]+/)]) {
    if (KINDS_OF_CREDENTIALS.has(part.toLowerCase())) continue;
    const base64 = Buffer.from(part).toString('base64').replace(/=+$/, '');
    const json = JSON.stringify(part).slice(1, -1);
    for (const form of [part, part.toLowerCase(), encoded(part), json, base64])
      if (form.length >= SHORTEST) found.add(form);
  }
}

function noteSecretsOfUrl(text) {
  const { credentials, query } = partsOf(text);
  if (credentials !== null) {
    noteSecret(credentials);
    noteSecret(credentials.slice(credentials.indexOf(':') + 1));
  }
  for (const entry of query?.split('&') ?? []) noteSecret(entry.slice(entry.indexOf('=') + 1));
}

/** @param {string} text a list as the variables of headers have it */
function noteSecretsOfHeaders(text) {
  for (const entry of text.split(',')) noteSecret(entry.slice(entry.indexOf('=') + 1).trim());
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Half a surrogate pair has no such form. */
function encoded(text) {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As `new URL` would take it apart, for texts that it refuses, too: a password may hold any character. */
function partsOf(text) {
  const scheme = SCHEME.exec(text)?.[0] ?? '';
  const [address, ...query] = text.slice(scheme.length).replace(/#.*$/s, '').split('?');
  const at = address.lastIndexOf('@');
  return {
    scheme,
    credentials: at === -1 ? null : address.slice(0, at),
    rest: address.slice(at + 1),
    query: query.length === 0 ? null : query.join('?'),
  };
}

/** A URL as it may be shown. */
function shownUrl(text) {
  const { scheme, credentials, rest, query } = partsOf(text);
  return `${scheme}${credentials === null ? '' : `${HIDDEN}@`}${rest}${query === null ? '' : `?${HIDDEN}`}`;
}

/** Any text as it may be shown: URLs in it have neither credentials nor queries. */
function withoutUrls(text) {
  return text.replace(/(\w:\/\/)[^\s/'"]*@/g, `$1${HIDDEN}@`).replace(/\?[^\s'"?]*=[^\s'"]*/g, `?${HIDDEN}`);
}

/** The words of a peer, of an error or of a log line, as they may be shown. */
function foreign(text) {
  let clean = text;
  const longestFirst = [...found].sort((left, right) => right.length - left.length);
  for (const secret of longestFirst) clean = clean.replaceAll(secret, HIDDEN);
  return withoutUrls(clean);
}

module.exports = { foreign, HIDDEN, noteSecret, noteSecretsOfHeaders, noteSecretsOfUrl, shownUrl, withoutUrls };
