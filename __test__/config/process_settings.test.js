'use strict';
// Settings of a process that Node's dns, net and http honour (docs/configuration.md): one process per export, with the
// stock exporter and with ours, and which of two servers each of them asks.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { startRecorder } = require('../helpers/config/recorder.js');
const { fakeNames } = require('../helpers/fake_names.js');

const run = promisify(execFile);
const program = path.join(__dirname, '..', 'helpers', 'config', 'process_program.js');
const hasV6First = Number(process.versions.node.split('.')[0]) >= 22;

/** Two servers on one port, of both families; null where there is no IPv6. */
async function bothFamilies(t) {
  const v4 = await startRecorder();
  t.after(() => v4.close());
  try {
    const v6 = await startRecorder({ listen: { port: v4.port, host: '::1' } });
    t.after(() => v6.close());
    return { v4, v6 };
  } catch {
    return null;
  }
}

/** How the export ended and whom it asked. */
async function asked({ subject, servers, url, config, env, flags = [], code = '' }) {
  for (const server of Object.values(servers)) server.reset();
  const preload = code === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
  const args = [...flags, ...preload, program, subject, 'http/protobuf', JSON.stringify({ url, ...config })];
  const { stdout } = await run(process.execPath, args, { timeout: 20_000, env: { PATH: process.env.PATH, ...env } });
  const result = JSON.parse(stdout);
  const requests = Object.entries(servers).map(([name, server]) => [name, server.requests.length]);
  return { code: result.code, error: result.error?.code, ...Object.fromEntries(requests) };
}

const settings = {
  'nothing is set: the order of the system': {},
  '--dns-result-order=ipv4first': { flags: ['--dns-result-order=ipv4first'] },
  '--dns-result-order=verbatim': { flags: ['--dns-result-order=verbatim'] },
  ...(hasV6First && { '--dns-result-order=ipv6first': { flags: ['--dns-result-order=ipv6first'] } }),
  "dns.setDefaultResultOrder('ipv4first')": {
    code: `import dns from 'node:dns'; dns.setDefaultResultOrder('ipv4first');`,
  },
  "dns.promises.setDefaultResultOrder('ipv4first')": {
    code: `import dns from 'node:dns/promises'; dns.setDefaultResultOrder('ipv4first');`,
  },
};

describe('a name with addresses of both families, stock beside ours', () => {
  for (const [name, setting] of Object.entries(settings)) {
    for (const order of [
      ['::1', '127.0.0.1'],
      ['127.0.0.1', '::1'],
    ]) {
      it(`${name}, the system says ${order.join(' before ')}`, async (t) => {
        const names = fakeNames(t);
        if (names.skip) return t.skip(names.skip);
        const servers = await bothFamilies(t);
        if (servers === null) return t.skip('this machine has no IPv6 loopback');
        const url = `http://collector.fake:${servers.v4.port}/v1/traces`;
        const how = { servers, url, env: names.env(...order), ...setting };
        const stock = await asked({ subject: 'stock', ...how });
        assert.equal(stock.code, 0);
        assert.deepEqual(await asked({ subject: 'ours', ...how }), stock);
      });
    }
  }

  const families = {
    'the next family is tried': { code: '' },
    '--no-network-family-autoselection': { flags: ['--no-network-family-autoselection'] },
    'net.setDefaultAutoSelectFamily(false)': {
      code: `import net from 'node:net'; net.setDefaultAutoSelectFamily(false);`,
    },
  };
  for (const [name, setting] of Object.entries(families)) {
    it(`${name} when the first address refuses`, async (t) => {
      const names = fakeNames(t);
      if (names.skip) return t.skip(names.skip);
      const v4 = await startRecorder();
      t.after(() => v4.close());
      const url = `http://collector.fake:${v4.port}/v1/traces`;
      const how = {
        servers: { v4 },
        url,
        env: names.env('::1', '127.0.0.1'),
        config: { timeoutMillis: 700 },
        ...setting,
      };
      const stock = await asked({ subject: 'stock', ...how });
      assert.equal(stock.code, name.startsWith('the next') ? 0 : 1, JSON.stringify(stock));
      assert.deepEqual(await asked({ subject: 'ours', ...how }), stock);
    });
  }
});

it('a socket in the abstract namespace of Linux is used', {
  skip: process.platform !== 'linux' && 'Linux only',
}, async (t) => {
  const socketPath = `\0offloop-test-${process.pid}`;
  const server = await startRecorder({ listen: { path: socketPath } });
  t.after(() => server.close());
  const how = { servers: { server }, url: 'http://localhost/v1/traces', config: { httpAgentOptions: { socketPath } } };
  const stock = await asked({ subject: 'stock', ...how });
  assert.deepEqual(stock, { code: 0, error: undefined, server: 1 });
  assert.deepEqual(await asked({ subject: 'ours', ...how }), stock);
});

describe("what replaces Node's http in the process is seen with transport 'node' only", () => {
  const spy = `
    import http from 'node:http';
    const request = http.request;
    http.request = (...args) => { process.stderr.write('seen'); return request(...args); };`;
  for (const [transport, isSeen] of [
    ['native', false],
    ['node', true],
  ]) {
    it(`transport '${transport}'`, async (t) => {
      const server = await startRecorder();
      t.after(() => server.close());
      const preload = `data:text/javascript,${encodeURIComponent(spy)}`;
      const config = JSON.stringify({ url: `${server.origin}/v1/traces`, transport });
      const args = ['--import', preload, program, 'ours', 'http/protobuf', config];
      const { stdout, stderr } = await run(process.execPath, args, {
        timeout: 20_000,
        env: { PATH: process.env.PATH },
      });
      assert.equal(JSON.parse(stdout).code, 0);
      assert.equal(server.requests.length, 1);
      assert.equal(stderr.includes('seen'), isSeen, stderr);
    });
  }
});
