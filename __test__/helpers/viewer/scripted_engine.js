'use strict';
// An engine that does what a question tells it to, for what a real one does too rarely: to be silent, to die, to answer
// with what is no answer. It says on standard error what it is told, one JSON object per line, if LOG is set.

const { createInterface } = require('node:readline');
const { appendFileSync } = require('node:fs');

const FILES = {
  generation: 1,
  reading: { bytes: 10, totalBytes: 10, isDone: true },
  spans: 3,
  traces: 1,
  valuesNotIndexed: 0,
  files: [{ name: 'spans/a.jsonl', bytes: 10, lines: 1, parsed: 1, skipped: {}, bad: 0 }],
};
const gates = new Map();
let sent = 0;

function frame(header, body) {
  const bytes = Buffer.from(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  process.stdout.write(Buffer.concat([Buffer.from(`${JSON.stringify({ ...header, bytes: bytes.length })}\n`), bytes]));
}

const answerJson = (id, value, status = 200) => frame({ id, status, type: 'json' }, value);

const ACTS = {
  echo: (id, message) => answerJson(id, message),
  silence: () => {},
  status: (id, { with: { status } }) => answerJson(id, { error: `It is ${status}.` }, Number(status)),
  die: (_id, { with: { code } }) => process.exit(Number(code)),
  complain: () => process.stderr.write('offloop: the memory is gone\n', () => process.exit(1)),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  text: (_id, { with: { text } }) => process.stdout.write(Buffer.from(text, 'latin1')),
  binary: (id, { with: { size } }) => frame({ id, status: 200, type: 'binary' }, Buffer.alloc(Number(size), 7)),
  twice: (id) => {
    answerJson(id, 'first');
    answerJson(id, 'second');
  },
  /** Answers when another question opens the gate. */
  wait: (id, { with: { gate } }) => gates.set(gate, [...(gates.get(gate) ?? []), id]),
  open: (id, { with: { gate } }) => {
    for (const each of gates.get(gate) ?? []) answerJson(each, 'opened');
    answerJson(id, 'done');
  },
  pieces: (id, { with: { count, size } }) => {
    sent += 1;
    const more = sent < Number(count);
    frame({ id, status: 200, type: 'text', ...(more ? { more } : {}) }, 'x'.repeat(Number(size)));
  },
  live: (id, { with: { count, changed = '' } }) => {
    for (let turn = 1; turn <= Number(count); turn += 1) {
      frame(
        { live: true },
        { generation: turn, spans: turn, traces: 1, changed: changed.split(',').filter(Boolean), changedCount: 1 },
      );
    }
    answerJson(id, 'told');
  },
};

const long = new Map();
const log = (message) => {
  if (process.env.LOG) appendFileSync(process.env.LOG, `${JSON.stringify(message)}\n`);
};

log({ words: process.argv.slice(2), pid: process.pid });
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    log(message);
    const { id, ask, next } = message;
    if (next !== undefined) long.get(next)?.();
    if (id === undefined) return;
    if (ask === 'files' && message.with.act === undefined) return answerJson(id, FILES);
    const act = ACTS[message.with.act ?? 'echo'];
    if (message.with.act === 'pieces') long.set(id, () => act(id, message));
    act(id, message);
  })
  .once('close', () => process.exit(0));
