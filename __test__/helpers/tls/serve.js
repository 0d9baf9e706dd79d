'use strict';
// Owns the server of a matrix row and the comparison of the two verdicts on it.

const https = require('node:https');
const { verdictOfNode, verdictOfOurs } = require('./verdicts.js');

const X509_CODE = /^(UNABLE_|CERT_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT)/;

/** Answers everything with 200; certificates that OpenSSL calls weak are shown all the same. */
async function serve({ cert, key, ...more }, use) {
  const server = https.createServer({ cert, key, ciphers: 'DEFAULT@SECLEVEL=0', ...more }, (request, response) => {
    request.resume();
    request.on('end', () => response.end());
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(server.address().port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What is wrong with our verdict beside Node's, or null. */
function difference(node, ours) {
  if (ours.moves.length > 1) return `moved ${ours.moves.length} times`;
  if (node.code !== ours.code) return `${ours.code} (${ours.message}), Node: ${node.code} (${node.message})`;
  if (X509_CODE.test(node.code) && node.message !== ours.message) return `"${ours.message}", Node: "${node.message}"`;
  return null;
}

let lastRow = 0;

/** Both verdicts on the server at `origin`: `{ node, ours, wrong }`. */
async function compare(origin, options, more) {
  // A path of its own for each row: what others were refused holds an endpoint.
  const url = `${origin}${++lastRow}`;
  const [node, ours] = await Promise.all([verdictOfNode(url, options), verdictOfOurs(url, options, more)]);
  return { node, ours, wrong: difference(node, ours) };
}

/** The same where ours has its roots by a variable that is set already, and Node by `text`, which is in its file. */
async function compareByVariable(origin, text) {
  const url = `${origin}${++lastRow}`;
  const [node, ours] = await Promise.all([verdictOfNode(url, { ca: text }), verdictOfOurs(url, undefined)]);
  return { node, ours, wrong: difference(node, ours) };
}

/** Judges the rows of `list`, four at a time; answers the lines of those that are wrong. */
async function judgeAll(list, judge) {
  const wrong = [];
  const waiting = list.values();
  const work = async () => {
    for (const item of waiting) for (const line of await judge(item)) wrong.push(`${item.name}: ${line}`);
  };
  await Promise.all([work(), work(), work(), work()]);
  return wrong;
}

module.exports = { compare, compareByVariable, judgeAll, serve };
