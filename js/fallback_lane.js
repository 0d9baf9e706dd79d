'use strict';

const http = require('node:http');

/** Throws what Node's http throws for a header it refuses to send. */
function throwHeaderError(name, value) {
  http.validateHeaderName(name);
  http.validateHeaderValue(name, value);
}

module.exports = { throwHeaderError };
