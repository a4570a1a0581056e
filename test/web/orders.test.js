// orders.test.js -- the board that a kitchen reads.

import assert from 'node:assert/strict';
import { PHONE, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { STATUS, eventually, order, payload } from './lib/klikitd.js';

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
    assert.match(await first.textContent(), /IDR 200480 · GF-2 · brand 910 · branch 2041/);
    assert.deepEqual(await first.locator('.group3').allTextContents(),
      ['200', '480']);
    assert.match(await first.getAttribute('class'), /\bred\b/);
    assert.match(await page.locator('.column h2').textContent(), /placed 1/);
    assert.match(await first.locator('.order-age').textContent(), /^30 min/);
  }, { config: CONFIG, hash: '#/orders', before: async (server) => {
    server.expect(/pos: dead/, /handler pos/);
    await server.received(order(1, { placed_at: ago(2) }));
    await server.received(order(2, { cart, placed_at: ago(30),
      currency: 'IDR', final_price: 200480 }));
    await eventually('both are dead', async () =>
      (await server.ask('/api/v1/jobs?state=dead')).jobs.length === 2);
  } });

inspect('an order has its items, its total and what became of it; the ' +
  'customer’s words are hidden until they are asked for',
async (page) => {
  const sheet = page.locator('.order-sheet');
  await sheet.locator('tbody tr').nth(2).waitFor();
  const first = sheet.locator('tbody tr').first();
  for (const text of [/2 ×/, /Nasi Goreng Kampung/, /Telur ceplok/, /98000/])
    assert.match(await first.textContent(), text);
  assert.match(await sheet.locator('.total').textContent(), /Total200480/);
  const secrets = ['Jangan pakai bawang', '+620000000001', 'Jl. Contoh No. 12'];
  for (const secret of secrets)
    assert.ok(!(await page.locator('main').textContent()).includes(secret));
  await page.locator('.customer').getByRole('button').click();
  for (const secret of secrets)
    await page.getByText(secret).first().waitFor();
  // The events that carried it, and how the handlers did.
  const steps = page.locator('.timeline .step-what');
  assert.deepEqual(await steps.allTextContents(), ['Received', 'Done',
    'Received', 'Done']);
  await page.locator('.json', { hasText: 'Warung Senja' }).waitFor();
  await page.setViewportSize(PHONE);
  assert.deepEqual(await sticksOut(page), []);
  await page.locator('.timeline a').first().click();
  await page.locator('.detail-title', { hasText: 'evt-1' }).waitFor();
}, { config: '[handler orders]\ntype = orders\n', hash: '#/orders/9100002',
  before: async (server) => {
    await server.received(payload('created-typical.json'), { id: 'evt-1' });
    await server.received(payload('status-updated-ready.json'),
      { id: 'evt-2', type: STATUS });
    await eventually('both are done', async () =>
      (await server.ask('/api/v1/jobs?state=done')).jobs.length === 2);
  } });
