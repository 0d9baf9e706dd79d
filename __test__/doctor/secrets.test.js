'use strict';
// No secret shows in what `offloop doctor` prints: wherever it is planted, whatever a peer repeats of it, in both forms of the
// report, with the addon and without it (C5).

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { makeProject, runCommand } = require('../helpers/doctor.js');
const { copyPackage } = require('../helpers/package_copy.js');
const { startReceiver } = require('../helpers/receiver.js');

const SECRETS = [
  'hunter2-header',
  'hunter2-bearer',
  'hunter2-user',
  'hunter2/pass+word',
  'hunter2-query',
  'hunter2-proxy',
  'hunter2-value',
  'hunter2nameless',
];
const [HEADER, BEARER, USER, PASSWORD, QUERY, PROXY, VALUE, NAMELESS] = SECRETS;
const SHOWS = new RegExp(
  SECRETS.flatMap((text) => [text, encodeURIComponent(text), Buffer.from(text).toString('base64').slice(0, -4)])
    .concat('hunter2', Buffer.from(`${USER}:`).toString('base64').slice(0, -4))
    .map((text) => text.replace(/[/+]/g, '\\$&'))
    .join('|'),
  'i',
);

/** Everything that a request has said, said back. */
const echo = ({ target, head, rawHeaders }) => {
  const values = rawHeaders.map(([, value]) => value).join(' ');
  const decoded = rawHeaders.map(([, value]) => Buffer.from(value.replace(/^Basic /, ''), 'base64').toString('latin1'));
  const body = `${target} ${values} ${decoded.join(' ')} ${head} ${JSON.stringify(rawHeaders)}`;
  return { status: 401, body, reason: 'No Token', headers: { 'x-echo': 'yes' } };
};

/** @param {string} host with port */
const environment = (host) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://${USER}:${encodeURIComponent(PASSWORD)}@${host}/?token=${QUERY}`,
  OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${HEADER},authorization=Bearer%20${BEARER},${NAMELESS}==`,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: `x-more=${HEADER}`,
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: `x-api-key=${HEADER}`,
  OTEL_TRACES_SAMPLER_ARG: VALUE,
  OTEL_TRACES_SAMPLER: VALUE,
  OTEL_TRACES_EXPORTER: VALUE,
  OTEL_EXPORTER_OTLP_PROTOCOL: VALUE,
  OTEL_LOG_LEVEL: VALUE,
  OTEL_RESOURCE_ATTRIBUTES: `secret=${VALUE}`,
  OFFLOOP_FALLBACK: VALUE,
  OFFLOOP_TOKEN: VALUE,
  HTTPS_PROXY: `http://${USER}:${PROXY}@proxy.example:3128`,
  ALL_PROXY: `${USER}:${PROXY}@proxy.example`,
});

const CASES = {
  'a peer over HTTP that repeats everything': async (t) => {
    const { origin } = await startReceiver({ otherwise: echo }, t);
    return { env: environment(origin.slice('http://'.length)) };
  },
  'a peer over HTTP that repeats everything, with the endpoint on the command line': async (t) => {
    const { origin } = await startReceiver({ otherwise: echo }, t);
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env } = environment(origin.slice('http://'.length));
    return { env, words: ['--endpoint', endpoint, '--send-span'] };
  },
  'a peer over gRPC that repeats everything': async (t) => {
    const otherwise = ({ headers }) => ({ status: 3, message: encodeURIComponent(JSON.stringify(headers)) });
    const { host } = await startGrpcReceiver({ otherwise }, t);
    const env = environment(host);
    return {
      env: {
        ...env,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}`,
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: `x-more=${HEADER}`,
        OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${HEADER}`,
      },
      words: ['--protocol', 'grpc'],
    };
  },
  'a header that was written with a colon': async (t) => {
    const { origin } = await startReceiver({ otherwise: echo }, t);
    return { env: { OTEL_EXPORTER_OTLP_ENDPOINT: origin, OTEL_EXPORTER_OTLP_HEADERS: `x-other:${HEADER}==` } };
  },
  'variables that cannot be read': async () => ({
    env: {
      ...environment('h'),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http//${USER}:${PASSWORD}@h:port/?token=${QUERY}`,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://${USER}:${PASSWORD}@[h?token=${QUERY}`,
      grpc_proxy: `ftp://${USER}:${PROXY}@proxy.example:21`,
    },
    words: ['--no-probe'],
  }),
  'an option that cannot be read': async () => ({
    env: {},
    words: ['--endpoint', `http://${USER}:${PASSWORD}@[h/?token=${QUERY}`],
  }),
  'a wrong command line': async () => ({ env: {}, words: ['--headers', HEADER, `http://${USER}:${PASSWORD}@h`] }),
};

describe('no secret is printed', { concurrency: 2 }, () => {
  for (const [name, make] of Object.entries(CASES)) {
    for (const withAddon of [true, false]) {
      it(`${name}, ${withAddon ? 'with' : 'without'} the addon (C5)`, async (t) => {
        const { env, words = [] } = await make(t);
        const cwd = makeProject(t, {}, { withOffloop: false });
        const home = path.join(cwd, 'node_modules', 'offloop');
        copyPackage(home, { withAddon });
        const command = path.join(home, 'bin', 'offloop.js');
        for (const form of [[], ['--json']]) {
          const { code, stdout, stderr } = await runCommand(['doctor', ...form, ...words], { cwd, command, env });
          assert.ok([0, 1, 2].includes(code), stderr);
          assert.ok((stdout + stderr).length > 200, 'something was said');
          assert.doesNotMatch(stdout + stderr, SHOWS);
        }
      });
    }
  }

  it('what was planted had gone out, and what a peer said is shown without it (C5)', async (t) => {
    const receiver = await startReceiver({ otherwise: echo }, t);
    const env = environment(receiver.origin.slice('http://'.length));
    const { stdout } = await runCommand(['doctor'], { cwd: makeProject(t), env });
    const [{ headers, target }] = receiver.requests;
    assert.deepEqual([headers['x-api-key'], headers['x-more']], [HEADER, HEADER]);
    assert.ok(`${headers.authorization}`.includes(BEARER));
    assert.ok(target.includes(QUERY));
    assert.match(stdout, /HTTP 401 Unauthorized: .*\*\*\*/);
    assert.doesNotMatch(stdout, SHOWS);
    assert.match(stdout, /url +http:\/\/\*\*\*@127\.0\.0\.1:\d+\/\?\*\*\*/);
  });
});
