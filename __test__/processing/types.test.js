'use strict';
// The cases of `process` in types.test-d.ts, tried on the constructor: what the types take it takes, and what they refuse it refuses.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const vm = require('node:vm');
const typescript = require('typescript');
const { FileSpanExporter, OTLPTraceExporter } = require('../../index.js');

const root = path.join(__dirname, '..', '..');
const read = (file) =>
  typescript.createSourceFile(
    file,
    fs.readFileSync(path.join(root, file), 'utf8'),
    typescript.ScriptTarget.Latest,
    true,
  );

/** `{ text, value, isWrong }` of each `new OTLPTraceExporter({ process: … })`, also within `expectError()`. */
function casesIn(source) {
  const found = [];
  const visit = (node) => {
    if (typescript.isNewExpression(node) && /^(OTLPTraceExporter|FileSpanExporter)$/.test(node.expression.getText())) {
      const [options] = node.arguments ?? [];
      const process =
        options && typescript.isObjectLiteralExpression(options)
          ? options.properties.find(({ name }) => name?.getText() === 'process')
          : undefined;
      if (process !== undefined) {
        const text = process.initializer.getText();
        const isWrong = typescript.isCallExpression(node.parent) && node.parent.expression.getText() === 'expectError';
        found.push({ text, isWrong, node: process.initializer });
      }
    }
    typescript.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Names of all members in the declarations of rules. */
function membersOf(source) {
  const wanted =
    /^(ProcessOptions|RedactRule|RedactBase|WholeAction|AttributeRule|NumberRange|ValueConditions|SpanCondition)$/;
  const names = new Set();
  const visit = (node) => {
    if (typescript.isPropertySignature(node)) names.add(node.name.getText());
    typescript.forEachChild(node, visit);
  };
  for (const statement of source.statements) if (wanted.test(statement.name?.text ?? '')) visit(statement);
  return names;
}

function namesIn(cases) {
  const names = new Set();
  const visit = (node) => {
    if (typescript.isPropertyAssignment(node)) names.add(node.name.getText());
    typescript.forEachChild(node, visit);
  };
  for (const { node } of cases) visit(node);
  return names;
}

const cases = casesIn(read('__test__/package/types.test-d.ts'));
const literal = (text) => vm.runInThisContext(`(${text})`);

function refusal(text) {
  const made = [];
  for (const make of [
    () => new OTLPTraceExporter({ process: literal(text) }),
    () => new FileSpanExporter({ process: literal(text), directory: os.tmpdir() }),
  ]) {
    try {
      make();
      made.push('taken');
    } catch (error) {
      assert.equal(error.code, 'ERR_OFFLOOP_CONFIG', error.stack);
      made.push('refused');
    }
  }
  assert.equal(made[0], made[1]);
  return made[0];
}

describe('P7: types and constructor', () => {
  process.env.OFFLOOP_TEST_TYPES_KEY = 'k'.repeat(32);

  for (const { text, isWrong } of cases) {
    it(`${isWrong ? 'refused' : 'taken'}: ${text.replace(/\s+/g, ' ').slice(0, 100)}`, () => {
      assert.equal(refusal(text), isWrong ? 'refused' : 'taken');
    });
  }

  it('every member has a case that is taken and one that is refused', () => {
    const members = membersOf(read('index.d.ts'));
    assert.ok(members.size > 35, [...members].join());
    const taken = namesIn(cases.filter(({ isWrong }) => !isWrong));
    const refused = namesIn(cases.filter(({ isWrong }) => isWrong));
    for (const name of members) assert.ok(taken.has(name), `${name} is in no case that is taken`);
    for (const name of members) assert.ok(refused.has(name), `${name} is in no case that is refused`);
  });
});
