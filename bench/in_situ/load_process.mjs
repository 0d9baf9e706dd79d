// The load of the in-situ rows: drives one service after the other, each over its own sockets, for as long as it is told.
// It speaks just enough HTTP/1.1 to be much cheaper than the service that it loads.
import { connect } from 'node:net';

const REQUEST = Buffer.from('GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
const socketsOf = new Map(); // by port

/** A socket on which `get()` resolves when an answer has come: those of these services fit into one packet. */
function open(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let answered;
  socket.on('data', () => answered?.());
  socket.on('error', (error) => {
    throw error; // a service that is gone has no figures
  });
  const get = () =>
    new Promise((resolve) => {
      answered = resolve;
      socket.write(REQUEST);
    });
  return { get };
}

/** Requests answered in `millis`; with a pause, each socket sends one per pause, and they take turns. */
async function drive({ port, millis, connections, pauseMillis }) {
  let sockets = socketsOf.get(port);
  if (sockets === undefined) {
    sockets = Array.from({ length: connections }, () => open(port));
    socketsOf.set(port, sockets);
  }
  const startedAt = performance.now();
  const stopAt = startedAt + millis;
  let requests = 0;
  const run = async ({ get }, index) => {
    let next = startedAt + (pauseMillis * index) / connections;
    while (performance.now() < stopAt) {
      const wait = next - performance.now();
      if (wait > 0.5) await new Promise((resolve) => setTimeout(resolve, wait));
      await get();
      requests += 1;
      if (pauseMillis > 0) next += pauseMillis;
    }
  };
  await Promise.all(sockets.map(run));
  return { requests, millis: performance.now() - startedAt };
}

process.on('message', (order) => {
  drive(order).then((driven) => process.send(driven));
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
