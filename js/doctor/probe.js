'use strict';
// Owns the probe of the endpoint: one request by the way that spans take, a second look where it brings no answer, and the
// verdict.
// It refuses to try again, and to wait longer than it was told.

const { isIP } = require('node:net');
const { now } = require('../guards/timers.js');
const { findLines } = require('./log_lines.js');
const { look } = require('./peer_look.js');
const { sendByExporter, sendByNode } = require('./probe_ways.js');
const { wordsFor } = require('./remedies.js');
const { foreign } = require('./secrets.js');
const { configOf, isEndpointDefault } = require('./settings.js');
const { judgeAnswer, judgeLook } = require('./verdict.js');

const MOST_SHOWN_UNITS = 300;
const MOST_READ_UNITS = 4096;
const NEEDS_CERTIFICATE = /^certificate_/;

/** @param {{ endpoint, protocol, source, timeoutMillis, timeoutSource, isSpanSent, hasBinding, hasDirectory }} wanted */
async function probe(section, wanted) {
  const { protocol, timeoutMillis, hasBinding } = wanted;
  section.fact('protocol', protocol, wanted.source);
  section.fact('timeoutMillis', timeoutMillis, wanted.timeoutSource);
  let config;
  try {
    const more = { timeoutMillis, retry: { maxAttempts: 1 }, exit: { drainMillis: 0, blockMillis: 0 } };
    config = configOf(protocol, wanted.endpoint, more);
  } catch (error) {
    section.problem('configuration', foreign(error.message), 'correct it: nothing was sent');
    return;
  }
  const span = wanted.isSpanSent ? require('./probe_body.js').makeSpan() : null;
  section.fact('sent', span === null ? 'a request without spans' : `one span, trace ${span.spanContext().traceId}`);
  section.fact('through', hasBinding ? 'the exporter' : `Node's ${protocol === 'grpc' ? 'http2' : 'http'}`);
  const started = now();
  const send = hasBinding ? sendByExporter : sendByNode;
  const attempt = await send(config, span, timeoutMillis);
  section.fact('tookMillis', Math.round(now() - started));
  section.fact('answer', answerOf(attempt));
  const isDefault = isEndpointDefault(wanted.endpoint);
  const { hasDirectory } = wanted;
  await tell(section, attempt, { config, timeoutMillis, isEmpty: span === null, isDefault, hasDirectory });
  findLines(section);
}

async function tell(section, attempt, { config, timeoutMillis, isEmpty, isDefault, hasDirectory }) {
  const place = placeOf(config);
  const isGrpc = config.protocol === 'grpc';
  const where =
    place.socketPath ?? `${isIP(place.hostname) === 6 ? `[${place.hostname}]` : place.hostname}:${place.port}`;
  let verdict = judgeAnswer(attempt);
  if (verdict === 'delivered') {
    section.find('ok', verdict, `${where} took it`);
    return;
  }
  let seen = null;
  if (verdict === null) {
    seen = await look(place, timeoutMillis);
    verdict = judgeLook(attempt, seen, { isGrpc, isVerified: isVerified(config) });
  }
  if (seen?.speaks !== undefined) section.fact('peer speaks', seen.speaks);
  const [text, remedy] = wordsFor(verdict, {
    where,
    host: place.hostname,
    protocol: config.protocol,
    isEmpty,
    isDefault,
    hasDirectory,
    timeoutMillis,
    proxy: config.proxy?.url ?? 'in front of it',
    certificate: NEEDS_CERTIFICATE.test(verdict) ? certificateText(seen.certificate) : '',
  });
  const isOfNoUse = verdict === 'refused' && isDefault && hasDirectory; // a program that writes files wants no collector
  section.find(isOfNoUse ? 'note' : 'problem', verdict, text, remedy);
}

/** What `look` takes. */
function placeOf(config) {
  const url = new URL(config.protocol === 'grpc' ? config.dial : config.url);
  const isTls = url.protocol === 'https:';
  const { ca, cert, key } = Object(config.agentOptions);
  const tlsOptions = config.protocol === 'grpc' ? config.tlsOptions : { ca, cert, key };
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isTls ? 443 : 80),
    socketPath: config.socketPath,
    tlsOptions: isTls ? tlsOptions : null,
    proxy: config.proxy ?? null,
  };
}

/** Over gRPC the variable has no say. */
function isVerified({ protocol }) {
  return protocol === 'grpc' || process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
}

function answerOf({ isDelivered, rejected, status, grpcStatus, code, text, body }) {
  if (isDelivered) return rejected > 0 ? `success, ${rejected} rejected` : 'success';
  const said = body ? `: ${body.slice(0, MOST_READ_UNITS)}` : '';
  const what =
    status !== undefined
      ? `HTTP ${status} ${text}${said}`
      : grpcStatus !== undefined
        ? grpcText(grpcStatus, text)
        : null;
  const shown = foreign(what ?? `none: ${text}${code && !text.includes(code) ? ` (${code})` : ''}`);
  return printable(shown).slice(0, MOST_SHOWN_UNITS).trim();
}

function grpcText(status, text) {
  const { NAMES } = require('../config/grpc/status.js');
  return `gRPC status ${status} ${NAMES[status] ?? ''}: ${text}`;
}

/** A peer may send anything, sequences for terminals too. */
function printable(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\s]+/gu, ' ');
}

function certificateText(certificate) {
  const { subject, issuer, from, to, names } = certificate ?? {};
  const text = `subject ${subject ?? 'without a name'}, issuer ${issuer ?? 'without a name'}, from ${from} to ${to}, names: ${names ?? 'none'}`;
  return printable(text).slice(0, MOST_SHOWN_UNITS);
}

module.exports = { probe };
