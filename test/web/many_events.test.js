// many_events.test.js -- 50,000 events are stored and others come in at 50 a
// second: what the page holds and what it asks for stays bounded.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { live } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { ROOT, eventually, order, payload } from './lib/klikitd.js';
import { settled } from './lib/look.js';

const STORED = 50000;
const EACH_MS = 20; // 50 a second
const COMING = 40;  // to each view
const ROWS_MAX = 120;      // with elements, of the list of events
const CARDS_MAX = 600;     // of the board: a page of orders
const ASKED_A_SECOND = 8;
const LISTENERS_MORE = 60; // after all views were seen again

async function fill(server) {
  await server.stop();
  const done = spawnSync('/usr/bin/python3', ['-c', 'import sys, time, fill\n' +
    'fill.events(sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read(), ' +
    'int(time.time() * 1000))', path.join(server.directory, 'klikitd.db'),
  String(STORED)], { input: payload('created-small.json'), env: { PATH:
    process.env.PATH, PYTHONDONTWRITEBYTECODE: '1',
  PYTHONPATH: path.join(ROOT, 'test', 'bench') } });
  assert.equal(done.status, 0, String(done.stderr));
  await server.start();
}

// Deliver, at that pace as far as the machine goes along with it.
async function deliver(server, from, n) {
  const posts = [];
  for (let i = 0; i < n; i++) {
    posts.push(server.received(order(3000000000 + from + i)));
    await new Promise((resolve) => setTimeout(resolve, EACH_MS));
  }
  await Promise.all(posts);
}

// What the engine counts, of what is not garbage.
async function counted(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

const VIEWS = ['#/events', '#/now', '#/orders', '#/handlers', '#/rejections'];

async function see(page, server, view) {
  await page.goto(`${server.admin}/${view}`);
  await settled(page);
}

inspect('50,000 events and 50 a second: the page stays bounded',
  async (page, server) => {
    await live(page);
    // Through the list: what is in sight has elements, nothing else has.
    const scroller = page.locator('.scroller');
    const count = page.locator('.toolbar .count');
    await page.locator('.row').first().waitFor();
    for (const rows of [600, 1200]) {
      await eventually(`${rows} are loaded`, async () => {
        await scroller.evaluate((node) => {
          node.scrollTop = node.scrollHeight;
        });
        return Number((await count.textContent()).replace(/\D/g, '')) >= rows;
      });
      assert.ok(await page.locator('.row').count() < ROWS_MAX);
    }
    await scroller.evaluate((node) => {
      node.scrollTop = 0;
    });
    for (const view of VIEWS)
      await see(page, server, view);
    const before = await counted(page);
    let come = 0;
    for (const view of VIEWS) {
      await see(page, server, view);
      const asked = [];
      const note = (request) => asked.push(new URL(request.url()).pathname);
      page.on('request', note);
      const begin = Date.now();
      await deliver(server, come, COMING);
      come += COMING;
      page.off('request', note);
      const seconds = (Date.now() - begin) / 1000;
      assert.ok(asked.length <= ASKED_A_SECOND * (seconds + 1),
        `${view}: ${asked.length} in ${seconds} s: ${[...new Set(asked)]}`);
      assert.ok(await page.locator('.row').count() < ROWS_MAX, view);
      assert.ok(await page.locator('.order').count() < CARDS_MAX, view);
    }
    // All of it has come to be seen.
    await see(page, server, '#/events');
    await page.locator('.row', { hasText: String(3000000000 + come - 1) })
      .waitFor();
    await see(page, server, VIEWS.at(-1)); // as it was before
    const after = await counted(page);
    assert.ok(after.JSEventListeners <= before.JSEventListeners +
      LISTENERS_MORE, `${before.JSEventListeners} listeners became ${
      after.JSEventListeners}`);
  }, { before: fill });
