// Owns the report's account of how a run was measured: what a reader needs to judge or repeat the numbers.

import { escapeHtml } from '../bench/pictures/svg.mjs';
import { count } from './summary.mjs';

/** The list "How it was measured", as HTML. */
export function methodHtml({ run, results }) {
  const { mainThreadCpuSource, mainThreadCpuExact } = results[0].service;
  const files = results.find(({ id }) => id === 'offloop-file').delivery;
  const allThreads = mainThreadCpuExact
    ? ''
    : ' because this platform offers no clock per thread, so it counts the exporter’s own threads too';
  return `<ul>
<li>Three processes share the machine: the service, the load, and a receiver that decodes each body, counts its spans by
id and throws it away. Every phase has a fresh service process; it is warmed up for ${run.warmupSeconds} s under the same
load before its numbers count.</li>
<li>The load is paced and the same in every phase: ${run.load.connections} connections, together at most
${run.load.requestsPerSecond} requests per second; a connection that falls behind does not catch up. Requests per second
is what was answered, p99 is as the client saw it.</li>
<li>Each request makes 4 spans: one from @opentelemetry/instrumentation-http and three query-like children. Two payloads of
about 45 KB of JSON are recorded per request, the rows on a query span and the response body on the server span. The rows
come from memory after a delay; no database is involved.</li>
<li>In the first phase spans are recorded and ended as in the others, and nothing takes them: what differs from it is
processor and exporter.</li>
<li>Loop delay p50, p99 and max are from Node’s <code>monitorEventLoopDelay</code> at 10 ms, its own period subtracted,
during the load. The timeline and the longest block are from a second, independent 10 ms timer and include flush and
shutdown. Either can miss up to 10 ms of a block, so the two differ a little. Neither is the exporter’s.</li>
<li>Main-thread CPU is from ${escapeHtml(mainThreadCpuSource)}${allThreads}; it includes flush and shutdown. “Most CPU at
once” is the most processor time between two ticks of the 10 ms timer (about 10 ms is ordinary): where it is much less
than the longest block, the machine was busy elsewhere and the block is not the program’s.</li>
<li>Spans ended and delivered count from process start, warm-up included. Delivered over HTTP is the receiver’s count of
distinct span ids; delivered to files is the same count over the ${count(files.lines)} lines
(${(files.bytes / 2 ** 20).toFixed(0)} MiB, number of files: ${files.files}) left in <code>spans/</code>, each parsed as
OTLP/JSON.</li>
<li>At the end the service stops accepting, then awaits <code>forceFlush()</code> and <code>shutdown()</code> of the tracer
provider, each for at most 10 s.</li>
</ul>`;
}
