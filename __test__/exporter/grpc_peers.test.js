'use strict';
// OTLP over gRPC to a server of @grpc/grpc-js, which nobody here wrote: every span arrives once, with every field as it was.
// scripts/try/grpc_peers.mjs does the same with a server of another language and with an agent.

const { comparePeer } = require('../helpers/grpc/peer_suite.js');

comparePeer({ spans: 300, seed: 11, senders: ['native', 'node'] });
