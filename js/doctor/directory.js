'use strict';
// Owns whether FileSpanExporter can write to a directory. It refuses to leave anything there.

const fs = require('node:fs');
const path = require('node:path');

function examineDirectory(section, given) {
  const directory = path.resolve(given);
  section.fact('directory', directory, '--directory');
  const parent = nearestParent(directory);
  const file = path.join(parent, `.offloop-doctor-${process.pid}`);
  try {
    // As FileSpanExporter will: it makes the directory with those above it, and files in it.
    fs.writeFileSync(file, '', { flag: 'wx' });
    fs.unlinkSync(file);
  } catch ({ code }) {
    const what = parent === directory ? 'it' : `the part of it that exists, ${parent},`;
    section.problem(
      'directory_unwritable',
      `FileSpanExporter cannot write there: ${what} refuses files (${code})`,
      remedyOf(code),
    );
    return;
  }
  const text = parent === directory ? 'files can be written there' : 'it can be made, and files can be written there';
  section.find('ok', 'directory_writable', text);
}

/** `directory`, or what there is of its path. */
function nearestParent(directory) {
  let place = directory;
  while (!fs.existsSync(place) && path.dirname(place) !== place) place = path.dirname(place);
  return place;
}

function remedyOf(code) {
  if (code === 'ENOTDIR' || code === 'ENOENT') return 'a part of the path is a file: choose another directory';
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'make room on the disk';
  if (code === 'EROFS') return 'the file system is read-only: choose another directory';
  return `give the user of the process (${process.getuid?.() ?? 'its account'}) the right to write there`;
}

module.exports = { examineDirectory };
