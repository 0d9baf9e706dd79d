'use strict';
// Owns the closed list of what is not compared between a stock gRPC exporter and ours, because it differs on purpose. Each entry
// is a row of docs/spec/otlp-grpc.md; a scenario that shows a difference by itself has it in `differs` instead.

const assert = require('node:assert/strict');
const { withoutOurCode, withoutOurNotices } = require('../config/runner.js');
const { decodeRequest } = require('../otlp_decoder.js');

const WRONG_WARNING = /^warn: Client key and certificate must both be provided/;
const IS_MOVE = /^info: Offloop: from now on \S+ is sent to through Node's/;
const ABOUT_RETRIES = /^(info: Export failed after|verbose: Scheduling export retry|info: Export retry time)/;

/** Changes an observation so that only what has to be equal is left; both sides go through all of them. */
const differences = {
  /** What Node alone can judge is left to Node, after a first connection. */
  Y14(observation) {
    const isMove = (line) => IS_MOVE.test(line);
    if (!observation.lines.some(isMove)) return;
    observation.lines = observation.lines.filter((line) => !isMove(line));
    observation.asked.shift();
    observation.seen[0].connections.shift();
  },
  /** The user agent does not claim to be grpc-js, which 0.57 does and nothing else. */
  Y1({ calls }, _scenario, version) {
    for (const { headers } of calls) {
      headers['user-agent'] =
        version === '0.57.2'
          ? 'any'
          : headers['user-agent']?.replace(/ grpc-node-js\/\S+$/, '').replace(/0\.\d+\.\d+$/, '<version>');
    }
  },
  /** What OTLP wants to be tried again is tried again: how often is not compared, nor in which words time ran out. */
  Y2(observation, scenario) {
    if (!scenario.isRetried && !scenario.isRefused) return;
    for (const seen of observation.seen) {
      seen.calls = seen.calls.slice(0, 1);
      seen.connections = seen.connections.slice(0, 1);
    }
    observation.asked = observation.asked.slice(0, 1);
    observation.lines = observation.lines.filter((line) => !ABOUT_RETRIES.test(line));
  },
  /** A server name is never an address (RFC 6066), and an address in CONNECT has its brackets. */
  Y3({ asked, seen }) {
    const bracketed = (target) => target?.replace(/^::1:/, '[::1]:');
    for (const each of asked) Object.assign(each, { target: bracketed(each.target), host: bracketed(each.host) });
    for (const each of seen.flatMap(({ connections }) => connections)) {
      each.target = bracketed(each.target);
      if (/^[\d.]+$|:/.test(each.servername ?? '')) each.servername = undefined;
    }
  },
  /** Files are read in the constructor, and the warning about half a pair comes only where half a pair is given. */
  Y7(observation) {
    const isOfFiles = (line) => /^warn: Failed to read /.test(line);
    const others = observation.lines.filter((line) => !isOfFiles(line) && !WRONG_WARNING.test(line));
    observation.lines = [...observation.lines.filter(isOfFiles).sort(), ...others];
  },
  /** An answer that cannot be read is named in other words. */
  Y11(observation) {
    observation.lines = observation.lines.map((line) => line.replace(/(response specification compliant\?).*/s, '$1'));
  },
  /** What has failed behind a proxy names it. */
  Y16(observation) {
    const unnamed = (text) => text?.replace(/ \(through the proxy [^)]*\)$/, '').trimEnd();
    for (const { error } of observation.results ?? [])
      if (error)
        Object.assign(error, {
          message: unnamed(error.message),
          ...(error.details && { details: unnamed(error.details) }),
        });
    observation.lines = observation.lines.map(unnamed);
  },
  /** A line says how TLS over a socket of the machine becomes plain. */
  Y13(observation) {
    observation.lines = observation.lines.filter((line) => !/^info: Offloop: the connection to unix:/.test(line));
  },
};

/** Deadlines are counted down from a moment that lies a little apart. */
function roundTimeout(timeout) {
  const [, digits, unit] = /^(\d+)(.)$/.exec(timeout ?? '') ?? [];
  return digits && `${Math.round(Number(digits) / 250) * 250}${unit}`;
}

/** Where 0.57 differs from the stock exporters that came after it: it has no flags of spans, and words of its own. */
function asLater(observation) {
  const withoutFlags = (key, value) => (key === 'flags' ? 0 : value);
  for (const call of observation.calls)
    call.messages = call.messages.map((hex) =>
      JSON.parse(JSON.stringify(decodeRequest(Buffer.from(hex, 'hex'), 'protobuf'), withoutFlags)),
    );
  observation.lines = observation.lines
    .filter((line) => line !== 'warn: Headers cannot be set when using grpc')
    .map((line) =>
      line
        .replace(/^warn: .*\b(OTEL_EXPORTER_OTLP_\w*TIMEOUT)\b.*/, 'warn: $1')
        .replace(/"rejectedSpans":"?(\d+)"?/, '"rejectedSpans":$1'),
    );
  const { thrown } = observation;
  if (thrown) thrown.message = thrown.message.replace(/^(Cannot read properties of null).*/, '$1');
}

/** What of an observation has to be equal. */
function comparable(observation, scenario, version) {
  const copy = structuredClone(observation);
  copy.lines = withoutOurNotices(copy.lines);
  if (copy.thrown) copy.thrown = withoutOurCode(copy.thrown);
  copy.calls = copy.seen.flatMap(({ calls }) => calls);
  for (const call of copy.calls) call.timeout = roundTimeout(call.timeout);
  for (const apply of Object.values(differences)) apply(copy, scenario, version);
  if (version === '0.57.2') asLater(copy);
  const { calls, ...rest } = copy;
  return rest;
}

/** What one side's error says; `undefined` for a success. */
function says({ results: [{ error }] }, pattern) {
  if (pattern === undefined) assert.equal(error, undefined);
  else assert.match(error?.message ?? 'a success', pattern);
}

/** Holds a scenario to the difference that it shows: what both sides say is checked, and the rest has to be equal. */
function checkDifference(scenario, stock, ours, version) {
  const { check, told, thrown } = scenario.differs;
  if (check) return check(stock, ours, version);
  const rest = (side) => {
    const { lines, results, thrown: error, ...others } = comparable(side, { ...scenario, isRetried: true }, version);
    return { ...others, codes: told?.every(Boolean) ? results.map(({ code }) => code) : undefined, kind: error?.kind };
  };
  if (told) for (const [nth, side] of [stock, ours].entries()) says(side, told[nth]);
  if (thrown) for (const [nth, side] of [stock, ours].entries()) assert.match(side.thrown?.message ?? '', thrown[nth]);
  if (scenario.differs.row !== 'Y7') assert.deepEqual(rest(ours), rest(stock));
}

/** Holds ours to the stock exporter of `version` in one scenario. */
function hold(scenario, stock, ours, version) {
  // The 3.x line takes half a client pair as ours does.
  const isAsOurs = version === '0.301.0' && scenario.differs?.row === 'Y7';
  if (scenario.differs && !isAsOurs) checkDifference(scenario, stock, ours, version);
  else assert.deepEqual(comparable(ours, scenario, version), comparable(stock, scenario, version));
}

module.exports = { checkDifference, comparable, differences, hold, IS_MOVE };
