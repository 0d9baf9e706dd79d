'use strict';
// The whole scenario table, in the order of its files.

require('./scenarios_urls.js');
require('./scenarios_values.js');
require('./scenarios_headers.js');
require('./scenarios_connections.js');

const { scenarios, SECRET } = require('./scenario_table.js');

module.exports = { scenarios, SECRET };
