// hostile.test.js -- texts that would run if they were ever taken for markup,
// in every place that an outsider can write to.

import assert from 'node:assert/strict';
import { eventually, order } from './lib/klikitd.js';
import { inspect } from './lib/inspect.js';
import { live } from './lib/browser.js';

const IMAGE = '<img src=x onerror=window.pwned=1>';
const SCRIPT = '<script>window.pwned=1</script>';
const LINK = 'javascript:window.pwned=1';
const BODY = Buffer.from(JSON.stringify({
  brand_id: IMAGE, branch_id: SCRIPT,
  orders: [{ id: SCRIPT, external_id: IMAGE, status: `"'>${SCRIPT}`,
    updated_at: '2026-06-25T09:14:11Z', [IMAGE]: SCRIPT,
    cart: [{ title: `</pre>${SCRIPT}`, image: LINK, href: LINK }],
    customer: { name: IMAGE } }],
}));
const ID = `${IMAGE}"'\`--></title>${SCRIPT}`;
const CONFIG = '[handler orders]\ntype = orders\n' +
  '[handler pos]\ntype = exec\ncommand = /bin/sh hostile.sh\n';

async function harmless(page) {
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  // Nothing of the page's own is made of these elements.
  assert.equal(await page.locator('img, iframe, object, embed, form, ' +
    'body script').count(), 0);
}

inspect('a body, an id, a header full of markup runs nothing anywhere',
  async (page, server) => {
    await live(page);
    await server.received(BODY, { id: 'type', type: `x${IMAGE}` });
    await page.locator('.row', { hasText: IMAGE }).waitFor();
    await server.received(BODY, { id: ID });
    await page.locator('.row').nth(1).waitFor();
    const row = page.locator('.row').first();
    assert.ok((await row.textContent()).includes(SCRIPT));
    await harmless(page);

    await row.getByRole('link').click();
    await page.locator('.json', { hasText: SCRIPT }).waitFor();
    await page.getByRole('button', { name: 'Show customer data' }).click();
    await page.locator('.job.dead', { hasText: 'pos' }).waitFor();
    await page.getByText('1 attempt').click();
    await page.locator('summary', { hasText: 'Answer' }).click();
    await harmless(page);
    for (const form of ['Raw', 'Hex', 'Pretty']) {
      await page.getByRole('button', { name: form }).click();
      await harmless(page);
    }
    assert.ok((await page.locator('.json').textContent()).includes(LINK));
    await page.locator('.job.dead').getByRole('button', { name: 'Replay' })
      .click();
    await harmless(page);
    await page.getByRole('button', { name: 'Cancel' }).click();

    await page.locator('.orders-of a').click();
    await page.getByRole('heading', { name: `Order ${SCRIPT}` }).waitFor();
    await page.locator('.json').waitFor();
    await harmless(page);
    await page.goto(`${server.admin}/#/orders`);
    await page.locator('.column', { hasText: SCRIPT }).waitFor();
    await harmless(page);

    await page.goto(`${server.admin}/#/rejections`);
    await page.locator('.rejection').first().click();
    await page.locator('.body-box').getByText(/no JSON/).waitFor();
    await page.getByRole('button', { name: 'Show customer data' }).click();
    await page.getByRole('button', { name: 'Raw' }).click();
    await page.locator('.body-box .raw', { hasText: SCRIPT }).waitFor();
    await page.locator('.part', { hasText: IMAGE }).first().waitFor();
    await harmless(page);

    await page.goto(`${server.admin}/#/handlers`);
    await page.getByRole('button', { name: 'Stop sending to pos' }).click();
    await page.getByLabel('Reason').fill(IMAGE);
    await page.keyboard.press('Enter');
    await page.getByText(IMAGE).waitFor();
    await harmless(page);
  }, { config: CONFIG, prepare: (server) => {
    server.file('hostile.sh', `cat >/dev/null\necho '${IMAGE}${SCRIPT}'\n` +
      'exit 1\n');
    server.expect(/handler pos|pos:|job \d+/, /type/, /refused/);
  }, before: async (server) => {
    const { status } = await server.post(Buffer.from(`${SCRIPT}${IMAGE}`),
      { id: IMAGE, signature: 'nonsense' });
    assert.equal(status, 401);
    await eventually('the rejection is kept', async () =>
      (await server.ask('/api/v1/rejections')).rejections.length === 1);
  } });

inspect('an address full of markup runs nothing', async (page, server) => {
  for (const hash of [`#/events/${encodeURIComponent(ID)}`,
    `#/events?q=${encodeURIComponent(IMAGE)}&type=${
      encodeURIComponent(SCRIPT)}&brand=${encodeURIComponent(IMAGE)}`,
    `#/orders/${encodeURIComponent(IMAGE)}`,
    `#/rejections/${encodeURIComponent(SCRIPT)}`, `#/${SCRIPT}`,
    `#/${LINK}`]) {
    await page.goto(`${server.admin}/${hash}`);
    await page.reload();
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await harmless(page);
  }
}, { errors: [/status of 404/], before: (server) =>
  server.received(order(1)) });

// The second wall: even a way in would lead nowhere.
inspect('the policy stops what the page itself would be talked into',
  async (page) => {
    const came = await page.evaluate(() => new Promise((resolve) => {
      const attempts = {
        markup: () => {
          document.body.innerHTML = '<b>x</b>';
        },
        script: () => {
          document.body.append(Object.assign(document.createElement('script'),
            { textContent: 'window.pwned = 1' }));
        },
        text: () => (0, eval)('window.pwned = 1'),
      };
      // From the page's own turn: a debugger's is exempt.
      setTimeout(() => resolve(Object.entries(attempts).map(([what, run]) => {
        try {
          run();
          return `${what} ran`;
        } catch {
          return `${what} refused`;
        }
      })));
    }));
    assert.deepEqual(came, ['markup refused', 'script refused',
      'text refused']);
    await harmless(page);
  }, { errors: [/Trusted|eval|policy/i], violations: 3 });
