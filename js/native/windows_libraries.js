'use strict';
// Owns which library a binary of Windows lacks: the system says that "the specified module could not be found", names the
// binary itself, which is there, and keeps the name of the missing one to itself.
// Refuses to load anything, and to be wrong aloud: where the file cannot be read as expected, nothing is missing.

const fs = require('node:fs');
const path = require('node:path');

const HEADER_OF_64_BITS = 0x20b;
const SECTION_BYTES = 40;
const IMPORT_BYTES = 20;
/** Names that the loader of the system resolves by a table of its own; no file bears them. */
const WITHOUT_FILE = /^(api|ext)-ms-/i;

/**
 * Libraries that `file` asks for and that lie in none of the places where the system looks for them.
 * @param {string} file
 * @param {string[]} [places] directories; tests pass others
 * @returns {string[]}
 */
function missingLibraries(file, places = placesFor(file)) {
  try {
    return importedLibraries(fs.readFileSync(file)).filter((name) => !WITHOUT_FILE.test(name) && !isIn(places, name));
  } catch {
    return [];
  }
}

/** Where `LoadLibrary` looks for what a library needs that was loaded by its full path, as Node.js does. */
function placesFor(file) {
  const windows = process.env.SystemRoot ?? 'C:\\Windows';
  const search = (process.env.PATH ?? '').split(path.delimiter).filter((place) => place !== '');
  // The executable's own name counts as found: it is loaded.
  return [
    path.dirname(file),
    path.dirname(process.execPath),
    path.join(windows, 'System32'),
    windows,
    process.cwd(),
    ...search,
  ];
}

function isIn(places, name) {
  return places.some((place) => fs.existsSync(path.join(place, name)));
}

/** The names in the table of imports of a PE file for 64 bits. */
function importedLibraries(file) {
  const pe = file.readUInt32LE(60);
  const options = pe + 24;
  if (file.readUInt16LE(options) !== HEADER_OF_64_BITS) return [];
  const sections = sectionsOf(file, pe);
  const names = [];
  let entry = offsetOf(file.readUInt32LE(options + 120), sections);
  while (entry !== undefined && file.readUInt32LE(entry + 12) !== 0) {
    const start = offsetOf(file.readUInt32LE(entry + 12), sections);
    names.push(file.toString('latin1', start, file.indexOf(0, start)));
    entry += IMPORT_BYTES;
  }
  return names;
}

function sectionsOf(file, pe) {
  const first = pe + 24 + file.readUInt16LE(pe + 20);
  return Array.from({ length: file.readUInt16LE(pe + 6) }, (_, index) => {
    const at = first + index * SECTION_BYTES;
    return {
      address: file.readUInt32LE(at + 12),
      bytes: file.readUInt32LE(at + 16),
      offset: file.readUInt32LE(at + 20),
    };
  });
}

/** Where in the file lies what will be at `address` in memory. */
function offsetOf(address, sections) {
  const section = sections.find((one) => address >= one.address && address < one.address + one.bytes);
  return section && address - section.address + section.offset;
}

module.exports = { missingLibraries };
