'use strict';
// Owns who may ask: a request that names this server as its host, comes from its own page, and carries its token.
// It refuses to look at anything else before the host.

const LONGEST_URL = 8 * 1024;
const LARGEST_BODY = 1024;
const METHODS = { '/api/token': 'POST' };

/**
 * Why a request is not answered; null if it may be. Without a sentence the answer has no body.
 * @returns {{ status: number, sentence?: string, headers?: object } | null}
 */
function refusalOf(request, { port, secrets }) {
  const { headers } = request;
  if (!isOwnHost(request, port)) return { status: 403, headers: { Connection: 'close' } };
  if (request.url.length > LONGEST_URL) {
    return closing(414, `The address is longer than ${LONGEST_URL} bytes.`);
  }
  if (headers['transfer-encoding'] !== undefined) return closing(411, 'The body has no length.');
  if (Number(headers['content-length'] ?? 0) > LARGEST_BODY) {
    return closing(413, `The body is larger than ${LARGEST_BODY} bytes.`);
  }
  const path = pathOf(request.url);
  const isApi = path.startsWith('/api/');
  if (isApi && !isOwnPage(headers)) return { status: 403, sentence: 'Only the page of this server may ask.' };
  const method = METHODS[path] ?? 'GET';
  if (request.method !== method) {
    return { status: 405, sentence: `The method is ${method}.`, headers: { Allow: method } };
  }
  if (isApi && method === 'GET' && !secrets.admits(headers.authorization)) {
    const headers = { 'WWW-Authenticate': 'Bearer' };
    return {
      status: 401,
      sentence: 'The token is missing or wrong; open the address that the command prints.',
      headers,
    };
  }
  return null;
}

function closing(status, sentence) {
  return { status, sentence, headers: { Connection: 'close' } };
}

/** A page of another name that leads to 127.0.0.1 carries that name here. */
function isOwnHost({ headersDistinct: { host } }, port) {
  if (host?.length !== 1) return false;
  return ['127.0.0.1', 'localhost'].some((name) => host[0] === `${name}:${port}` || (port === 80 && host[0] === name));
}

/** Browsers say where a request comes from; programs say nothing. */
function isOwnPage({ origin, host, 'sec-fetch-site': site }) {
  return (origin === undefined || origin === `http://${host}`) && (site === undefined || site === 'same-origin');
}

/** As it was sent: nothing is decoded. */
function pathOf(url) {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

module.exports = { LARGEST_BODY, LONGEST_URL, pathOf, refusalOf };
