'use strict';
// Owns the words for each verdict on the probe: what it means, and what helps.
// It refuses to repeat what a peer has said: that is a fact of its own.

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const HEADERS = 'OTEL_EXPORTER_OTLP_HEADERS';
const ROOTS = 'OTEL_EXPORTER_OTLP_CERTIFICATE';

const headersOf = (protocol) => (protocol === 'grpc' ? 'metadata' : 'headers');

/** Verdict -> what is said, given `{ where, host, protocol, isEmpty, timeoutMillis, proxy, certificate, isDefault, hasDirectory }`. */
const WORDS = {
  refused: ({ where, isDefault, hasDirectory }) => {
    const text = `nobody listens at ${where}`;
    if (!isDefault) {
      return [text, `start the collector, or correct ${ENDPOINT}; in a container, localhost is the container itself`];
    }
    return hasDirectory
      ? [`${text}, which matters to exporters over a network alone`, `for those start a collector, or set ${ENDPOINT}`]
      : [
          text,
          `start the collector, or set ${ENDPOINT}; if all spans go to files (FileSpanExporter), this is no problem: --directory <path> looks there`,
        ];
  },
  name_unknown: ({ host }) => [
    `the name ${host} was not found`,
    'correct the name; names of containers and services are known in their network only',
  ],
  unreachable: ({ where }) => [
    `there is no way to ${where}`,
    'look at routes and firewalls, and whether IPv6 works here',
  ],
  no_connection: ({ where, timeoutMillis }) => [
    `no connection to ${where} within ${timeoutMillis} ms`,
    'a firewall may drop the packets: let them through, or correct the address',
  ],
  silent: ({ where, timeoutMillis }) => [
    `${where} takes connections and did not answer within ${timeoutMillis} ms`,
    'look at the load of the collector; --timeout waits longer',
  ],
  cut_off: ({ where }) => [
    `${where} closed the connection without an answer`,
    'look into its log; a load balancer may have nothing behind it, or expect another protocol',
  ],
  socket_missing: ({ where }) => [
    `${where} cannot be opened`,
    'start the collector, or correct the path or its rights',
  ],
  url_unusable: () => ['the URL has a scheme that is not spoken', 'write http:// or https:// in front of it'],
  grpc_port: ({ where }) => [
    `${where} speaks HTTP/2, it looks like the gRPC port`,
    "use that of OTLP/HTTP, which is 4318 unless configured otherwise, or protocol 'grpc'",
  ],
  http_port: ({ where }) => [
    `${where} speaks HTTP/1, it looks like the port of OTLP/HTTP`,
    "use that of gRPC, which is 4317 unless configured otherwise, or protocol 'http/protobuf'",
  ],
  not_http: ({ where }) => [`${where} speaks something that is neither HTTP nor gRPC`, 'correct the port'],
  tls_wanted: ({ where }) => [`${where} wants TLS`, 'write https:// in the URL'],
  tls_unknown: ({ where }) => [`${where} does not speak TLS`, 'write http:// in the URL, if the network is trusted'],
  tls: ({ where }) => [`no TLS connection to ${where} came about`, 'compare the versions and ciphers of both sides'],
  client_certificate: ({ where }) => [
    `${where} wants a certificate of the client, or another one`,
    'set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY',
  ],
  client_certificate_perhaps: ({ where }) => [
    `${where} closed the TLS connection as soon as it stood, as servers do that want a certificate of the client`,
    'if it wants one, set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY, else look into its log',
  ],
  certificate_unknown: ({ certificate }) => [
    `the certificate is by an authority that is not trusted: ${certificate}`,
    `set ${ROOTS} or NODE_EXTRA_CA_CERTS to the file with the certificate of that authority`,
  ],
  certificate_expired: ({ certificate }) => [`the certificate has expired: ${certificate}`, 'renew it on the server'],
  certificate_not_yet_valid: ({ certificate }) => [
    `the certificate is not valid yet: ${certificate}`,
    'compare the clocks of both machines',
  ],
  certificate_name: ({ host, certificate }) => [
    `the certificate is not for ${host}: ${certificate}`,
    'use one of its names in the URL, or have it made for this one',
  ],
  unauthorized: ({ where, protocol }) => [
    `${where} does not know who sends`,
    `set ${HEADERS} (name=value, per cent-encoded), or ${headersOf(protocol)} in code, which this command does not see`,
  ],
  forbidden: ({ where, protocol }) => [
    `${where} knows who sends, and forbids it`,
    `the token in ${headersOf(protocol)} may be for another project, or for reading only`,
  ],
  not_found: ({ where, protocol }) =>
    protocol === 'grpc'
      ? [`${where} does not know the OTLP trace service`, 'correct the port, or switch the OTLP receiver on']
      : [
          `${where} has nothing at that path`,
          `it is usually /v1/traces, which is appended to ${ENDPOINT} and --endpoint, and to nothing else`,
        ],
  method_refused: ({ where }) => [
    `${where} takes no POST at that path`,
    'this is no OTLP receiver: correct port and path',
  ],
  too_large: ({ where }) => [`${where} says that the body is too large`, 'raise its limit: this one was nearly empty'],
  media_type: ({ where, protocol }) => [
    `${where} does not take ${protocol}, or not its compression`,
    protocol === 'http/json' ? "use protocol 'http/protobuf'" : "use another protocol, or compression 'none'",
  ],
  body_refused: ({ where, isEmpty }) => [
    `${where} refuses the body`,
    isEmpty
      ? 'some servers refuse a request without spans: try --send-span'
      : 'look into its log: is it an OTLP receiver?',
  ],
  rejected: ({ where }) => [`${where} answered, and rejected the span`, 'its message says why'],
  redirected: ({ where }) => [
    `${where} sends elsewhere, which exporters do not follow`,
    'use the address that it names',
  ],
  busy: ({ where }) => [
    `${where}, or what is in front of it, takes nothing at the moment`,
    'exporters try again; look whether what is behind it runs',
  ],
  server_error: ({ where }) => [`${where} failed`, 'look into its log'],
  status: ({ where }) => [`${where} refused the request`, 'look into its log'],
  proxy_refused: ({ proxy }) => [
    `the proxy ${proxy} leads nowhere`,
    'correct the variable, or except the host: NO_PROXY, over gRPC also no_grpc_proxy',
  ],
  proxy_credentials: ({ proxy }) => [
    `the proxy ${proxy} wants other credentials`,
    'write user and password into the URL of the proxy',
  ],
  failed: ({ where }) => [`the request to ${where} failed`, 'the answer above says how'],
};

/** @returns {[string, string]} what it means and what helps */
function wordsFor(verdict, facts) {
  return WORDS[verdict](facts);
}

module.exports = { VERDICTS: Object.keys(WORDS), wordsFor };
