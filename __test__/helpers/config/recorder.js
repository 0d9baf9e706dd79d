'use strict';
// Owns a loopback server that remembers what it was sent, and what a program's diag logger was told.

const http = require('node:http');
const https = require('node:https');
const zlib = require('node:zlib');
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { exportBegins } = require('../../../js/otel/diag.js');
const { isDecision } = require('../diag_lines.js');

function answerEmpty(_request, response) {
  response.end();
}

/** Headers by lower-case name. Content-Length against chunked bodies is a difference on purpose (X4). */
function headersOf(request) {
  const headers = {};
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i].toLowerCase();
    if (name === 'content-length' || name === 'transfer-encoding') continue;
    headers[name] = name in headers ? [headers[name], request.rawHeaders[i + 1]].flat() : request.rawHeaders[i + 1];
  }
  headers.connection = (headers.connection ?? 'keep-alive').toLowerCase();
  return headers;
}

function decodeBody(request, body) {
  const plain = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body;
  if (request.headers['content-type'] === 'application/json') return JSON.parse(plain.toString());
  return plain.toString('hex');
}

/**
 * Starts a recorder on loopback.
 * @param {{ tls?: object, listen?: object }} [options] `tls`: options of https.createServer
 */
async function startRecorder({ tls, listen = { port: 0, host: '127.0.0.1' } } = {}) {
  const recorder = { requests: [], connections: 0, respond: answerEmpty };
  const connectionIds = new Map();

  const onRequest = (request, response) => {
    const chunks = [];
    const { socket } = request;
    if (!connectionIds.has(socket)) connectionIds.set(socket, connectionIds.size + 1);
    const record = { method: request.method, path: request.url, version: request.httpVersion };
    record.connection = connectionIds.get(socket);
    record.headers = headersOf(request);
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      try {
        record.body = decodeBody(request, Buffer.concat(chunks));
      } catch (error) {
        record.body = `undecodable: ${error.message}`;
      }
      recorder.requests.push(record);
      recorder.respond(request, response, recorder.requests.length);
    });
  };

  const server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  const sockets = new Set();
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    recorder.connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, resolve);
  });
  const address = server.address();
  recorder.port = address?.port;
  recorder.origin = `${tls ? 'https' : 'http'}://127.0.0.1:${address?.port}`;
  /** Forgets everything and, by closing connections, everyone. */
  recorder.reset = (respond = answerEmpty) => {
    for (const socket of sockets) socket.destroy();
    connectionIds.clear();
    recorder.requests = [];
    recorder.connections = 0;
    recorder.respond = respond;
  };
  recorder.close = () =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(resolve);
    });
  return recorder;
}

function describeArgument(argument) {
  if (argument instanceof Error) return `${argument.name}: ${argument.message}`;
  if (Array.isArray(argument)) return `array of ${argument.length}`;
  if (ArrayBuffer.isView(argument)) return `bytes ${Buffer.from(argument).toString('hex')}`;
  return String(argument);
}

/** Collects every diag line while `work` runs. Times inside lines are not compared. */
async function recordDiag(work) {
  const lines = [];
  let listening = false; // the API itself reports that the logger comes and goes
  const logger = {};
  for (const level of ['verbose', 'debug', 'info', 'warn', 'error']) {
    logger[level] = (...args) => {
      if (!listening || isDecision(level, args[0])) return;
      lines.push(
        `${level}: ${args
          .map(describeArgument)
          .join(' ')
          .replace(/-?\d+ms/g, '<n>ms')}`,
      );
    };
  }
  exportBegins(); // what others have said before is not kept for this logger
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  listening = true;
  try {
    const value = await work();
    return { value, lines };
  } finally {
    listening = false;
    diag.disable();
  }
}

/** Runs `work` with the given variables and without any other that an exporter reads. */
async function withEnvironment(variables, work) {
  const saved = { ...process.env };
  for (const name of Object.keys(process.env)) {
    if (/^OTEL_|^NODE_TLS_REJECT_UNAUTHORIZED$|_proxy$/i.test(name)) delete process.env[name];
  }
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  }
}

/** Everything of an error that a user can see, the stack apart. */
function describeError(error) {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return { thrown: error === null ? 'null' : typeof error };
  const described = { name: error.name, kind: error.constructor.name, message: error.message };
  for (const name of ['code', 'errno', 'syscall', 'hostname', 'address', 'port', 'data', 'reason']) {
    if (name in error) described[name] = error[name];
  }
  described.own = Object.getOwnPropertyNames(error).filter((name) => name !== 'stack' && name !== 'cert');
  if (Array.isArray(error.errors)) described.errors = error.errors.map(describeError);
  return described;
}

module.exports = { describeError, recordDiag, startRecorder, withEnvironment };
