// Owns writing the skeleton of a trace, from the description of its layout and without the code that reads it.

/**
 * One piece. A row is `{ start, duration, size, depth, row, name, resource, flags }`; what is left out is 0, and 1 for the size.
 * `names` and `resources` are those that this piece uses first.
 */
export function pieceOf(
  rows,
  {
    first = 0,
    total = rows.length,
    spans = total,
    tick = 1,
    generation = 1,
    start = 0n,
    end = 0n,
    names = [],
    resources = [],
  } = {},
) {
  const json = Buffer.from(JSON.stringify({ names, resources }));
  const piece = Buffer.alloc(64 + rows.length * 28 + json.length);
  piece.write('OLSK', 0, 'latin1');
  const header = [1, rows.length, first, total, spans, tick, generation];
  for (const [nth, value] of header.entries()) piece.writeUInt32LE(value, 4 + nth * 4);
  piece.writeBigUInt64LE(start, 32);
  piece.writeBigUInt64LE(end, 40);
  piece.writeUInt32LE(rows.length * 28, 48);
  piece.writeUInt32LE(json.length, 52);
  let at = 64;
  for (const column of ['start', 'duration', 'size', 'depth', 'row', 'name']) {
    for (const row of rows) {
      piece.writeUInt32LE(row[column] ?? (column === 'size' ? 1 : 0), at);
      at += 4;
    }
  }
  for (const column of ['resource', 'flags']) {
    for (const row of rows) {
      piece.writeUInt16LE(row[column] ?? 0, at);
      at += 2;
    }
  }
  json.copy(piece, at);
  return piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.length);
}

/** Rows in pre-order from a tree of `{ children, ...row }`. */
export function rowsOf(roots) {
  const rows = [];
  const walk = (node, depth) => {
    const { children = [], ...values } = node;
    const row = { row: rows.length, ...values, depth };
    const first = rows.push(row);
    for (const child of children) walk(child, depth + 1);
    row.size = rows.length - first + 1;
  };
  for (const root of roots) walk(root, 0);
  return rows;
}
