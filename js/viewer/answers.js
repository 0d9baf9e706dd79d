'use strict';
// Owns what every answer carries: the headers that keep the page to itself, and errors of one sentence.

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const TYPES = {
  json: 'application/json; charset=utf-8',
  binary: 'application/octet-stream',
  text: 'text/plain; charset=utf-8',
};

/** Writes the head of an answer whose length is not known, or is in `headers`. */
function begin(response, status, headers) {
  response.writeHead(status, { ...HEADERS, ...headers });
}

/** @param {string} type a key of TYPES, or a media type */
function answer(response, status, type, body, headers = {}) {
  begin(response, status, { 'Content-Type': TYPES[type] ?? type, 'Content-Length': body.length, ...headers });
  response.end(body);
}

function answerJson(response, status, value, headers) {
  answer(response, status, 'json', Buffer.from(JSON.stringify(value)), headers);
}

/** @param {string} sentence without a path that the reader has not given, and without a stack */
function refuse(response, status, sentence, headers) {
  answerJson(response, status, { error: sentence }, headers);
}

function refuseWithoutBody(response, status, headers = {}) {
  begin(response, status, { 'Content-Length': 0, ...headers });
  response.end();
}

/** An answer for a socket whose request could not be read. */
function rawRefusal(status, reason) {
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${reason}`, ...lines, 'Content-Length: 0', 'Connection: close', '', ''].join('\r\n');
}

module.exports = { answer, answerJson, begin, HEADERS, rawRefusal, refuse, refuseWithoutBody, TYPES };
