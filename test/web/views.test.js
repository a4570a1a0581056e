// views.test.js -- orders, rejections, handlers, and every view on a phone.

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { PHONE, live, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { SECRET, STATUS, eventually, order, payload, sign }
  from './lib/klikitd.js';

const isDone = async (server) =>
  (await server.ask('/api/v1/jobs?state=done')).jobs;

inspect('orders stand in the column of their status and move by themselves',
  async (page, server) => {
    await page.locator('.column').nth(1).waitFor();
    const columns = async () => Object.fromEntries(await page.locator(
      '.column').evaluateAll((all) => all.map((column) => [
      column.querySelector('h2 .code').textContent,
      [...column.querySelectorAll('.order-id')].map((n) => n.textContent)])));
    assert.deepEqual(await columns(), { 1: ['1', '2'], 10: ['3'] });
    await live(page);
    await server.received(order(1, { status: 2,
      updated_at: '2026-06-25T10:00:00Z' }), { type: STATUS });
    await page.locator('.column', { hasText: 'status 2' }).waitFor();
    assert.deepEqual(await columns(), { 1: ['2'], 2: ['1'], 10: ['3'] });
    // Its age is told, and goes on.
    const age = page.locator('.order-age time').first();
    const before = await age.textContent();
    assert.match(before, /^\d+ (s|min)/);
    await page.waitForFunction((text) => document.querySelector(
      '.order-age time').textContent !== text, before);
    await page.locator('.order a', { hasText: 'GF-1' }).click();
    await page.locator('.step', { hasText: 'Received' }).nth(1).waitFor();
    assert.equal(await page.locator('.step.received').count(), 2);
    await page.keyboard.press('Escape');
    await page.locator('.column').first().waitFor();
  }, { hash: '#/orders', before: async (server) => {
    await server.received(order(1));
    await server.received(order(2));
    await server.received(order(3, { status: 10 }));
    await eventually('all are done', async () =>
      (await isDone(server)).length === 3);
  } });

inspect('a refused delivery shows up with its cause in plain words',
  async (page, server) => {
    await page.getByText('Nothing was refused').waitFor();
    await live(page);
    await server.post(order(1), { signature: '0'.repeat(64) });
    const row = page.locator('.rejection', { hasText: 'Wrong signature' });
    await row.waitFor();
    await server.post(Buffer.from('{"a":'), { id: 'x' });
    await page.locator('.rejection', { hasText: 'Not a JSON document' })
      .waitFor();
    await page.getByLabel('Cause').selectOption('signature');
    await page.getByText('1 rejection', { exact: true }).waitFor();
    await row.getByRole('link').click();
    await page.getByRole('heading', { name: 'Wrong signature' }).waitFor();
    await page.locator('.facts', { hasText: '127.0.0.1' }).waitFor();
    await page.locator('.json', { hasText: 'GF-1' }).waitFor();
  }, { hash: '#/rejections', prepare: (server) =>
    server.expect(/refused|invalid|signature/) });

// What is sent: [body, signature, headers], each broken in another way.
const BODY = order(7);
const spaced = Buffer.from(JSON.stringify(JSON.parse(BODY), null, 2));
const joined = (...parts) => Buffer.concat(parts.map((p) => Buffer.from(p)));
const BROKEN = {
  secret_wrong: [BODY, sign(BODY, 'not-ours')],
  secret_newline: [BODY, sign(BODY, `${SECRET}\n`)],
  secret_quoted: [BODY, sign(BODY, `"${SECRET}"`)],
  secret_blanks: [BODY, sign(BODY, `${SECRET} `)],
  secret_encoded: [BODY, sign(BODY, Buffer.from(SECRET).toString('hex'))],
  secret_empty: [BODY, sign(BODY, '')],
  body_reserialised: [BODY, sign(spaced)],
  body_newline: [joined(BODY, '\n'), sign(BODY)],
  body_bom: [joined('\ufeff', BODY), sign(BODY)],
  body_compressed: [gzipSync(BODY), sign(BODY)],
  body_truncated: [BODY.subarray(0, 60), sign(BODY)],
  signature_uppercase: [BODY, sign(BODY).toUpperCase()],
  signature_prefixed: [BODY, `sha256=${sign(BODY)}`],
  signature_old_scheme: [BODY, `t=1750000000,v1=${
    sign(joined('1750000000.', BODY))}`],
  headers_renamed: [BODY, null, { 'X_Klikit_Signature': sign(BODY) }],
  headers_missing: [BODY, null],
};

inspect('every kind of broken delivery is explained on the page',
  async (page, server) => {
    for (const [code, [body, signature, headers]] of Object.entries(BROKEN))
      await server.post(body, { id: code, signature, headers });
    const rejections = await eventually('all are looked into', async () => {
      const all = (await server.ask('/api/v1/rejections')).rejections;
      return all.length === Object.keys(BROKEN).length &&
        all.every((r) => r.diagnosis !== null) && all;
    });
    assert.deepEqual(rejections.map((r) => r.diagnosis_code).sort(),
      Object.keys(BROKEN).sort());
    await page.reload();
    await page.locator('.rejection').nth(rejections.length - 1).waitFor();
    const shown = await page.locator('.rejection-why').allTextContents();
    for (const [i, { diagnosis }] of rejections.entries())
      assert.equal(shown[i].slice(1), `${diagnosis.slice(1)}.`);
    assert.ok(!(await page.content()).includes(SECRET));
    await page.locator('.rejection a').first().click();
    await page.locator('.diagnosis').waitFor();
  }, { hash: '#/rejections', prepare: (server) =>
    server.expect(/refused/) });

inspect('a handler is paused with a reason, and goes on',
  async (page, server) => {
    const handler = page.getByRole('region', { name: 'orders' });
    await handler.getByText('active').waitFor();
    await live(page);
    await page.getByRole('button', { name: 'Stop sending to orders' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop sending' })
      .click();
    await page.getByText('This is needed.').waitFor();
    await page.getByLabel('Reason').fill('new printer');
    await page.keyboard.press('Enter');
    await handler.getByText('paused').waitFor();
    await handler.getByText('by operator: new printer').waitFor();
    const [known] = (await server.ask('/api/v1/handlers')).handlers;
    assert.equal(known.paused_why, 'new printer');

    await server.received(order(1));
    await handler.locator('.figure', { hasText: 'pending' }).getByText('1')
      .waitFor();
    await handler.locator('.figure time').waitFor(); // the oldest one's age
    assert.equal((await isDone(server)).length, 0);

    await page.getByRole('button', { name: 'Resume orders' }).click();
    await handler.getByText('active').waitFor();
    await handler.locator('.figure', { hasText: 'pending' }).getByText('0')
      .waitFor();
    assert.equal((await isDone(server)).length, 1);
    assert.equal((await server.ask('/api/v1/handlers')).handlers[0]
      .paused_at, null);
  }, { hash: '#/handlers' });

inspect('a handler shows where its jobs go, and why the last one failed',
  async (page, server) => {
    const pos = page.getByRole('region', { name: 'pos' });
    await pos.getByText('To http://127.0.0.1:9/orders').waitFor();
    assert.equal(await pos.locator('.last-error').count(), 0);
    await live(page);
    await server.received(order(1));
    await pos.getByText(/Its last attempt failed at .*: connection refused/)
      .waitFor();
    const [known] = (await server.ask('/api/v1/handlers')).handlers;
    assert.match(known.last_error, /^connection refused/);
    assert.ok(!(await page.content()).includes('hush'));
  }, { hash: '#/handlers', config: '[handler pos]\ntype = forward\n' +
    'url = http://127.0.0.1:9/orders?token=hush\n',
  prepare: (server) => server.expect(/retry in/, /in a row/) });

inspect('paused elsewhere, it is seen here', async (page, server) => {
  const handler = page.getByRole('region', { name: 'orders' });
  await handler.getByText('active').waitFor();
  await live(page);
  server.verb('pause', 'orders', '--why', 'closed');
  await handler.getByText('by operator: closed').waitFor();
}, { hash: '#/handlers' });

inspect('on a phone no view is wider than the screen',
  async (page, server) => {
    const [rejection] = (await server.ask('/api/v1/rejections')).rejections;
    const views = ['#/events', '#/events/typical', '#/events?text=nothing',
      '#/orders', '#/orders/9100002', '#/rejections',
      `#/rejections/${rejection.id}`, '#/handlers', '#/start', '#/events/no'];
    for (const view of views) {
      await page.goto(`${server.admin}/${view}`);
      await page.reload();
      await live(page);
      await page.locator('.loading').first().waitFor({ state: 'detached' });
      assert.deepEqual(await sticksOut(page), [], view);
      for (const form of view === '#/events/typical' ? ['Raw', 'Hex',
        'Pretty'] : []) {
        await page.getByRole('button', { name: form }).click();
        await page.getByRole('button', { name: / customer data/ }).click();
        assert.deepEqual(await sticksOut(page), [], `${view} ${form}`);
      }
    }
    // What is to be touched is as large as a finger.
    await page.goto(`${server.admin}/#/handlers`);
    await page.locator('.handler button').first().waitFor();
    const small = await page.locator('button:visible, nav a').evaluateAll(
      (all) => all.filter((n) => n.getBoundingClientRect().height < 44)
        .map((n) => n.textContent));
    assert.deepEqual(small, []);
    await page.getByRole('button', { name: 'Stop sending to orders' }).click();
    assert.deepEqual(await sticksOut(page), [], 'dialog');
  }, { viewport: PHONE, errors: [/status of 404/], prepare: (server) =>
    server.expect(/refused|signature/),
  before: async (server) => {
    const long = `${'long-id-'.repeat(20)}end`;
    await server.received(payload('created-typical.json'), { id: 'typical' });
    await server.received(payload('created-batch-5.json'), { id: long });
    await server.received(order(12345678901234567890n.toString().repeat(4)));
    await server.post(payload('created-typical.json'), { id: long,
      signature: 'x'.repeat(64) });
    await eventually('the rejection is kept', async () =>
      (await server.ask('/api/v1/rejections')).rejections.length === 1);
  } });

inspect('dark or light is the system’s, or as one chooses',
  async (page) => {
    const background = () => page.evaluate(() =>
      getComputedStyle(document.body).backgroundColor);
    const look = page.locator('#look');
    const dark = await background();
    await look.click(); // light
    const light = await background();
    assert.notEqual(light, dark);
    await page.reload();
    await look.waitFor();
    assert.equal(await background(), light);
    await look.click(); // dark
    assert.equal(await background(), dark);
    await look.click(); // the system's
    await page.emulateMedia({ colorScheme: 'light' });
    assert.equal(await background(), light);
  }, { colorScheme: 'dark' });
