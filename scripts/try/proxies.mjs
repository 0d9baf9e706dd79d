// `node scripts/try/proxies.mjs [squid] [tinyproxy-bin]`: sends spans through proxies that nobody here wrote, over each transport, by
// each way of telling an exporter of its proxy and by each sender. The programs come from Debian, into .cache/.
// Owns the table that it prints; it refuses to judge where there is no Debian, and says so in one line.

import { createRequire } from 'node:module';
import { reasonAgainstDebian } from '../build/debian.mjs';
import { CHECKS, CREDENTIALS, material } from './proxy_checks.mjs';
import { PROGRAM_NAMES, startProgram } from './proxy_programs.mjs';

const require = createRequire(import.meta.url);
const helpers = '../../__test__/helpers/proxy';
const { startCollector, TRANSPORTS } = require(`${helpers}/transports.js`);
const { WAYS } = require(`${helpers}/ways.js`);

const reason = reasonAgainstDebian();
if (reason !== null) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}

const totals = { passed: 0, failed: 0 };
for (const name of process.argv.length > 2 ? process.argv.slice(2) : PROGRAM_NAMES) await tryProgram(name);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);

async function tryProgram(name) {
  const collectors = {};
  for (const transport of Object.values(TRANSPORTS)) {
    collectors[transport.name] = await startCollector(transport, material);
  }
  const connectPorts = Object.values(collectors).map(({ port }) => port);
  const open = await startProgram(name, { connectPorts });
  const guarded = await startProgram(name, { connectPorts, credentials: CREDENTIALS });
  try {
    for (const transport of Object.values(TRANSPORTS)) {
      for (const [wayName, way] of Object.entries(WAYS)) {
        if (!way.fits(transport)) continue;
        for (const sender of way.senders) {
          const row = { name, transport, wayName, way, sender, open, guarded, collector: collectors[transport.name] };
          for (const [what, check] of Object.entries(CHECKS)) await tryRow(row, what, check);
        }
      }
    }
  } finally {
    await open.close();
    await guarded.close();
    for (const { close } of Object.values(collectors)) await close();
  }
}

async function tryRow(row, what, check) {
  const started = Date.now();
  const title = `${row.name.replace('-bin', '')}, ${row.transport.name}, ${row.wayName}, sender ${row.sender}: ${what}`;
  try {
    const verdict = await check(row);
    if (verdict === 'none') return;
    totals.passed += 1;
    console.log(`✔ ${title} (${Date.now() - started} ms)`);
  } catch (error) {
    totals.failed += 1;
    console.log(`✖ ${title}\n${error.stack}`);
  }
}
