// `node scripts/release/sbom.mjs [--out <directory>] [--dry-run]`: what the published packages are made of, as CycloneDX 1.6. Owns the
// list of crates in the two binaries; the npm packages have no dependency but each other, which is listed too.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../build/project.mjs';
import { linkedPackages } from '../build/linked_packages.mjs';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join('.cache', 'packages') },
    'dry-run': { type: 'boolean', default: false },
  },
});
const { name, version, license, napi } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const out = path.resolve(root, values.out);
const crates = linkedPackages();
const reference = ({ name: crate, version: of }) => `pkg:cargo/${crate}@${of}`;

const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: {
    component: {
      type: 'library',
      'bom-ref': `pkg:npm/${name}@${version}`,
      name,
      version,
      purl: `pkg:npm/${name}@${version}`,
      licenses: [{ expression: license }],
    },
  },
  components: crates.map((crate) => ({
    type: 'library',
    'bom-ref': reference(crate),
    name: crate.name,
    version: crate.version,
    purl: reference(crate),
    ...(crate.license === null ? {} : { licenses: [{ expression: crate.license.replaceAll('/', ' OR ') }] }),
    ...(crate.checksum === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: crate.checksum }] }),
  })),
  dependencies: [
    { ref: `pkg:npm/${name}@${version}`, dependsOn: crates.filter(({ isDirect }) => isDirect).map(reference) },
    ...crates.map((crate) => ({ ref: reference(crate), dependsOn: crate.dependencies.map(reference) })),
  ],
};
const file = path.join(out, `${name}-${version}.cdx.json`);
if (!values['dry-run']) {
  mkdirSync(out, { recursive: true });
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
}
console.log(`${path.relative(root, file)}: ${crates.length} crates for ${napi.targets.length} targets`);
