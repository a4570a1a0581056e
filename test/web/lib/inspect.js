// inspect.js -- a test of the page: a server, a browser on it, and their end.

import test, { after } from 'node:test';
import { Klikitd } from './klikitd.js';
import { closeBrowser, open } from './browser.js';

after(closeBrowser);

// run(page, server) is the test. config: lines beside the listeners'; before:
// what happens to the server before the page is opened; errors and violations:
// see close() of browser.js; the rest is open()'s.
export function inspect(name, run, { config, prepare, before, errors,
  violations, ...options } = {}) {
  test(name, async () => {
    const server = new Klikitd(config);
    let browser = null;
    try {
      prepare?.(server);
      await server.start();
      await before?.(server);
      browser = await open(server, options);
      await run(browser.page, server);
      await browser.close({ errors, violations });
      browser = null;
    } finally {
      await browser?.page.context().close();
      await server.close();
    }
  });
}
