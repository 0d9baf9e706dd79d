// Owns the comparison of a binding with addon/index.d.ts: which classes, methods, accessors and functions are declared,
// and which of them a binary has. A binary that was built before its declarations loads all the same and fails at the
// first call. It refuses to load anything itself.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const DECLARATIONS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'addon', 'index.d.ts');

/** Every name that addon/index.d.ts declares as a value: `['Lane', 'Lane#stats', 'threadCpuMicros', …]`, sorted. */
export function declaredNames(file = DECLARATIONS) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const names = [];
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement)) names.push(statement.name.text);
    if (!ts.isClassDeclaration(statement)) continue;
    names.push(statement.name.text);
    for (const member of statement.members)
      if (!ts.isConstructorDeclaration(member))
        names.push(`${statement.name.text}${separator(member)}${member.name.text}`);
  }
  if (names.length === 0) throw new Error(`${file} declares nothing`);
  return names.sort();
}

function separator(member) {
  return ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static ? '.' : '#';
}

/** The same names of what a binary exports. */
export function namesOf(binding) {
  return Object.entries(binding).flatMap(([name, value]) => {
    if (typeof value !== 'function') return [];
    const own = ['length', 'name', 'prototype', 'constructor', 'arguments', 'caller'];
    const members = (object) => Object.getOwnPropertyNames(object ?? {}).filter((member) => !own.includes(member));
    return [
      name,
      ...members(value).map((member) => `${name}.${member}`),
      ...members(value.prototype).map((member) => `${name}#${member}`),
    ];
  });
}

/** What stands in one and not in the other; both empty where binary and declarations belong together. */
export function differences(binding, declared = declaredNames()) {
  const present = namesOf(binding);
  return {
    missing: declared.filter((name) => !present.includes(name)),
    undeclared: present.filter((name) => !declared.includes(name)).sort(),
  };
}

/**
 * Declared names that the bytes of a binary do not hold, for a platform whose binaries cannot be loaded here. Node-API
 * takes names that end in a zero byte, or as text with a length; a name that is part of a longer one is not noticed.
 */
export function absentFrom(bytes, declared = declaredNames()) {
  return declared.filter((name) => !bytes.includes(name.split(/[.#]/).at(-1)));
}
