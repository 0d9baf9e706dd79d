// Owns reading back the file phase: every line of every span file is parsed as OTLP/JSON and its spans counted by id.

import { createReadStream, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** Counts the distinct spans in the `.jsonl` files of `directory`. */
export async function countSpanFiles(directory) {
  const ids = new Set();
  const counts = { files: 0, bytes: 0, lines: 0, duplicates: 0, undecodable: 0 };
  for (const name of readdirSync(directory)
    .filter((file) => file.endsWith('.jsonl'))
    .sort()) {
    const file = path.join(directory, name);
    counts.files++;
    counts.bytes += statSync(file).size;
    for await (const line of createInterface({
      input: createReadStream(file, { highWaterMark: 1 << 20 }),
      crlfDelay: Infinity,
    })) {
      counts.lines++;
      countLine(line, ids, counts);
    }
  }
  return { spans: ids.size, ...counts };
}

function countLine(line, ids, counts) {
  try {
    for (const resource of JSON.parse(line).resourceSpans) {
      for (const scope of resource.scopeSpans) {
        for (const { spanId } of scope.spans) {
          if (ids.has(spanId)) counts.duplicates++;
          else ids.add(spanId);
        }
      }
    }
  } catch {
    counts.undecodable++;
  }
}
