'use strict';
// Owns the HTTP server of `offloop view`: 127.0.0.1 and no other address, its limits, and which part answers which address.

const http = require('node:http');
const { answer, answerJson, rawRefusal, refuse, refuseWithoutBody } = require('./answers.js');
const { pathOf, refusalOf } = require('./guard.js');
const { answerQuestion, QUESTIONS } = require('./questions.js');

const ADDRESS = '127.0.0.1';
const API = '/api/';
const MOST_CONNECTIONS = 256;
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
  requireHostHeader: false, // a request without one is refused as any other
};

/**
 * @param {{ engine: import('./engine.js').Engine, turns: import('./turns.js').Turns, live: import('./live.js').Live,
 *   secrets: import('./token.js').Secrets, assets: Map<string, { type: string, body: Buffer }>, about: object }} viewer
 */
function createServer(viewer) {
  const server = http.createServer(LIMITS);
  server.maxConnections = MOST_CONNECTIONS;
  const handle = (request, response) => answerRequest(viewer, server.address().port, request, response);
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, handle);
  server.on('clientError', (error, socket) => {
    if (!socket.writable) return;
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
    socket.end(isTooLong ? rawRefusal(431, 'Request Header Fields Too Large') : rawRefusal(400, 'Bad Request'));
  });
  return server;
}

/** @returns {Promise<number>} the port  @throws {Error} with a `code` if nobody can listen there */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: ADDRESS, port, exclusive: true }, () => resolve(server.address().port));
  });
}

function answerRequest(viewer, port, request, response) {
  request.on('error', () => {}); // the connection is closed, and the answer with it
  if (response.socket === null) closeWith(request.socket, response);
  const refusal = refusalOf(request, { port, secrets: viewer.secrets });
  if (refusal !== null) {
    const { status, sentence, headers } = refusal;
    if (sentence === undefined) refuseWithoutBody(response, status, headers);
    else refuse(response, status, sentence, headers);
    return;
  }
  const path = pathOf(request.url);
  if (path.startsWith(API)) answerApi(viewer, path.slice(API.length), request, response);
  else answerAsset(viewer.assets.get(path), response);
}

/** A response that waits behind another one of its connection is not told by Node.js that the connection is closed. */
function closeWith(connection, response) {
  const close = () => response.emit('close');
  connection.setMaxListeners(0); // one for each request that waits
  connection.once('close', close);
  response.once('close', () => connection.off('close', close));
}

function answerAsset(asset, response) {
  if (asset === undefined) refuse(response, 404, 'There is nothing at this address.');
  else answer(response, 200, asset.type, asset.body);
}

function answerApi(viewer, name, request, response) {
  if (name === 'token') {
    exchangeCode(viewer.secrets, request, response);
  } else if (name === 'about') {
    answerJson(response, 200, viewer.about);
  } else if (name === 'live') {
    if (!viewer.live.add(response)) refuse(response, 503, 'Too many pages are open; close one.');
  } else if (QUESTIONS.has(name)) {
    const parameters = parametersOf(request.url);
    if (parameters === null) refuse(response, 400, 'A parameter is there twice.');
    else answerQuestion(viewer, name, parameters, response);
  } else {
    refuse(response, 404, 'There is no such question.');
  }
}

/** Null if one is there twice. */
function parametersOf(url) {
  const all = [...new URLSearchParams(url.slice(pathOf(url).length))];
  const parameters = Object.fromEntries(all);
  return Object.keys(parameters).length === all.length ? parameters : null;
}

async function exchangeCode(secrets, request, response) {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    return; // the connection was closed
  }
  const token = secrets.tokenFor(codeIn(Buffer.concat(chunks)));
  if (token === null) {
    const sentence =
      'This address was used already, or is older than ten seconds; open the one that the command prints.';
    refuse(response, 403, sentence);
  } else {
    answerJson(response, 200, { token });
  }
}

/** The code of a body; the empty text if it has none. */
function codeIn(body) {
  try {
    const { code } = Object(JSON.parse(body.toString('utf8')));
    return typeof code === 'string' ? code : '';
  } catch {
    return '';
  }
}

module.exports = { ADDRESS, createServer, listen };
