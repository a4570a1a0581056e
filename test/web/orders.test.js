// orders.test.js -- the board that a kitchen reads.

import assert from 'node:assert/strict';
import { inspect } from './lib/inspect.js';
import { eventually, order } from './lib/klikitd.js';

const CONFIG = ['[status]', 'names = 1 placed', '[handler pos]',
  'type = exec', 'events = *', 'command = /bin/false', ''].join('\n');
const cart = [{ title: 'Es Teh Manis', quantity: 1 }];
const ago = (minutes) => new Date(Date.now() - minutes * 60000).toISOString();

inspect('the board has what is stuck, the oldest first, and says who has not',
  async (page) => {
    const cards = page.locator('.order');
    await cards.nth(1).waitFor();
    assert.deepEqual(await page.locator('.order-id').allTextContents(),
      ['2', '1']);
    const first = cards.first();
    assert.match(await first.textContent(), /given up: pos/);
    assert.match(await first.textContent(), /1 × Es Teh Manis/);
    assert.match(await first.getAttribute('class'), /\bred\b/);
    assert.match(await page.locator('.column h2').textContent(), /placed 1/);
    assert.match(await first.locator('.order-age').textContent(), /^30 min/);
  }, { config: CONFIG, hash: '#/orders', before: async (server) => {
    server.expect(/pos: dead/, /handler pos/);
    await server.received(order(1, { placed_at: ago(2) }));
    await server.received(order(2, { cart, placed_at: ago(30) }));
    await eventually('both are dead', async () =>
      (await server.ask('/api/v1/jobs?state=dead')).jobs.length === 2);
  } });
