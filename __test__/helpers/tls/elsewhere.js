'use strict';
// Owns asking for verdicts in a process of its own, for what a process is told when it starts.

const { spawn } = require('node:child_process');
const path = require('node:path');
const { chain, other } = require('./texts.js');

/** What the machine says about gRPC and proxies is not the test's. */
function withoutGrpc(variables) {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !/^GRPC_|proxy$/i.test(name)));
}

/**
 * Runs `source` in a process of its own; it has `compare` of the protocol that is named, `url` and two roots, and answers lines of
 * what is wrong.
 */
function elsewhere(source, { port, protocol, env = {} }) {
  const program = `
    const { compare } = require('./__test__/helpers/tls/protocols.js').PROTOCOLS[process.env.PROTOCOL];
    const { listenToMoves } = require('./__test__/helpers/tls/verdicts.js');
    const tls = require('node:tls');
    const { root, other } = JSON.parse(process.env.MATERIAL);
    const url = process.env.COLLECTOR;
    listenToMoves();
    (async () => { ${source} })().then((lines) => { console.log(JSON.stringify(lines)); process.exit(); });`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program], {
      cwd: path.join(__dirname, '..', '..', '..'),
      env: {
        ...withoutGrpc(process.env),
        NODE_TEST_CONTEXT: undefined,
        NODE_EXTRA_CA_CERTS: undefined,
        PROTOCOL: protocol,
        COLLECTOR: `https://localhost:${port}/`,
        MATERIAL: JSON.stringify({ root: chain.root.cert, other: other.cert }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('close', () => {
      try {
        resolve({ lines: JSON.parse(stdout), stderr });
      } catch {
        reject(new Error(`no answer: ${stdout}${stderr}`));
      }
    });
  });
}

module.exports = { elsewhere };
