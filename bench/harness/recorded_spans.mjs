// Makes the record/replay corpus: spans of database queries whose recorded results are about 45 KB of JSON each.

const ROWS = 200;

/** Finished spans of SDK 1.x, all of them with texts of their own; `traces` of them share a trace. */
export function recordedSpans({ count = 512, traces = 32 } = {}) {
  return Array.from({ length: count }, (_, nth) => {
    const context = {
      traceId: (nth % traces).toString(16).padStart(32, 'a'),
      spanId: nth.toString(16).padStart(16, '0'),
      traceFlags: 1,
    };
    return {
      name: 'pg.query',
      kind: 2,
      spanContext: () => context,
      parentSpanId: 'c95f9bd845d7fb83',
      startTime: [1_735_702_074 + nth, 140_899_550],
      endTime: [1_735_702_075 + nth, 0],
      duration: [0, 859_100_450],
      status: { code: 1 },
      attributes: {
        'td.name': 'pg.query',
        'td.packageName': 'pg',
        'td.instrumentationName': 'PgInstrumentation',
        'td.submodule': 'query',
        'td.packageType': 4,
        'td.isPreAppStart': false,
        'td.inputValue': JSON.stringify({
          text: 'SELECT * FROM orders WHERE shop = $1',
          values: [nth],
          clientType: 'pool',
        }),
        'td.outputValue': JSON.stringify(result(nth)),
        'td.inputSchemaMerges': '{"values":{"matchImportance":0}}',
      },
      instrumentationLibrary: { name: 'tusk-drift-sdk', version: '0.0.0' },
    };
  });
}

function result(nth) {
  const rows = Array.from({ length: ROWS }, (_, row) => ({
    id: nth * ROWS + row,
    customer: `customer ${(nth * 7919 + row * 104_729) % 1_000_003}`,
    email: `person.${row}@example-${nth % 97}.test`,
    total: ((nth * 31 + row * 17) % 100_000) / 100,
    paid: row % 3 === 0,
    note: row % 5 === 0 ? null : `left at the "front" door, floor ${row % 40}`,
    created_at: new Date(1_735_702_074_000 + row * 61_000).toISOString(),
    tags: ['web', `shard-${row % 16}`],
  }));
  const fields = ['id', 'customer', 'email', 'total'].map((name, tableId) => ({
    name,
    tableID: tableId,
    format: 'text',
  }));
  return { command: 'SELECT', rowCount: ROWS, oid: null, rows, fields };
}
