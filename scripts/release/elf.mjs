// Owns reading what an ELF shared library asks of the system: machine, needed libraries, symbols and their versions.
// It refuses to judge; check_addon.mjs does.

const MACHINES = { 62: 'x64', 183: 'arm64' };
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const DT_NEEDED = 1n;
const DT_FLAGS_1 = 0x6ffffffbn;
const DF_1_NODELETE = 0x8n;
const WEAK = 2;

/**
 * @param {Buffer} file a little-endian 64-bit ELF
 * @returns {{ arch: string, needed: string[], nodelete: boolean, versions: string[],
 *   imports: { name: string, weak: boolean, version?: string }[], exports: string[] }}
 */
export function readElf(file) {
  if (file.toString('latin1', 0, 4) !== '\x7fELF' || file[4] !== 2 || file[5] !== 1)
    throw new Error('not a little-endian 64-bit ELF file');
  const sections = readSections(file);
  const of = (type) => sections.find((section) => section.type === type);
  const symbols = of(SHT_DYNSYM);
  const dynamic = of(SHT_DYNAMIC);
  if (!symbols || !dynamic) throw new Error('not a shared library: it has no dynamic symbols');
  const names = sections[symbols.link];
  const versionNames = readVersionNames(file, of(SHT_GNU_VERNEED), sections);
  const versionOf = of(SHT_GNU_VERSYM);

  const imports = [];
  const exports = [];
  for (let index = 1; index < symbols.size / 24; index += 1) {
    const at = symbols.offset + index * 24;
    const name = text(file, names.offset + file.readUInt32LE(at));
    const isDefined = file.readUInt16LE(at + 6) !== 0;
    const binding = file[at + 4] >> 4;
    if (isDefined) {
      if (binding !== 0) exports.push(name);
      continue;
    }
    const version = versionOf && versionNames.get(file.readUInt16LE(versionOf.offset + index * 2) & 0x7fff);
    if (name !== '') imports.push({ name, weak: binding === WEAK, version });
  }
  return {
    arch: MACHINES[file.readUInt16LE(18)] ?? `machine ${file.readUInt16LE(18)}`,
    ...readDynamic(file, dynamic, sections),
    versions: [...versionNames.values()],
    imports,
    exports,
  };
}

/** Names that the symbol index of a static library (`ar`) lists: what the library defines. */
export function readArchiveSymbols(file) {
  if (file.toString('latin1', 0, 8) !== '!<arch>\n') throw new Error('not an archive');
  const name = file.toString('latin1', 8, 24).trim();
  const width = name === '/' ? 4 : name === '/SYM64/' ? 8 : 0;
  if (width === 0) throw new Error(`the archive has no symbol index (first member: ${name})`);
  const size = Number(file.toString('latin1', 56, 66));
  const count = width === 4 ? file.readUInt32BE(68) : Number(file.readBigUInt64BE(68));
  const table = file.toString('latin1', 68 + width + count * width, 68 + size);
  return new Set(table.split('\0').slice(0, count));
}

function readSections(file) {
  const start = Number(file.readBigUInt64LE(40));
  const entrySize = file.readUInt16LE(58);
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = start + index * entrySize;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
      info: file.readUInt32LE(at + 44),
    };
  });
}

function readDynamic(file, dynamic, sections) {
  const needed = [];
  let nodelete = false;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = file.readBigUInt64LE(at);
    const value = file.readBigUInt64LE(at + 8);
    if (tag === DT_NEEDED) needed.push(text(file, sections[dynamic.link].offset + Number(value)));
    if (tag === DT_FLAGS_1) nodelete = (value & DF_1_NODELETE) !== 0n;
  }
  return { needed, nodelete };
}

function readVersionNames(file, section, sections) {
  const names = new Map();
  if (!section) return names;
  const strings = sections[section.link].offset;
  let at = section.offset;
  for (let left = section.info; left > 0; left -= 1) {
    let entry = at + file.readUInt32LE(at + 8);
    for (let count = file.readUInt16LE(at + 2); count > 0; count -= 1) {
      names.set(file.readUInt16LE(entry + 6), text(file, strings + file.readUInt32LE(entry + 8)));
      entry += file.readUInt32LE(entry + 12);
    }
    at += file.readUInt32LE(at + 12);
  }
  return names;
}

function text(file, from) {
  return file.toString('latin1', from, file.indexOf(0, from));
}
