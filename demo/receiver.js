'use strict';

// The demo's third process: an OTLP/HTTP receiver that decodes each body, counts its spans by id and throws the body
// away. Each phase posts to a path of its own, so a late request can never be counted for the next one.

const http = require('node:http');
const { gunzipSync } = require('node:zlib');
const { forEachSpanId } = require('./span_ids.js');

const phases = new Map();

function phaseOf(url) {
  const name = url.split('/')[1];
  if (!phases.has(name)) {
    phases.set(name, { ids: new Set(), requests: 0, bytes: 0, duplicates: 0, undecodable: 0 });
  }
  return phases.get(name);
}

function receive(phase, body, encoding) {
  phase.requests++;
  phase.bytes += body.length;
  try {
    forEachSpanId(encoding === 'gzip' ? gunzipSync(body) : body, (id) => {
      if (phase.ids.has(id)) phase.duplicates++;
      else phase.ids.add(id);
    });
    return 200;
  } catch {
    phase.undecodable++;
    return 400;
  }
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const status = receive(phaseOf(request.url), Buffer.concat(chunks), request.headers['content-encoding']);
    response.writeHead(status, { 'Content-Type': 'application/x-protobuf', 'Content-Length': 0 });
    response.end();
  });
});

process.on('message', (message) => {
  if (message.type !== 'count') return;
  const { ids, ...counts } = phaseOf(`/${message.phase}`);
  process.send({ type: 'counted', phase: message.phase, spans: ids.size, ...counts });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send({ type: 'ready', port: server.address().port }));
