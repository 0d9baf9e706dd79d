// Starts a collector in a second process and talks to it over IPC, which never touches the measured sockets.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./receiver_process.mjs', import.meta.url));

/** `{ url, behave(options), reset(), totals(), stop() }`; every call returns the totals at that moment. */
export async function startReceiver(behave = {}) {
  const child = fork(PROGRAM, [], { execArgv: [] });
  const waiting = new Map();
  let nextId = 1;
  const port = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the receiver ended with ${code}`)));
    child.on('message', (message) => {
      if (message.port) return resolve(message.port);
      waiting.get(message.id)?.(message.totals);
      waiting.delete(message.id);
    });
  });
  const ask = (message) =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      child.send({ ...message, id });
    });
  await ask({ behave });
  return {
    port,
    url: `http://127.0.0.1:${port}/v1/traces`,
    behave: (options) => ask({ behave: options }),
    reset: () => ask({ reset: true }),
    totals: () => ask({}),
    stop() {
      child.removeAllListeners('exit');
      child.disconnect();
    },
  };
}
