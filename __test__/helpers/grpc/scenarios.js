'use strict';
// The whole scenario table, in the order of its files.

require('./scenarios_address.js');
require('./scenarios_settings.js');
require('./scenarios_metadata.js');
require('./scenarios_credentials.js');
require('./scenarios_results.js');

const { scenarios } = require('./table.js');

module.exports = { scenarios };
