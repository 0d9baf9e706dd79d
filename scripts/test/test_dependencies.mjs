// Owns which folders of __test__/ bring packages of their own for the test files, and installs them.

import path from 'node:path';
import { ensureDependencies, root } from '../build/project.mjs';

/** What the test files load on every Node.js. */
const ALWAYS = ['duckdb', 'express-2.x', 'frameworks', 'runners', 'zero-code/sdk-1.x', 'tusk-sdk'];
/** OpenTelemetry's 3.x line, for which Node.js must be new enough. */
const LINE_3 = ['sdk-3.x', 'express-3.x'];

/** Installs what is missing; the folders, from the root. */
export async function ensureTestDependencies({ withLine3 }) {
  const folders = [...ALWAYS, ...(withLine3 ? LINE_3 : [])].map((name) => path.join('__test__', name));
  for (const folder of folders) await ensureDependencies({ directory: path.join(root, folder) });
  return folders;
}
