// Two workers make spans; one ends by itself, one is terminated in the middle. Threads and connections are those of the
// process, so what both have ended arrives.
const path = require('node:path');
const { Worker } = require('node:worker_threads');

const SPANS = 500;

function start(name) {
  const worker = new Worker(path.join(__dirname, 'worker.cjs'), { workerData: { name, spans: SPANS } });
  return { worker, done: new Promise((resolve) => worker.once('message', resolve)) };
}

(async () => {
  const patient = start('patient');
  const terminated = start('terminated');
  await terminated.done;
  await terminated.worker.terminate();
  await patient.done;
  console.log(`${2 * SPANS} spans ended in two workers`);
})();
