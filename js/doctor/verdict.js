'use strict';
// Owns what became of the probe, in one word: from the facts of the attempt, and where that brought no answer from a second
// look (peer_look.js).
// It refuses to phrase anything: remedies.js does.

const STATUSES = {
  400: 'body_refused',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_refused',
  407: 'proxy_credentials',
  408: 'silent',
  411: 'body_refused',
  413: 'too_large',
  415: 'media_type',
  422: 'body_refused',
  429: 'busy',
  502: 'busy',
  503: 'busy',
  504: 'busy',
};
const GRPC_STATUSES = {
  3: 'body_refused', // INVALID_ARGUMENT
  5: 'not_found', // NOT_FOUND
  7: 'forbidden', // PERMISSION_DENIED
  12: 'not_found', // UNIMPLEMENTED
  16: 'unauthorized', // UNAUTHENTICATED
};
/** Statuses that a client of gRPC also makes itself, where nothing or nonsense has come: its words say less than a look. */
const OF_CLIENT = { 1: 'cut_off', 2: 'server_error', 4: 'silent', 13: 'server_error', 14: 'busy' };
const RESOURCE_EXHAUSTED = 8;
const CODES = {
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  EAI_FAIL: 'name_unknown',
  EAI_NODATA: 'name_unknown',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'no_connection',
  TIMEOUT: 'no_connection',
  ENOENT: 'socket_missing',
  EACCES: 'socket_missing',
  ECONNRESET: 'cut_off',
  EPIPE: 'cut_off',
};
const CERTIFICATES = {
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_not_yet_valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_name',
  HOSTNAME_MISMATCH: 'certificate_name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_unknown',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_unknown',
};
const WANTS_CERTIFICATE = /certificate.required|bad.certificate/i; // as an alert or a code of OpenSSL
const NO_TLS = /wrong.version.number|packet.length.too.long/i;
const FOR_TLS = /https (?:port|server)/i; // as Go and nginx answer to plain HTTP

/** What is known without a look, or null. */
function judgeAnswer({ isDelivered, rejected, status, grpcStatus, code = '', text = '', body = '' }) {
  if (isDelivered) return rejected > 0 ? 'rejected' : 'delivered';
  if (status !== undefined) {
    if (status === 400 && FOR_TLS.test(body)) return 'tls_wanted';
    if (status >= 300 && status < 400) return 'redirected';
    return STATUSES[status] ?? (status >= 500 ? 'server_error' : 'status');
  }
  if (code === 'ERR_INVALID_PROTOCOL') return 'url_unusable';
  // Of the last step of a handshake, which a client takes for done.
  if (WANTS_CERTIFICATE.test(`${code} ${text}`)) return 'client_certificate';
  if (grpcStatus === RESOURCE_EXHAUSTED) return /larger than max/i.test(text) ? 'too_large' : 'busy';
  if (grpcStatus === undefined || grpcStatus in OF_CLIENT) return null;
  return GRPC_STATUSES[grpcStatus] ?? 'server_error';
}

/**
 * @param {object} attempt that brought no answer  @param {object} seen what `look` gave
 * @param {boolean} isGrpc  @param {boolean} isVerified whether a certificate has to be in order
 */
function judgeLook(attempt, seen, { isGrpc, isVerified }) {
  const { step, code, speaks, verdict, isClosedFirst } = seen;
  if (step === 'tunnel') return code === 'PROXY_407' ? 'proxy_credentials' : 'proxy_refused';
  if (step === 'connection') return CODES[code] ?? 'failed';
  if (step === 'tls') return judgeHandshake(seen);
  if (verdict && isVerified) return CERTIFICATES[verdict] ?? 'tls';
  if (code?.startsWith('ERR_SSL')) return judgeHandshake(seen);
  if (isClosedFirst) return 'client_certificate_perhaps';
  if (speaks === 'tls') return 'tls_wanted';
  if (isGrpc && speaks === 'http1') return 'http_port';
  // With TLS a server may choose HTTP/2 for us, and speak HTTP/1 to the exporter, slowly.
  if (!isGrpc && speaks === 'http2' && !(verdict !== undefined && attempt.isTimeout)) return 'grpc_port';
  if (code === 'TIMEOUT' || attempt.isTimeout) return 'silent';
  if (speaks === 'something else') return 'not_http';
  if (attempt.grpcStatus in OF_CLIENT && speaks === 'http2') return OF_CLIENT[attempt.grpcStatus];
  return CERTIFICATES[attempt.code] ?? CODES[attempt.code] ?? (speaks === 'nothing' ? 'cut_off' : 'failed');
}

function judgeHandshake({ code = '', text = '', speaks }) {
  if (speaks === 'http1' || speaks === 'http2' || NO_TLS.test(`${code} ${text}`)) return 'tls_unknown';
  if (code === 'TIMEOUT') return 'silent';
  return WANTS_CERTIFICATE.test(`${code} ${text}`) ? 'client_certificate' : 'tls';
}

module.exports = { judgeAnswer, judgeLook };
