'use strict';
// Whoever hovers over a name of a declaration file sees what it is: each public declaration and each of its members has a comment
// (R105). And the defaults that the comments of OTLPTraceExporterConfig state are those of a configuration that nobody has touched.

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const typescript = require('typescript');
const { withEnvironment } = require('../helpers/config/recorder.js');
const { resolveConfig } = require('../../js/config/resolve_config.js');

const root = path.resolve(__dirname, '..', '..');
const manifest = require('../../package.json');
const files = [...new Set(Object.values(manifest.exports).flatMap(({ types }) => types ?? []))];

/** Lists whose members are named and defined by the record/replay SDK; what each list is, its own comment says. */
const NAMED_BY_THE_SDK = new Set([
  'JsonSchemaType',
  'EncodingType',
  'DecodedType',
  'JsonSchema',
  'SchemaMergeTypes',
  'CleanSpanData',
  'RustCoreStartupStatus',
  'ProcessExportPayloadResult',
  'BuildSpanProtoBytesInput',
]);

/** `[name, comment, node]` of each declaration of a file and each of its members; a constructor is its class. */
function* declarationsOf(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const source = typescript.createSourceFile(file, text, typescript.ScriptTarget.Latest, true);
  const comment = (node) =>
    typescript
      .getJSDocCommentsAndTags(node)
      .map((doc) => doc.getText(source).replace(/^\/\*\*|\*\/$|\n\s*\*/g, ' '))
      .join(' ')
      .replace(/\s+/g, ' ')
      .trim();
  for (const statement of source.statements) {
    const { name, members = [] } = statement;
    if (name === undefined) continue; // imports; constants stand beside a type of the same name
    yield [name.text, comment(statement), statement];
    for (const member of members)
      if (member.name) yield [`${name.text}.${member.name.getText(source)}`, comment(member), member];
  }
}

describe('the declaration files', () => {
  for (const file of files) {
    it(`${file}: every declaration and every member says what it is (R105)`, () => {
      const declarations = [...declarationsOf(file)];
      assert.ok(declarations.length > 0);
      const silent = declarations
        .filter(([name, comment]) => comment === '' && !NAMED_BY_THE_SDK.has(name.split('.')[0]))
        .map(([name]) => name);
      assert.deepEqual(silent, []);
    });
  }

  it('the lists that the SDK defines are still there, and say what they are (R105)', () => {
    const comments = new Map([...declarationsOf('./js/entries/tusk.d.ts')].map(([name, comment]) => [name, comment]));
    for (const name of NAMED_BY_THE_SDK) assert.ok(comments.get(name), name);
  });

  it('an option of a time or a size says its unit in its name or its comment (R105)', () => {
    const isOption = /(Config|Options)\./;
    for (const file of files)
      for (const [name, comment, node] of declarationsOf(file)) {
        if (!isOption.test(name) || node.type?.kind !== typescript.SyntaxKind.NumberKeyword) continue;
        const unit = /(Millis|Bytes)$/.test(name) || /\b(spans|requests|attempts|files|exports)\b/i.test(comment);
        assert.ok(unit, `${name}: ${comment}`);
      }
  });
});

/** Options whose default a configuration shows when it is resolved; those of the core are compared in option_table.test.js. */
const SHOWN = ['timeoutMillis', 'compression', 'keepAlive', 'protocol', 'url', 'transport'];

describe('what a configuration without options is', () => {
  const members = new Map([...declarationsOf('./index.d.ts')].map(([name, comment]) => [name, comment]));

  for (const name of SHOWN) {
    it(`${name}: as its comment says (R105)`, async () => {
      const config = await withEnvironment({}, () => resolveConfig({}, { protocol: 'http/protobuf' }));
      const [, stated] = /Default (.+?)(?:[,:.] |\.?$)/.exec(members.get(`OTLPTraceExporterConfig.${name}`));
      const value = name === 'transport' ? 'automatic' : String(config[name]);
      if (name === 'transport') assert.equal(config.mayMoveToNode, true);
      assert.equal(stated.replace(/[`']/g, ''), value);
    });
  }

  it('over gRPC the address is the one that the comment of url names (R105)', async () => {
    const config = await withEnvironment({}, () => resolveConfig({}, { protocol: 'grpc', fixedProtocol: true }));
    assert.ok(members.get('OTLPTraceExporterConfig.url').includes(`over gRPC \`${config.url}\``));
  });

  for (const [section, name] of [
    ['exit', 'drainMillis'],
    ['exit', 'blockMillis'],
    ['exit', 'signals'],
  ]) {
    it(`${section}.${name}: as its comment says (R105)`, async () => {
      const config = await withEnvironment({}, () => resolveConfig({}, { protocol: 'http/protobuf' }));
      const stated = /Default ([^.]+)\./.exec(members.get(`ExitOptions.${name}`))[1].replaceAll('`', '');
      assert.deepEqual(JSON.parse(stated), config[section][name]);
    });
  }
});
