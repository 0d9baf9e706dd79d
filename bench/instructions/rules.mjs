// The rules of `process` whose instructions are counted, in the words that native code compiles.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { plainForm } = require('../../js/config/process/plain.js');
const { redactRules } = require('../../js/config/process/rules.js');

/** Keys that no span of the corpus has. */
const EXACT = Array.from({ length: 50 }, (_, index) => `http.request.header.x-secret-${index}`);
const GLOBS = ['**.password', '*.credential.*', 'rpc.*.metadata.authorization', 'http.response.header.*', 'db.?uery.*'];
const DETECTORS = [
  ...['jwt', 'bearer', 'basicAuth', 'privateKey', 'awsKey', 'githubToken', 'slackToken', 'stripeKey', 'email'],
  'creditCard',
];
const KEYS = [...EXACT, ...GLOBS].map((key) => ({ keys: [key] }));

/** Lists of rules by the stage that applies them. */
export const RULES = {
  keys: KEYS,
  detectors: [...KEYS, { match: DETECTORS }],
  token: [{ keys: ['user.id'], action: 'hash' }],
  sql: [{ keys: ['db.query.text'], action: { sql: 'postgresql' } }],
  rows: [{ keys: ['td.outputValue'], action: { json: { mask: ['$.rows[*].email', '**.customer'] } } }],
  document: [{ keys: ['document'], action: { json: { mask: ['**.password'] } } }],
};

/** The words of one list. */
export function ruleWords(rules) {
  const compiled = rules.flatMap((rule, index) => redactRules(`process.redact[${index}]`, rule, ''));
  return plainForm({ marker: '[redacted]', drop: [], stages: [compiled], attributes: [] });
}
