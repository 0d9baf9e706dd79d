// Counts the spans of an ExportTraceServiceRequest by hopping over lengths: resource_spans(1) > scope_spans(2) > spans(2).

const PATH = [1, 2, 2];

function varint(bytes, at) {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[at.offset++];
    if (byte === undefined) throw new RangeError('truncated varint');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
}

function count(bytes, start, end, depth) {
  const at = { offset: start };
  let found = 0;
  while (at.offset < end) {
    const tag = varint(bytes, at);
    switch (tag & 7) {
      case 0:
        varint(bytes, at);
        break;
      case 1:
        at.offset += 8;
        break;
      case 2: {
        const length = varint(bytes, at);
        const stop = at.offset + length;
        if (tag >> 3 === PATH[depth]) found += depth === PATH.length - 1 ? 1 : count(bytes, at.offset, stop, depth + 1);
        at.offset = stop;
        break;
      }
      case 5:
        at.offset += 4;
        break;
      default:
        throw new RangeError(`unexpected wire type ${tag & 7}`);
    }
  }
  if (at.offset !== end) throw new RangeError('a length runs over its message');
  return found;
}

export function countSpans(bytes) {
  return count(bytes, 0, bytes.length, 0);
}
