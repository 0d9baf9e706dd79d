// Starts a collector in a second process and talks to it over IPC, which never touches the measured sockets.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = (file) => fileURLToPath(new URL(file, import.meta.url));

/** `{ url, behave(options), reset(), totals(), stop() }`; every call returns the totals at that moment. */
export const startReceiver = (behave = {}) => start(program('./receiver_process.mjs'), 'v1/traces', behave);

/** The same over gRPC; `url` has no path. */
export const startGrpcReceiver = (behave = {}) => start(program('./grpc_receiver_process.mjs'), '', behave);

async function start(file, path, behave) {
  const child = fork(file, [], { execArgv: [] });
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
    url: `http://127.0.0.1:${port}/${path}`,
    behave: (options) => ask({ behave: options }),
    reset: () => ask({ reset: true }),
    totals: () => ask({}),
    stop() {
      child.removeAllListeners('exit');
      child.disconnect();
    },
  };
}
