// modules.js -- the page's modules, loaded into a test.

import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './klikitd.js';

export const WEB = path.join(ROOT, 'server', 'admin', 'web');

// A module with what it imports, as one address: the files are ES modules for
// the browser, and nothing beside them says so to Node.
function address(name) {
  const source = fs.readFileSync(path.join(WEB, name), 'utf8').replace(
    /from '\.\/(\w+\.js)'/g, (_, file) => `from '${address(file)}'`);
  return `data:text/javascript;base64,${
    Buffer.from(source).toString('base64')}`;
}

export const load = (name) => import(address(name));
