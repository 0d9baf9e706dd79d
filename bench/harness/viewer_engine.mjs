// A client of `offloop-viewer serve`: questions as lines on its standard input, answers as frames on its standard output.
import { spawn } from 'node:child_process';

const LINE_FEED = 0x0a;

/** Starts the program over `directory`. */
export function startEngine(program, directory, options = []) {
  const child = spawn(program, ['serve', ...options, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map();
  const liveWaiters = new Set();
  let [rest, number] = [Buffer.alloc(0), 0];

  function take(header, body) {
    if (header.live) {
      for (const waiter of liveWaiters) waiter(JSON.parse(body));
      return;
    }
    const answer = waiting.get(header.id);
    if (!answer) return;
    answer.pieces.push(body);
    if (header.more) return child.stdin.write(`${JSON.stringify({ next: header.id })}\n`);
    waiting.delete(header.id);
    const whole = Buffer.concat(answer.pieces);
    if (header.status === 200) answer.settle(header.type === 'json' ? JSON.parse(whole) : whole);
    else answer.reject(new Error(`${header.status}: ${whole}`));
  }

  child.stdout.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf(LINE_FEED);
      if (end < 0) return;
      const header = JSON.parse(rest.subarray(0, end));
      if (rest.length < end + 1 + header.bytes) return;
      take(header, rest.subarray(end + 1, end + 1 + header.bytes));
      rest = rest.subarray(end + 1 + header.bytes);
    }
  });

  return {
    pid: child.pid,
    ask(question, parameters = {}) {
      number += 1;
      const id = number;
      return new Promise((settle, reject) => {
        waiting.set(id, { settle, reject, pieces: [] });
        child.stdin.write(`${JSON.stringify({ id, ask: question, with: parameters })}\n`);
      });
    },
    /** The next news for which `isIt` holds. */
    news(isIt) {
      return new Promise((settle) => {
        const waiter = (line) => {
          if (!isIt(line)) return;
          liveWaiters.delete(waiter);
          settle(line);
        };
        liveWaiters.add(waiter);
      });
    },
    /** When all files have been read. */
    async isRead() {
      while (!(await this.ask('files')).reading.isDone) await new Promise((next) => setTimeout(next, 20));
    },
    stop() {
      const ended = new Promise((settle) => {
        child.once('close', settle);
      });
      child.stdin.end();
      return ended;
    },
  };
}
