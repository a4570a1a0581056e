// timeline.test.js -- what became of an event: to scale, what comes next, and
// times in one zone or the other.

import assert from 'node:assert/strict';
import { inspect } from './lib/inspect.js';
import { sticksOut, PHONE } from './lib/browser.js';
import { CREATED, eventually, order, sign } from './lib/klikitd.js';

const SECOND = 'the-secret-of-another-endpoint';

// A far side that is not there: each attempt fails.
const CONFIG = '[handler pos]\ntype = forward\nevents = *\n' +
  'url = http://127.0.0.1:1/orders\nretry = 1h\n';
const prepare = (server) => server.expect(/pos|job \d+/);
const failed = (server) => eventually('the first attempt has failed',
  async () => (await server.ask('/api/v1/jobs?state=waiting')).jobs.length ===
    1);

inspect('an event shows its failed attempt, its wait and when it goes on',
  async (page, server) => {
    await page.locator('.span.failed').waitFor();
    await page.locator('.step.failed').waitFor();
    const picture = page.getByRole('img', { name: /To scale/ });
    assert.match(await picture.getAttribute('aria-label'),
      /pos: failed.*, waits for the next try/);
    // To scale: the wait is nearly all of it.
    const [lane, next] = await Promise.all(['.lane:nth-child(2) .lane-track',
      '.span.next'].map((s) => page.locator(s).boundingBox()));
    assert.ok(next.width > 0.9 * lane.width, `${next.width} ${lane.width}`);
    await page.locator('.next', { hasText: /pos is tried again at .* \(in \d+/ })
      .waitFor();
    await page.getByText('200 {"status":"received"}').waitFor();
    await server.ask('/api/v1/handlers/pos/pause', { method: 'POST',
      headers: { 'Content-Type': 'application/json' }, body: '{"why":"x"}' });
    await page.reload();
    await page.locator('.next', { hasText: 'nothing is sent to it now' })
      .waitFor();
    await page.setViewportSize(PHONE);
    assert.deepEqual(await sticksOut(page), []);
  }, { config: CONFIG, prepare, hash: '#/events/e1', before: async (server) => {
    await server.received(order(1), { id: 'e1' });
    await failed(server);
  } });

inspect('all times are in one zone, which is named, and in UTC when asked',
  async (page) => {
    const at = page.locator('.fact', { hasText: 'Received' }).locator('time')
      .first();
    const iso = await at.getAttribute('datetime');
    const utc = iso.slice(11, 23);
    const zone = page.locator('#zone');
    assert.equal(await zone.textContent(), 'GST');
    assert.ok(!(await at.textContent()).endsWith(utc));
    assert.match(await at.getAttribute('title'), /GST = /);
    await zone.click();
    assert.equal(await zone.textContent(), 'UTC');
    assert.ok((await at.textContent()).endsWith(utc));
    await page.reload();
    await at.waitFor();
    assert.ok((await at.textContent()).endsWith(utc)); // it is remembered
    // A time of the filter is of the same zone.
    const from = `${iso.slice(0, 19)}`;
    await page.evaluate((ms) => {
      location.hash = `#/events?from=${ms}`;
    }, Date.parse(`${from}Z`));
    await page.locator('.row').first().waitFor();
    assert.equal(await page.locator('[name=from]').inputValue(), from);
  }, { hash: '#/events/e1', timezoneId: 'Asia/Dubai',
    before: (server) => server.received(order(1), { id: 'e1' }) });

inspect('a command repeats the event at the endpoint that it came to',
  async (page, server) => {
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(text.includes(`'${server.url}/webhooks/second'`), text);
  }, { config: '[secret two]\nfile = two\n' +
      '[endpoint first]\npath = /webhooks/klikit\nsecrets = default\n' +
      '[endpoint second]\npath = /webhooks/second\nsecrets = two\n',
  prepare: (server) => server.file('two', SECOND),
  hash: '#/events/e1', before: async (server) => {
    const body = order(1);
    const { status } = await fetch(`${server.url}/webhooks/second`, {
      method: 'POST', body, headers: { 'x-klikit-event-id': 'e1',
        'x-klikit-event-type': CREATED,
        'x-klikit-signature': sign(body, SECOND) } });
    assert.equal(status, 200);
  } });
