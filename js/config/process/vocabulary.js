'use strict';
// Owns the words of rules, and what the words `'defaults'`, `'secrets'` and `'pii'` stand for.

const ATTRIBUTE_PARTS = Object.freeze(['attributes', 'events', 'links', 'resource', 'scope']);
const PARTS = Object.freeze([...ATTRIBUTE_PARTS, 'name', 'status', 'eventName', 'traceState']);

const SECRETS = Object.freeze([
  'jwt',
  'bearer',
  'basicAuth',
  'privateKey',
  'awsKey',
  'githubToken',
  'slackToken',
  'stripeKey',
  'googleKey',
  'urlCredentials',
]);
const PII = Object.freeze(['email', 'creditCard', 'iban']);
const DETECTORS = Object.freeze([...PII, ...SECRETS, 'ipv4', 'ipv6']);

const HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'];
const HEADER_PREFIXES = ['http.request.header.', 'http.response.header.', 'rpc.*.metadata.'];
// Older instrumentation writes header names with underscores.
const HEADER_KEYS = HEADER_PREFIXES.flatMap((prefix) =>
  [...new Set(HEADERS.flatMap((name) => [name, name.replaceAll('-', '_')]))].map((name) => prefix + name),
);

/** Grows when a list below changes what it covers. */
const PRESETS_VERSION = 1;

/** Lists that a configuration names by one word: rules as a user would write them. */
const PRESETS = Object.freeze({
  secrets: [{ name: 'secrets', match: SECRETS }],
  pii: [{ name: 'pii', match: PII }],
  defaults: [
    { name: 'defaults.secrets', match: SECRETS },
    { name: 'defaults.headers', keys: HEADER_KEYS, ignoreCase: true, action: 'delete' },
    {
      name: 'defaults.urls',
      keys: ['url.full', 'url.query', 'url.original', 'http.url', 'http.target', 'http.request.header.referer'],
      action: { url: [] },
    },
    { name: 'defaults.sql', keys: ['db.query.text', 'db.statement'], action: { sql: 'auto' } },
    { name: 'defaults.commands', keys: ['process.command_args', 'process.command_line'] },
  ],
});

module.exports = { ATTRIBUTE_PARTS, DETECTORS, HEADERS, PARTS, PII, PRESETS, PRESETS_VERSION, SECRETS };
