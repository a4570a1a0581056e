// pictures.js -- `node test/web/pictures.js FOLDER [WORD]` makes pictures of
// every view (or of those with that word in their address): with data and
// empty, light and dark, of a phone, a desk and a wall. To be looked at; a
// machine cannot see what is ugly.

import fs from 'node:fs';
import path from 'node:path';
import { closeBrowser, live, open } from './lib/browser.js';
import { ROUTES, settled, troubled } from './lib/look.js';
import { Klikitd } from './lib/klikitd.js';

const [, , folder, word = ''] = process.argv;
const SIZES = [[360, 740], [1280, 800], [1920, 1080]];

const named = (route) => route.replace(/^#\//, '').replace(/\W+/g, '-');

async function picture(server, state) {
  const routes = Object.values(ROUTES).flat().filter((r) => r.includes(word));
  const { page, close } = await open(server, { hash: routes[0] });
  await live(page);
  for (const route of routes) {
    await page.goto(`${server.admin}/${route}`);
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await settled(page);
      await page.mouse.move(0, 0);
      await page.evaluate(() => document.activeElement?.blur());
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: path.join(folder,
          `${named(route)}-${state}-${width}-${colorScheme}.png`) });
      }
    }
  }
  await close({ errors: [/./] });
}

fs.mkdirSync(folder, { recursive: true });
for (const [state, { config, prepare, before }] of [['full', troubled],
  ['empty', {}]]) {
  const server = new Klikitd(config);
  prepare?.(server);
  server.expect(/./);
  try {
    await server.start();
    await before?.(server);
    await picture(server, state);
  } finally {
    await server.close();
  }
}
await closeBrowser();
