'use strict';
// Owns what may go wrong between an exporter and a proxy, phase by phase, and what then becomes of an export.

/** A body of this size is under way for a while; what is cut in it is cut after so many bytes. */
const LARGE_TEXT = 'large '.repeat(50_000);
const IN_LARGE = 100_000;

/** What an attempt fails with: whether it is repeated, and the code and the text of the error. */
const repeated = (code, text) => ({ isRepeated: true, code, text });
const final = (code, text) => ({ isRepeated: false, code, text });

/** No tunnel, in our words and in those of Node's own agents. */
const NO_TUNNEL =
  /no tunnel to collector\.test:\d+ through the proxy |Failed to establish tunnel to collector\.test:\d+ via |Connection to establish proxy tunnel ended/;

/** A refusal of the proxy's by a status. Over gRPC every connection that fails is tried again, as @grpc/grpc-js does. */
const refusal = (status, reason, verdict) => ({
  step: status,
  expect: ({ isGrpc, isTunnel }) => {
    const line = new RegExp(`(${NO_TUNNEL.source}).*: HTTP/1\\.1 ${status} ${reason}`);
    if (isGrpc) return repeated(14, line);
    if (isTunnel) return verdict('ERR_PROXY_TUNNEL', line);
    // A status that may pass is named by the stock exporter's words for it when the attempts are over.
    return verdict(
      verdict === repeated ? 'any' : status,
      verdict === repeated ? /retryable status/ : new RegExp(reason),
    );
  },
});

/** The connection is lost: in these words over HTTP, and as a dropped connection over gRPC. */
const lost =
  (text = /socket hang up|ECONNRESET|EPIPE|disconnected/) =>
  ({ isGrpc }) =>
    isGrpc ? repeated(14, /dropped|reset|ECONNRESET|EPIPE|hang up|closed|disconnected|tunnel/i) : repeated('any', text);

/** Before the tunnel stands there is nothing but the answer of the proxy; a reset is one, whenever it comes. */
const lostBefore = ({ isGrpc, isTunnel }) => {
  const noTunnel = new RegExp(`${NO_TUNNEL.source}|ECONNRESET`);
  if (isGrpc) return repeated(14, noTunnel);
  return isTunnel ? repeated('any', noTunnel) : lost()({ isGrpc });
};

/**
 * `step` is the proxy's, `collector` what the collector does (a function of the proxy and the transport). `fits` says for
 * which transports there is such a phase, `large` that the request has to be large.
 */
const FAULTS = {
  'asks for credentials': refusal(407, 'Proxy Authentication Required', final),
  forbids: refusal(403, 'Forbidden', final),
  'does not know the collector': refusal(404, 'Not Found', final),
  'cannot reach the collector': refusal(502, 'Bad Gateway', repeated),
  'is too busy': refusal(503, 'Service Unavailable', repeated),
  'speaks no HTTP': {
    step: { raw: 'SSH-2.0-OpenSSH_9.2\r\n\r\n' },
    expect: ({ isGrpc, isTunnel }) => {
      if (isGrpc) return repeated(14, NO_TUNNEL);
      return isTunnel ? repeated('ERR_PROXY_TUNNEL', NO_TUNNEL) : repeated('any', /Parse Error/);
    },
  },
  'ends the connection without an answer': { step: { end: true }, expect: lostBefore },
  'resets the connection without an answer': { step: { reset: true }, expect: lostBefore },
  'ends the connection within its answer': { step: { raw: 'HTTP/1.1 200 Conn' }, expect: lostBefore },
  'ends a tunnel as it has granted it': {
    fits: ({ isTunnel }) => isTunnel,
    step: { cut: { clientBytes: 0 } },
    expect: lost(),
  },
  'resets a tunnel as it has granted it': {
    fits: ({ isTunnel }) => isTunnel,
    step: { cut: { clientBytes: 0, reset: true } },
    expect: lost(),
  },
  'ends a tunnel after the first bytes': {
    fits: ({ isTunnel }) => isTunnel,
    step: { cut: { clientBytes: 1 } },
    expect: lost(),
  },
  'ends the connection within the request': { large: true, step: { cut: { clientBytes: IN_LARGE } }, expect: lost() },
  'resets the connection within the request': {
    large: true,
    step: { cut: { clientBytes: IN_LARGE, reset: true } },
    expect: lost(),
  },
  'ends the connection before the answer': {
    collector:
      (proxy, { isGrpc }) =>
      () => {
        proxy.cut();
        return { stall: isGrpc ? 'answer' : 'response' };
      },
    expect: lost(),
  },
  'is silent': {
    isSlow: true,
    step: { stall: true },
    expect: ({ isGrpc }) => (isGrpc ? repeated(4, /Deadline exceeded/) : repeated('any', /timed out|ETIMEDOUT/)),
  },
};

/** What does no harm, however odd it looks. */
const ODDITIES = {
  'answers in many pieces': { grant: { pieces: 9 } }, // with more of them Node 22's own agents take for ever
  'answers in HTTP/1.0': { grant: { line: 'HTTP/1.0 200 OK' } },
  'answers without a reason': { grant: { line: 'HTTP/1.1 200' } },
  'says the length of a body that does not come': { grant: { headers: { 'Content-Length': '5' } } },
  'says that a body is chunked that does not come': { grant: { headers: { 'Transfer-Encoding': 'chunked' } } },
  'says that it closes the connection': { grant: { headers: { Connection: 'close' } } },
  'says much': { grant: { headers: { Via: '1.1 proxy', 'X-Cache': 'MISS', 'X-Long': 'x'.repeat(4000) } } },
};

module.exports = { FAULTS, LARGE_TEXT, ODDITIES };
