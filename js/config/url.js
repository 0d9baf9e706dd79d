'use strict';
// Owns what an endpoint URL means: its normal form, the credentials inside it, and how it may be shown.
// It refuses to guess: what `new URL` cannot read is an error.

const { textOf } = require('./options/read.js');

/** An unusable URL as it may be shown: nothing in front of an `@` survives, because a password may hold any character. */
function maskCredentials(text) {
  return textOf(text).replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@');
}

/** Normal form of the user's URL, or undefined when absent. Throws the stock exporter's error otherwise. */
function normaliseUserUrl(url) {
  if (url == null) return undefined;
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch {
    throw new Error(`Configuration: Could not parse user-provided export URL: '${maskCredentials(url)}'`);
  }
}

/**
 * The parts of a normalised URL that a sender needs.
 * `authorization` is the Basic credential from the URL, or null; `malformedCredentials` is set when the percent-encoding
 * of the credentials is broken, which Node reports at each request.
 */
function dissectUrl(href) {
  const url = new URL(href);
  let authorization = null;
  let malformedCredentials = false;
  if (url.username !== '' || url.password !== '') {
    try {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    } catch {
      malformedCredentials = true;
    }
  }
  url.username = '';
  url.password = '';
  url.hash = '';
  return { scheme: url.protocol, hostname: url.hostname, endpoint: url.href, authorization, malformedCredentials };
}

/** An endpoint without credentials as a line may show it: a query may hold a key. The path of a directory has none. */
function withoutQuery(endpoint) {
  return /^https?:/i.test(endpoint) ? endpoint.split('?', 1)[0] : endpoint;
}

/** The same for a URL that may be none. */
function shownUrl(url) {
  try {
    return withoutQuery(dissectUrl(normaliseUserUrl(url)).endpoint);
  } catch {
    return maskCredentials(url).split('?', 1)[0];
  }
}

module.exports = { dissectUrl, maskCredentials, normaliseUserUrl, shownUrl, withoutQuery };
