'use strict';
// The long form of grpc_peers.test.js: requests of every size, up to where one has to be split.

const { comparePeer } = require('../helpers/grpc/peer_suite.js');

comparePeer({ spans: 10_000, seed: 12, senders: ['native'] });
