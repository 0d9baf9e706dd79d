// Owns taking comments and indentation out of the JavaScript that is published: they are for those who read the repository, and
// they are more than a quarter of what a user would download. Lines keep their numbers, so a stack of a user's names a line of
// the repository; columns do not.

import ts from 'typescript';

/** `text`, a JavaScript file, without its comments. The parser says which characters belong to no token. */
export function withoutComments(text) {
  const file = ts.createSourceFile('file.js', text, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  let position = ts.getShebang(text)?.length ?? 0;
  const kept = [text.slice(0, position)];
  for (const token of tokensOf(file, file)) {
    const start = token.getStart(file);
    kept.push(withoutWords(text.slice(position, start)), text.slice(start, token.end));
    position = token.end;
  }
  return kept.join('');
}

function* tokensOf(node, file) {
  if (ts.isJSDoc(node)) return;
  const children = node.getChildren(file);
  if (children.length === 0) yield node;
  for (const child of children) yield* tokensOf(child, file);
}

/** White space and comments between two tokens: line ends stay, as they may end a statement. */
function withoutWords(between) {
  const lines = between.split('\n');
  if (lines.length === 1) return /^\s*$/.test(between) ? between : ' ';
  return '\n'.repeat(lines.length - 1);
}
