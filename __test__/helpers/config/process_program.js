'use strict';
// A whole process around one export. Usage: process_program.js <stock|ours> <protocol> <json of the configuration>

const { describeError } = require('./recorder.js');
const { span } = require('./runner.js');
const { OURS, STOCK } = require('./subjects.js');

const [, , subject, protocol, config] = process.argv;
const Exporter = (subject === 'stock' ? STOCK : OURS)[protocol];
const exporter = new Exporter(JSON.parse(config));
exporter.export([span], ({ code, error }) => {
  process.stdout.write(JSON.stringify({ code, error: describeError(error) }));
});
