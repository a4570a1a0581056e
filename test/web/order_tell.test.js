// order_tell.test.js -- klikit is sent the status of an order from its page,
// after a question, and what klikit answered stands there.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after } from 'node:test';
import { inspect } from './lib/inspect.js';
import { order } from './lib/klikitd.js';

const told = []; // what klikit was sent
const klikit = http.createServer(async (request, response) => {
  let text = '';
  for await (const piece of request)
    text += piece;
  const { status, note, reason_code: reason } = JSON.parse(text);
  told.push([request.url, status, note, reason]);
  const good = status !== 'ready';
  response.writeHead(good ? 200 : 409, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(good ? { request_id: 'req_1', data: { status } } :
    { request_id: 'req_2', error: { code: 'state_invalid_transition',
      message: 'it is cancelled' } }));
});
await new Promise((resolve) => klikit.listen(0, '127.0.0.1', resolve));
after(() => {
  klikit.close();
  klikit.closeAllConnections();
});

// Not for the other brand's orders.
const CONFIG = '[handler orders]\ntype = orders\n[handler api]\n' +
  `type = klikit\nurl = http://127.0.0.1:${klikit.address().port}/v1\n` +
  'credentials_file = api\nbrands = 910\n' +
  'statuses = accept: accepted, ready: ready, reject: rejected\n';

inspect('klikit is sent a status from the order’s page, once it was asked',
  async (page, server) => {
    const words = page.getByRole('button', { name: /^Send klikit/ });
    await words.nth(2).waitFor();
    assert.deepEqual(await words.allTextContents(), ['accept', 'ready',
      'reject']);
    const dialog = page.getByRole('dialog');
    const rows = page.locator('.told li');
    await words.nth(0).click();
    await dialog.getByText(/“accepted” for order 1,/).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await words.nth(0).click();
    await dialog.getByLabel('Note').fill('ten minutes');
    await dialog.getByRole('button', { name: 'accept' }).click();
    await rows.filter({ hasText: /^accept asked for at .* by the page/ })
      .filter({ hasText: /done.*api: done: request_id req_1/ }).waitFor();

    // What klikit refuses is told as what it is.
    await words.nth(1).click();
    await dialog.getByRole('button', { name: 'ready' }).click();
    const refused = rows.first().filter({ hasText: /^ready/ });
    await refused.getByText('api answered 409: the order cannot go there')
      .waitFor();
    await refused.locator('.state.dead').waitFor();

    // A reason where klikit wants one; a repeat after no answer is the same.
    const keys = [];
    await page.route('**/api/v1/orders/1/status', async (route) => {
      if (route.request().method() === 'POST')
        keys.push(route.request().postDataJSON().key);
      await (keys.length === 1 ? route.abort() : route.continue());
    });
    for (const answered of [false, true]) {
      await words.nth(2).click();
      await dialog.getByRole('button', { name: 'reject' }).click();
      await dialog.getByText('This is needed.').waitFor();
      await dialog.getByLabel('Reason').fill('kitchen_closed');
      await page.keyboard.press('Enter');
      await page.getByText(answered ? /^It is on its way: “reject”/ :
        /^Not done: the server cannot be reached/).waitFor();
    }
    await rows.first().filter({ hasText: /^reject.*done/ }).waitFor();
    assert.equal(keys[0], keys[1]);
    assert.deepEqual(told, [
      ['/v1/orders/1/status', 'accepted', 'ten minutes', undefined],
      ['/v1/orders/1/status', 'ready', undefined, undefined],
      ['/v1/orders/1/status', 'rejected', undefined, 'kitchen_closed']]);
    // The cart is that of klikit's last event, not of what was asked for.
    await page.locator('.order-sheet', { hasText: 'Nasi Goreng' }).waitFor();
    const nothing = page.waitForResponse('**/api/v1/orders/2/status*');
    await page.evaluate(() => { location.hash = '#/orders/2'; });
    assert.deepEqual((await (await nothing).json()).statuses, []);
    await page.getByText('It names no items.').waitFor();
    assert.equal(await words.count(), 0);
  }, { config: CONFIG, hash: '#/orders/1', errors: [/ERR_FAILED/],
    prepare: (server) => {
      server.file('api', 'key:secret');
      server.expect(/api answered 409/, /handler api/);
    },
    before: async (server) => {
      await server.received(order(1));
      await server.received(order(1, { cart: [{ title: 'Nasi Goreng',
        quantity: 1 }] }), { type: 'klikit.order.cart.updated' });
      await server.received(Buffer.from(JSON.stringify({ brand_id: 911,
        branch_id: 1, orders: [{ id: 2, status: 1 }] })));
    } });
