// kitchen.test.js -- a screen for the kitchen: what a cook sees and touches, and
// that a screen which cannot be believed says so.

import assert from 'node:assert/strict';
import { PHONE, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { STATUS, eventually, order } from './lib/klikitd.js';

const CONFIG = ['[status]', 'names = 1 placed, 3 cancelled',
  '[handler orders]', 'type = orders', 'terminal = 3', ''].join('\n');
const SCREEN = '#/kitchen?branch=2041';
const ago = (minutes) => new Date(Date.now() - minutes * 60000).toISOString();
const cart = [
  { title: 'Nasi Goreng', quantity: 2, comment: 'no onions', groups: [
    { modifiers: [{ title: 'Hot', quantity: 1 },
      { title: 'Egg', quantity: 2 }] }] },
  { title: 'Es Teh', quantity: 1 }];
const ids = (page) => page.locator('.ticket-id').allTextContents();
const ticket = (page, id) => page.locator('.ticket', { has:
  page.getByRole('heading', { name: id, exact: true }) });

// Touch until it is so: just after something has moved no touch is obeyed.
const touch = (locator, isSo) => eventually('a touch is obeyed', async () => {
  if (await isSo())
    return true;
  await locator.click({ timeout: 1000 }).catch(() => {});
  // Not again at once: nothing moves while somebody touches the screen.
  for (let i = 0; i < 50 && !await isSo(); i++)
    await new Promise((done) => setTimeout(done, 100));
  return isSo();
});

// What a browser does that a test cannot see: sounds, and the screen's light.
const listened = (page) => page.addInitScript(() => {
  const kept = window.kept = { tones: 0, locks: 0, held: [] };
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...args) {
    kept.tones++;
    return start.apply(this, args);
  };
  Object.defineProperty(navigator, 'wakeLock', { value: {
    request: async () => {
      const lock = new EventTarget();
      lock.release = async () => lock.dispatchEvent(new Event('release'));
      kept.locks++;
      kept.held.push(lock);
      return lock;
    } } });
});

inspect('a kitchen chooses its branch, and ticks off what is done',
  async (page, server) => {
    await listened(page);
    await page.goto(`${server.admin}/#/orders`);
    await page.reload();
    await page.getByRole('link', { name: 'Screen for the kitchen' }).click();
    await page.getByRole('link', { name: /^Branch 2041/ })
      .getByText('2 open orders').waitFor();
    await page.getByRole('link', { name: /^Branch 2041/ }).click();
    await page.getByRole('heading', { name: 'Branch 2041' }).waitFor();
    // The oldest first, with all that a cook needs, and how long it waits.
    await ticket(page, 'GF-1').waitFor();
    assert.deepEqual(await ids(page), ['K2', 'GF-1']);
    const two = ticket(page, 'K2');
    for (const text of [/grabfood · delivery · order 2/, /2 ×/, /Nasi Goreng/,
      /Hot, 2 × Egg/, /no onions/, /leave out the cutlery/, /30 min/])
      assert.match(await two.textContent(), text);
    assert.match(await two.getAttribute('class'), /\bred\b/);
    assert.ok(!await page.locator('#bar').isVisible());
    assert.equal(await page.evaluate(() => window.kept.locks), 1);

    // An item, then the order; both are known after a reload.
    await ticket(page, 'GF-1').locator('.item', { hasText: 'Es Teh' }).click();
    await two.getByRole('button', { name: 'Done' }).click();
    await two.getByText('Done here').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Done here (1)' }).click();
    assert.deepEqual(await ids(page), ['GF-1']);
    const pressed = page.locator('.item[aria-pressed="true"]');
    assert.deepEqual(await pressed.locator('.item-title').allTextContents(),
      ['Es Teh']);
    await page.getByRole('button', { name: 'Bring back K2' }).click();
    await two.waitFor();
    await page.getByText('2 open orders').waitFor();

    // It is seen again: the screen is asked to stay on once more.
    await page.evaluate(() => {
      window.kept.held[0].release();
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForFunction(() => window.kept.locks === 2);
    await page.getByText('The screen stays on.').waitFor();
    await page.getByRole('button', { name: 'Full screen' }).click();
    await page.getByRole('button', { name: 'Leave full screen' }).click();
    await page.getByRole('button', { name: 'Full screen', exact: true })
      .waitFor();
    await page.keyboard.press('3'); // a row of keys leads nowhere else
    await page.getByRole('link', { name: 'Back to the board' }).click();
    await page.getByRole('heading', { name: 'Orders', exact: true }).waitFor();
  }, { config: CONFIG, before: async (server) => {
    await server.received(order(1, { cart, placed_at: ago(2) }));
    await server.received(order(2, { cart, placed_at: ago(30), type: 2,
      short_id: 'K2', provider_name: 'grabfood',
      order_comment: 'leave out the cutlery' }));
    await server.received(Buffer.from(JSON.stringify({ brand_id: 910,
      branch_id: 2042, orders: [{ id: 9, status: 1 }] })));
  } });

inspect('what comes, changes or is cancelled moves nothing under a hand',
  async (page, server) => {
    await listened(page);
    await page.clock.install();
    await page.reload();
    await ticket(page, 'GF-2').waitFor();
    await page.getByRole('button', { name: 'Sound is off' }).click();
    await page.getByRole('button', { name: 'Sound is on' }).waitFor();
    const tones = await page.evaluate(() => window.kept.tones);
    await ticket(page, 'GF-1').locator('.item', { hasText: 'Nasi' }).click();

    // A new one rings, and stands at the end although it is the oldest.
    const spot = await ticket(page, 'GF-1').boundingBox();
    await page.evaluate(() => {
      window.hand = setInterval(() => document.querySelector('.tickets-place')
        .dispatchEvent(new Event('pointermove')), 200);
    });
    await server.received(order(3, { cart, placed_at: ago(9) }));
    await ticket(page, 'GF-3').getByText('New').waitFor();
    assert.deepEqual(await ids(page), ['GF-1', 'GF-2', 'GF-3']);
    assert.ok(await page.evaluate(() => window.kept.tones) > tones);

    // A changed item has to be cooked again; the others stay ticked off.
    await server.received(order(1, { placed_at: ago(5), updated_at: ago(0),
      cart: [cart[0], { title: 'Es Jeruk', quantity: 1 }] }),
    { type: 'klikit.order.cart.updated' });
    await ticket(page, 'GF-1').getByText('Changed: look again').waitFor();
    assert.deepEqual(await ticket(page, 'GF-1').locator(
      '.item[aria-pressed="true"] .item-title').allTextContents(),
    ['Nasi Goreng']);
    assert.deepEqual(await ticket(page, 'GF-1').boundingBox()
      .then(({ x, y }) => ({ x, y })), { x: spot.x, y: spot.y });
    const changed = page.getByRole('button', { name: 'Changed: look again' });
    await touch(changed, async () => await changed.count() === 0);

    // Cancelled under the cook's hands: it stays, and says so.
    await server.received(order(1, { status: 3, updated_at: ago(-1) }),
      { type: STATUS });
    await ticket(page, 'GF-1').getByText('No longer open: cancelled (3)')
      .waitFor();
    // Taken away it goes at once, and nothing moves into its place.
    const two = await ticket(page, 'GF-2').boundingBox();
    await touch(page.getByRole('button', { name: 'Take it away: GF-1' }),
      () => ticket(page, 'GF-1').isHidden());
    assert.deepEqual(await ids(page), ['GF-1', 'GF-2', 'GF-3']);
    assert.deepEqual(await ticket(page, 'GF-2').boundingBox(), two);
    // Nobody touches it: the oldest is first.
    await page.evaluate(() => clearInterval(window.hand));
    await page.clock.fastForward(4000);
    await ticket(page, 'GF-1').waitFor({ state: 'detached' });
    assert.deepEqual(await ids(page), ['GF-3', 'GF-2']);
    assert.equal(await page.evaluate(() =>
      localStorage.getItem('klikitd-kitchen-ticks')), '[]');
    await page.setViewportSize(PHONE);
    assert.deepEqual(await sticksOut(page), []);
    assert.deepEqual(await page.locator('.kitchen').locator('button:visible')
      .evaluateAll((all) => all.filter((n) =>
        n.getBoundingClientRect().height < 40).map((n) => n.textContent)), []);
  }, { config: CONFIG, hash: SCREEN, before: async (server) => {
    await server.received(order(1, { cart, placed_at: ago(5) }));
    await server.received(order(2, { cart, placed_at: ago(4) }));
  } });

inspect('a screen that cannot be believed says so, at once and big',
  async (page, server) => {
    const doubt = page.getByText('Do not trust this screen');
    await ticket(page, 'GF-1').waitFor();
    await page.waitForFunction(() => document.title.startsWith('Kitchen –'));
    await server.stop();
    await doubt.waitFor();
    await page.getByText(/What stands here is \d+ s old/).waitFor();
    assert.match(await page.title(), /not live/);
    assert.ok(await ticket(page, 'GF-1').isVisible());
    await page.setViewportSize(PHONE);
    assert.deepEqual(await sticksOut(page), []);
    await server.start();
    await doubt.waitFor({ state: 'hidden' });
    // A server that takes the question and says nothing is no better.
    await page.clock.install();
    await page.route('**/api/v1/board*', () => {});
    await page.reload();
    await page.getByText('Loading the orders').waitFor();
    await page.clock.runFor(9000);
    await page.getByText('The server does not answer.').waitFor();
    await doubt.waitFor();
  }, { hash: SCREEN, errors: [/Failed to load|ERR_/], before: (server) => server.received(order(1, { cart })) });
