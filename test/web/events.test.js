// events.test.js -- the live list: it shows what comes, as it comes.

import assert from 'node:assert/strict';
import { live } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { order, payload, STATUS } from './lib/klikitd.js';

const rows = (page) => page.locator('.row');
const orderIds = (page) => page.locator('.row .c-order bdi')
  .allTextContents();

// Nothing but a load of the page would remove this.
const mark = (page) => page.evaluate(() => {
  window.marked = true;
});
const isMarked = (page) => page.evaluate(() => window.marked === true);

inspect('before the first event the page says where to send one',
  async (page, server) => {
    await page.getByText('Waiting for deliveries').waitFor();
    await page.getByText(`${server.url}/webhooks/klikit`, { exact: true })
      .waitFor();
    const status = await server.ask('/api/v1/status');
    await page.getByRole('button', { name: 'Copy the command' }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
      status.trigger);
    assert.ok(status.trigger.includes('trigger created'));
    await live(page);
    await mark(page);
    await server.received(order(1));
    await rows(page).first().waitFor();
    assert.ok(await isMarked(page));
    assert.equal(await page.getByText('Waiting for deliveries').count(), 0);
  });

inspect('an event posted while the page is open appears by itself',
  async (page, server) => {
    await live(page);
    await mark(page);
    await server.received(order(2, { status: 7 }), { type: STATUS });
    await page.locator('.row', { hasText: 'status.updated' }).waitFor();
    assert.deepEqual(await orderIds(page), ['2', '1']);
    assert.equal(await page.locator('.row .code').first().textContent(), '7');
    // Its job's end comes by the stream as well.
    await page.locator('.row:nth-child(1) .state.done').waitFor();
    await page.getByText('One new event.').waitFor({ state: 'attached' });
    assert.ok(await isMarked(page));
  }, { before: (server) => server.received(order(1)) });

inspect('a filter shows what fits it, and outlasts a reload',
  async (page, server) => {
    await rows(page).nth(2).waitFor();
    await page.getByLabel('Type').fill(STATUS);
    await page.getByText('1 event', { exact: true }).waitFor();
    assert.deepEqual(await orderIds(page), ['2']);
    await page.reload();
    await page.getByText('1 event', { exact: true }).waitFor();
    assert.deepEqual(await orderIds(page), ['2']);
    // What comes meanwhile has to fit, too.
    await live(page);
    await server.received(order(4));
    await server.received(order(5), { type: STATUS });
    await page.getByText('2 events', { exact: true }).waitFor();
    assert.deepEqual(await orderIds(page), ['5', '2']);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('5 events', { exact: true }).waitFor();
    await page.getByLabel('Find', { exact: true }).fill('gf-3');
    await page.getByText('1 event', { exact: true }).waitFor();
    assert.deepEqual(await orderIds(page), ['3']);
    await page.getByLabel('Find', { exact: true }).fill('no such thing');
    await page.getByText('No event passes this filter').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await rows(page).nth(4).waitFor();
    for (const link of await rows(page).getByRole('link').all())
      assert.doesNotMatch(await link.getAttribute('href'), /q=/);
    await page.getByLabel('Order', { exact: true }).fill('4');
    await page.getByText('1 event', { exact: true }).waitFor();
    await page.getByLabel('Branch', { exact: true }).fill('1');
    await page.getByText('No event passes this filter').waitFor();
  }, { viewport: { width: 1500, height: 800 }, before: async (server) => {
    await server.received(order(1));
    await server.received(order(2), { type: STATUS });
    await server.received(order(3));
  } });

inspect('frozen, the list stands still and counts what it holds back',
  async (page, server) => {
    await rows(page).first().waitFor();
    await live(page);
    await page.getByRole('button', { name: 'Freeze list' }).click();
    await page.locator('#state', { hasText: 'Frozen' }).waitFor();
    await server.received(order(2));
    await server.received(order(3));
    await page.getByRole('button', { name: 'Go on (2 held back)' }).waitFor();
    assert.deepEqual(await orderIds(page), ['1']);
    await page.keyboard.press('p');
    await rows(page).nth(2).waitFor();
    assert.deepEqual(await orderIds(page), ['3', '2', '1']);
    await page.locator('#state', { hasText: 'Live' }).waitFor();
  }, { before: (server) => server.received(order(1)) });

inspect('everything can be reached by the keyboard', async (page) => {
  const focused = () => page.evaluate(() => (document.activeElement
    .querySelector('.c-order bdi') ?? document.activeElement).textContent);
  await rows(page).nth(2).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to the content');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  assert.equal(await focused(), '2');
  await page.keyboard.press('k');
  assert.equal(await focused(), '3');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const title = page.locator('.detail-title');
  await title.waitFor();
  assert.equal(await page.locator('.row.active .c-order bdi').textContent(),
    '2');
  await page.waitForFunction(() =>
    document.activeElement.className === 'detail-title');
  await page.keyboard.press('Escape');
  await title.waitFor({ state: 'detached' });
  await page.waitForFunction(() =>
    document.activeElement.closest('.row.active') !== null);
  await page.keyboard.press('/');
  await page.keyboard.type('GF-1');
  await page.getByText('1 event', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() =>
    document.activeElement.closest('.row') !== null);
  for (const [key, heading] of [['3', 'Orders'], ['4', 'Rejections'],
    ['5', 'Handlers'], ['2', 'Events']]) {
    await page.keyboard.press(key);
    await page.getByRole('heading', { name: heading, exact: true, level: 1 })
      .waitFor({ state: 'attached' });
  }
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.getByLabel('Single keys are on').press('Space');
  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await page.keyboard.press('/');
  assert.match(page.url(), /#\/events/);
}, { before: async (server) => {
  for (const id of [1, 2, 3])
    await server.received(order(id));
} });

inspect('a long list has few elements, and goes back to its first event',
  async (page) => {
    await rows(page).first().waitFor();
    const count = () => rows(page).count();
    assert.ok(await count() < 60);
    // To the end, page by page.
    await page.waitForFunction(() => {
      const scroller = document.querySelector('.scroller');
      scroller.scrollTop = scroller.scrollHeight;
      return [...document.querySelectorAll('.row .c-order bdi')]
        .some((n) => n.textContent === '1000');
    });
    assert.ok(await count() < 60);
    await page.getByText('240 events', { exact: true }).waitFor();
  }, { before: async (server) => {
    for (let id = 1000; id < 1240; id += 20)
      await Promise.all(Array.from({ length: 20 }, (_, i) =>
        server.received(order(id + i))));
  } });

inspect('who has scrolled down keeps his place', async (page, server) => {
  await rows(page).first().waitFor();
  await live(page);
  await page.locator('.scroller').evaluate((node) => {
    node.scrollTop = 20 * 41;
  });
  await page.waitForFunction(() =>
    document.querySelector('.scroller').scrollTop === 20 * 41);
  await server.received(order(5000));
  await page.getByRole('button', { name: '1 new event' }).waitFor();
  assert.equal(await page.locator('.scroller').evaluate((n) => n.scrollTop),
    21 * 41);
  await page.getByRole('button', { name: '1 new event' }).click();
  await page.locator('.row', { hasText: '5000' }).waitFor();
}, { before: async (server) => {
  for (let i = 0; i < 60; i++)
    await server.received(order(1000 + i));
} });

inspect('a type that is not klikit’s is shown and can be asked for',
  async (page) => {
    await page.locator('.row', { hasText: 'menu.changed' }).waitFor();
    assert.deepEqual(await orderIds(page), ['4']);
  }, { hash: '#/events?type=menu.changed', before: async (server) => {
    server.expect(/menu\.changed/);
    await server.received(order(4), { type: 'menu.changed' });
    await server.received(payload('created-small.json'));
  } });
