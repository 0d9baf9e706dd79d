'use strict';
// Owns the ways in which an exporter is told of a proxy, and which exporters understand each.

const http = require('node:http');
const https = require('node:https');
const path = require('node:path');

// What grpc-js prints by itself is not compared: it is told to print nothing before it is loaded.
process.env.GRPC_VERBOSITY = 'NONE';

const { viewForLine1 } = require('../plain_spans.js');

const [major, minor] = process.versions.node.split('.').map(Number);
const isAtLeast = (wanted, from) => major > wanted || (major === wanted && minor >= from);
/** Since then agents of Node take `proxyEnv`. */
const HAS_PROXY_ENV = isAtLeast(24, 5) || (major === 22 && minor >= 21);
const HAS_LINE_3 = isAtLeast(22, 15);

const line3 = (name) => require(path.join(__dirname, '..', '..', 'sdk-3.x', 'node_modules', '@opentelemetry', name));
const same = (spans) => spans;

/** The stock exporters by version: a class for each kind of transport, and spans as it reads them. */
const STOCK = {
  '0.57.2': {
    http: () => require('otlp-proto-1x').OTLPTraceExporter,
    grpc: () => require('otlp-grpc-1x').OTLPTraceExporter,
    view: (spans) => spans.map(viewForLine1),
  },
  '0.223.1': {
    http: () => require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter,
    grpc: () => require('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter,
    view: same,
  },
  ...(HAS_LINE_3 && {
    '0.301.0': {
      http: () => line3('exporter-trace-otlp-proto').OTLPTraceExporter,
      grpc: () => line3('exporter-trace-otlp-grpc').OTLPTraceExporter,
      view: same,
    },
  }),
};

const variable = ({ isSecure }) => (isSecure ? 'https_proxy' : 'http_proxy');
/** Options of an agent replace the certificates of the environment. */
const agentOptions = (transport, url, { ca }) => ({
  keepAlive: true,
  ...(transport.isSecure && { ca }),
  proxyEnv: { [variable(transport)]: url },
});

/**
 * `tell(transport, url, material)` gives `{ config, env }`. `fits` says for which transports the way exists. `stock` lists the
 * versions that understand it. `isUnknown`: only code of the application knows the proxy, and no error names it. `senders` are the values of `transport` that ours takes beside it.
 */
const WAYS = {
  "proxy: 'env'": {
    fits: () => true,
    tell: (transport, url) => ({ config: { proxy: 'env' }, env: { [variable(transport).toUpperCase()]: url } }),
  },
  'proxy: a URL': { fits: () => true, tell: (_transport, url) => ({ config: { proxy: url }, env: {} }) },
  'the variable grpc_proxy': {
    fits: ({ isGrpc }) => isGrpc,
    stock: Object.keys(STOCK),
    tell: (_transport, url) => ({ config: {}, env: { grpc_proxy: url } }),
  },
  'proxyEnv of agent options': {
    fits: ({ isGrpc }) => !isGrpc && HAS_PROXY_ENV,
    stock: Object.keys(STOCK),
    tell: (transport, url, material) => ({
      config: { httpAgentOptions: agentOptions(transport, url, material) },
      env: {},
    }),
  },
  'an agent with proxyEnv': {
    isUnknown: true,
    fits: ({ isGrpc }) => !isGrpc && HAS_PROXY_ENV,
    stock: Object.keys(STOCK).filter((version) => version !== '0.57.2'), // it ignores functions
    senders: ['node'],
    tell: (transport, url, material) => ({
      config: {
        httpAgentOptions: () => new (transport.isSecure ? https : http).Agent(agentOptions(transport, url, material)),
      },
      env: {},
    }),
  },
};
for (const way of Object.values(WAYS)) {
  way.stock ??= [];
  way.senders ??= ['native', 'node'];
}

module.exports = { HAS_PROXY_ENV, STOCK, WAYS };
