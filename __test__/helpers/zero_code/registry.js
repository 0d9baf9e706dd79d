'use strict';
// A registry on loopback for the packages that are not published yet: what package managers read and load from one, and no
// more. Tarballs of other platforms are named, and never there: a package manager has no business with them.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { root, STAND_INS } = require('./packages.js');

/** Serves what `packed` has in the scope @offloop; `{ origin, close }`. */
async function startRegistry(packed) {
  const platforms = fs.readdirSync(path.join(root, 'npm')).filter((name) => !name.endsWith('.md'));
  const manifests = [
    ...platforms.map((name) => path.join(root, 'npm', name)),
    ...STAND_INS.map((name) => path.join(root, 'shims', `exporter-trace-otlp-${name}`)),
  ].map((folder) => JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')));
  const tarballs = new Map([
    [packed.bindingName, packed.binding],
    ...STAND_INS.map((name) => [`@offloop/exporter-trace-otlp-${name}`, packed[name]]),
  ]);
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(request.url.slice(1).split('/-/')[0]);
    const manifest = manifests.find((each) => each.name === name);
    const bytes = tarballs.has(name) ? fs.readFileSync(tarballs.get(name)) : Buffer.alloc(0);
    if (manifest === undefined) response.writeHead(404).end('{}');
    else if (request.url.includes('/-/')) response.end(bytes);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(packument(manifest, bytes, origin)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, close: () => new Promise((resolve) => server.close(resolve)) };
}

function packument(manifest, bytes, origin) {
  const { name } = manifest;
  const { version } = require('../../../package.json');
  const dist = {
    tarball: `${origin}/${name}/-/${name.split('/')[1]}-${version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  };
  return {
    name,
    'dist-tags': { latest: version },
    time: { [version]: '2026-01-01T00:00:00.000Z' }, // Yarn takes nothing that is younger than a day
    versions: { [version]: { ...manifest, version, dist } },
  };
}

module.exports = { startRegistry };
