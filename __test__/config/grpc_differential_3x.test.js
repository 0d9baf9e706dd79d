'use strict';
// The scenario table of OTLP over gRPC against the exporter of the 3.x line, which needs Node >= 22.15. Diag lines are left out:
// that line brings an API package of its own, and with it a logger of its own.

const { after, before, describe, it } = require('node:test');
const { hold, IS_MOVE } = require('../helpers/grpc/differences.js');
const { loadOurs, STOCK } = require('../helpers/grpc/subjects.js');
const { makeContext } = require('../helpers/grpc/context.js');
const { observe } = require('../helpers/grpc/observe.js');
const { scenarios } = require('../helpers/grpc/scenarios.js');
const { repeated } = require('../helpers/repeated.js');

const VERSION = '0.301.0';
const [major, minor] = process.versions.node.split('.').map(Number);
const isTooOld = major < 22 || (major === 22 && minor < 15);
const skip = isTooOld
  ? 'the 3.x line needs Node 22.15'
  : major >= 26 && 'Node 26 refuses addresses as server names, so @grpc/grpc-js opens no TLS to the peers here';

let context;
before(async () => {
  context = await makeContext();
});
after(() => context.close());

describe('OTLP over gRPC: the 3.x line beside ours', { skip }, () => {
  for (const scenario of scenarios) {
    it(scenario.name, () =>
      repeated(true, async () => {
        const { load, grpc, span } = STOCK[VERSION];
        Object.assign(context, { grpc: grpc(), span });
        const stock = await observe(load(), scenario, context);
        const ours = await observe(loadOurs(), scenario, context);
        for (const side of [stock, ours]) side.lines = side.lines.filter((line) => IS_MOVE.test(line));
        hold(scenario, stock, ours, VERSION);
      }),
    );
  }
});
