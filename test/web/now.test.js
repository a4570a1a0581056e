// now.test.js -- the first view: what needs a person, and pictures.

import assert from 'node:assert/strict';
import { PHONE, live, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { eventually, order } from './lib/klikitd.js';

const icon = (page) => page.locator('#icon').getAttribute('href');

inspect('what needs a person stands first, and is done from there',
  async (page, server) => {
    await page.getByRole('heading', { level: 1, name: '1 thing needs you now' })
      .waitFor();
    const need = page.locator('.need', { hasText: 'orders is paused: closed' });
    await need.getByText(/^Since /).waitFor();
    await eventually('the title says it', async () =>
      await page.title() === '(1) Now – klikitd');
    assert.equal(await icon(page), '/icon_trouble.svg');
    assert.equal(await page.locator('nav .badge').count(), 2);
    await need.getByRole('button', { name: 'Resume orders' }).click();
    await page.getByRole('heading', { level: 1, name: 'All is well' })
      .waitFor();
    await eventually('the title is as before', async () =>
      await page.title() === 'Now – klikitd');
    assert.equal(await icon(page), '/icon.svg');
    assert.equal(await page.locator('.need').count(), 0);
    assert.equal(await page.locator('nav .badge:visible').count(), 0);
    const [known] = (await server.ask('/api/v1/handlers')).handlers;
    assert.equal(known.paused_at, null);
    assert.equal(await page.locator('h1').count(), 1);
  }, { hash: '', before: async (server) => {
    await server.received(order(1));
    server.verb('pause', 'orders', '--why', 'closed');
  } });

const drawn = (page) => page.locator('.bars .of-received').getAttribute('d');

inspect('what comes is drawn, and a range of it is chosen',
  async (page, server) => {
    // Nothing has come: it is said how something does.
    await page.getByText('Waiting for deliveries').waitFor();
    await live(page);
    await server.received(order(1));
    const chart = page.getByRole('slider', { name: /Deliveries/ });
    await chart.waitFor();
    await page.getByText('1 received, 0 duplicate, 0 refused.').waitFor();
    await page.locator('.spark-card', { hasText: '1 done' }).waitFor();
    await page.getByText('1 event of 1 branch in 7 days.').waitFor();
    await page.getByText(/^1 open order, the oldest for/).waitFor();
    const one = await drawn(page);
    assert.notEqual(one, '');
    await server.received(order(2, { status: 2 }));
    await page.getByText('2 received, 0 duplicate, 0 refused.').waitFor();
    assert.notEqual(await drawn(page), one);

    // By keys: the newest bar, and the one before it.
    await chart.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Shift+ArrowLeft');
    await page.getByText(/^\d\d:\d\d to \d\d:\d\d: 2 received/).waitFor();
    assert.match(await chart.getAttribute('aria-valuetext'), /2 received/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/events\?from=\d{13}&to=\d{13}$/);
    const range = new URLSearchParams(page.url().split('?')[1]);
    assert.ok(range.get('to') - range.get('from') >= 60000);

    // By the mouse.
    await page.goBack();
    await page.getByText('2 received, 0 duplicate, 0 refused.').waitFor();
    const box = await page.locator('.chart-box.intake').boundingBox();
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, y, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/#\/events\?from=\d{13}&to=\d{13}$/);
  }, { hash: '#/now' });

inspect('on a phone all of it fits, also when the server is gone',
  async (page, server) => {
    await page.getByRole('heading', { level: 1, name: /needs? you now/ })
      .waitFor();
    await page.locator('.bars').waitFor();
    await page.locator('.heat-labels li').first().waitFor();
    for (const range of ['30 d', '7 d', '24 h', '6 h']) {
      await page.getByRole('button', { name: range }).click();
      await page.locator('.segment[aria-pressed="true"]',
        { hasText: range }).waitFor();
      assert.deepEqual(await sticksOut(page), [], range);
    }
    const small = await page.locator('button:visible, nav a, a.button')
      .evaluateAll((all) => all.filter((n) =>
        n.getBoundingClientRect().height < 40).map((n) => n.textContent));
    assert.deepEqual(small, []);
    await server.stop('SIGKILL');
    await page.getByText(/^Not live/).waitFor();
    assert.deepEqual(await sticksOut(page), []);
    assert.equal(await page.locator('.bars').count(), 1); // what was drawn
  }, { hash: '#/now', viewport: PHONE, errors: [/ERR_CONNECTION_REFUSED/,
    /ERR_INCOMPLETE|ERR_EMPTY|ERR_CONNECTION_RESET/],
  config: '[handler pos-with-a-rather-long-name-for-a-phone]\n' +
    'type = forward\nurl = http://127.0.0.1:9/orders\n',
  prepare: (server) => server.expect(/retry in/, /in a row/),
  before: async (server) => {
    for (let i = 1; i <= 3; i++)
      await server.received(order(i));
    await eventually('its calls fail', async () =>
      (await server.ask('/api/v1/status')).needs.length > 0);
  } });
