// detail.test.js -- one event: its body in every form, what became of it, and
// what can be done about it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { live } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { BINARY, CREATED, eventually, order, payload, SECRET, sign }
  from './lib/klikitd.js';

const TYPICAL = payload('created-typical.json');
const TRAPS = payload('roundtrip-traps.json');
const at = (id) => `#/events/${encodeURIComponent(id)}`;

// A handler that does as the file "answer" of the server's directory says:
// there is a file "good" or there is not.
const PICKY = '[handler orders]\ntype = orders\n' +
  '[handler pos]\ntype = exec\nonce_per_order = no\n' +
  'command = /bin/sh picky.sh\nretry = 1h\n';

function picky(code) {
  return (server) => {
    server.file('picky.sh', 'cat >/dev/null\ntest -e good && exit 0\n' +
      `echo "cannot print"\nexit ${code}\n`);
    server.expect(/handler pos/, /job \d+/, /pos:/);
  };
}

const jobsOf = async (server, id) =>
  (await server.ask(`/api/v1/events/${id}`)).jobs;

inspect('a body is shown as it came: pretty, raw and hex',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('traps')}`);
    const json = page.locator('.json');
    await json.getByText('9007199254740993').first().waitFor();
    await json.getByText('1.20e1').waitFor(); // not 12
    await page.getByRole('button', { name: 'Show customer data' }).click();
    await page.getByRole('button', { name: 'Raw' }).click();
    assert.equal(await page.locator('.body-box .raw').evaluate((n) =>
      n.textContent), TRAPS.toString());
    await page.getByRole('button', { name: 'Hex' }).click();
    const hex = (await page.locator('.hex pre').allTextContents()).join('\n')
      .split('\n').map((line) => line.slice(8, -17))
      .join('').replaceAll(' ', '');
    assert.ok(hex.startsWith(TRAPS.subarray(0, 64).toString('hex')
      .slice(0, 32)));
    const [download] = await Promise.all([page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click()]);
    assert.equal(download.suggestedFilename(), 'klikit-traps.json');
    assert.deepEqual(fs.readFileSync(await download.path()), TRAPS);
  }, { before: (server) => server.received(TRAPS, { id: 'traps' }) });

inspect('customers’ data is hidden until it is asked for, in every form',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('typical')}`);
    const secrets = ['Rina', 'rina@example.com', '+620000000001',
      'Jl. Contoh No. 12', 'pos satpam'];
    const text = () => page.locator('.detail').textContent();
    const hidden = async () => {
      const shown = await text();
      for (const secret of secrets)
        assert.ok(!shown.includes(secret), secret);
    };
    await page.locator('.j-hidden').first().waitFor();
    await page.getByText('"Warung Senja"').first().waitFor();
    await hidden();
    await page.getByRole('button', { name: 'Raw' }).click();
    await hidden();
    await page.getByRole('button', { name: 'Hex' }).click();
    await hidden();
    const phone = Buffer.from('+62').toString('hex').match(/../g).join(' ');
    assert.ok(!(await text()).includes(phone));
    await page.getByRole('button', { name: 'Raw' }).click();
    await page.getByRole('button', { name: 'Show customer data' }).click();
    for (const secret of secrets)
      assert.ok((await text()).includes(secret), secret);
    // The next event is hidden again.
    await page.goto(`${server.admin}/${at('other')}`);
    await page.locator('.detail-title', { hasText: 'other' }).waitFor();
    await page.locator('.raw .j-hidden').first().waitFor();
    await hidden();
  }, { before: async (server) => {
    await server.received(TYPICAL, { id: 'typical' });
    await server.received(TYPICAL, { id: 'other' });
  } });

inspect('what became of an event is told from its arrival to its end',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('e1')}`);
    const steps = page.locator('.step-what');
    await page.getByText('Done', { exact: true }).waitFor();
    assert.deepEqual(await steps.allTextContents(), ['Received',
      'Signature verified', 'Stored on disk', 'Acknowledged', 'Done']);
    await page.getByText('The signature is right').waitFor();
    await page.locator('.headers', { hasText: sign(order(7)) }).waitFor();
    await page.locator('.facts', { hasText: CREATED }).waitFor();
    await page.getByRole('link', { name: '7', exact: true }).click();
    await page.getByRole('heading', { name: 'Order 7' }).waitFor();
  }, { before: async (server) => {
    await server.received(order(7), { id: 'e1' });
    await eventually('it is done', async () =>
      (await jobsOf(server, 'e1')).every((j) => j.state === 'done'));
  } });

inspect('an event says with what headers it came, and what it was answered',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('e1')}`);
    await page.locator('.facts').getByText(/^ after [\d.]+ m?s$/).waitFor();
    await page.locator('.facts', { hasText: '200 {"status":"received"}' })
      .waitFor();
    const value = (name) => page.locator('.headers tr', { has:
      page.getByRole('rowheader', { name, exact: true }) }).locator('td')
      .textContent();
    assert.equal(await value('user-agent'), 'klikit/7');
    assert.equal(await value('cookie'), '(3 bytes)');
    assert.equal(await value('x-request-id'), 'r-1');
    // Nobody here has answered what came from a hub.
    await page.route('**/api/v1/events/e2', async (route) => {
      const event = await (await route.fetch()).json();
      await route.fulfill({ json: { ...event, origin: 'hub',
        peer: 'upstream hub', answer_status: null, answer_us: null } });
    });
    await page.goto(`${server.admin}/${at('e2')}`);
    await page.locator('.facts').getByText('none: it was taken from the hub')
      .waitFor();
    assert.equal(await value('x-request-id'), 'r-2');
  }, { before: async (server) => {
    const headers = (n) => ({ 'user-agent': 'klikit/7', cookie: 'a=b',
      'x-request-id': `r-${n}` });
    await server.received(order(7), { id: 'e1', headers: headers(1) });
    await server.received(order(8), { id: 'e2', headers: headers(2) });
    // The answer is noted when it has left, which may be a moment later.
    await eventually('the answer is known', async () =>
      (await server.ask('/api/v1/events/e1')).answer_status === 200);
  } });

inspect('a delivery copied as curl is that delivery, without a secret in it',
  async (page, server) => {
    await page.goto(`${server.admin}/${at("it's")}`);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByText('Copied.').waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(!text.includes(SECRET) && !text.includes(sign(TYPICAL)), text);
    const done = spawnSync('sh', ['-c', text], { cwd: server.directory,
      encoding: 'utf8', env: { ...process.env, KLIKIT_WEBHOOK_SECRET: SECRET,
        PATH: `${path.dirname(BINARY)}:${process.env.PATH}` } });
    assert.match(done.stdout, /duplicate-ignored/, done.stderr + text);
    assert.equal((await server.ask(`/api/v1/events/${
      encodeURIComponent("it's")}`)).duplicates, 1);
  }, { before: (server) => server.received(TYPICAL, { id: "it's" }) });

inspect('a replay is asked for, confirmed, done, and told',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('e1')}`);
    await live(page);
    const dead = page.locator('.job.dead', { hasText: 'pos' });
    await dead.getByText('1 attempt').click();
    await dead.getByText('Answer').click();
    await dead.locator('.raw', { hasText: 'cannot print' }).waitFor();
    await dead.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('dialog').getByText('Replay for pos?').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await jobsOf(server, 'e1')).length, 2);
    server.file('good', '');
    await dead.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' })
      .click();
    await page.getByText(/^Replayed as job \d+\.$/).waitFor();
    await page.locator('.job.done', { hasText: 'replay of' }).waitFor();
    await page.locator('.detail-head .state.done').waitFor();
    await page.locator('.row .state.done').waitFor();
    const jobs = await jobsOf(server, 'e1');
    assert.deepEqual(jobs.filter((j) => j.handler === 'pos')
      .map((j) => j.state).sort(), ['done', 'replayed']);
    // The one that was replayed cannot be replayed twice.
    const replayed = page.locator('.job.replayed', { hasText: 'pos' });
    await replayed.waitFor();
    assert.equal(await replayed.getByRole('button').count(), 0);
  }, { config: PICKY, prepare: picky(1), before: async (server) => {
    await server.received(order(7), { id: 'e1' });
    await eventually('it is dead', async () =>
      (await jobsOf(server, 'e1')).some((j) => j.state === 'dead'));
  } });

inspect('a waiting job is tried now, or discarded with a reason',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('e1')}`);
    await live(page);
    const job = page.locator('.job', { hasText: 'pos' });
    await job.getByText('1 attempt', { exact: true }).waitFor();
    await job.getByRole('button', { name: 'Try now' }).click();
    await job.getByText('2 attempts').waitFor();
    await job.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' })
      .click();
    await page.getByText('This is needed.').waitFor();
    await page.getByLabel('Reason').fill('the shop is closed');
    await page.keyboard.press('Enter');
    await page.locator('.job.discarded', { hasText: 'the shop is closed' })
      .waitFor();
    const [pos] = (await jobsOf(server, 'e1')).filter((j) =>
      j.handler === 'pos');
    assert.equal(pos.state, 'discarded');
    assert.notEqual(pos.discarded_at, null);
    assert.equal(server.verb('jobs', '--state', 'dead', '--json'), '');
  }, { config: PICKY, prepare: picky(75), before: async (server) => {
    await server.received(order(7), { id: 'e1' });
    await eventually('it waits', async () =>
      (await jobsOf(server, 'e1')).some((j) => j.state === 'waiting'));
  } });

inspect('a dead job is discarded, and the event is dead no more',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('e1')}`);
    await live(page);
    await page.locator('.detail-head .state.dead').waitFor();
    const job = page.locator('.job.dead', { hasText: 'pos' });
    await job.getByRole('button', { name: 'Discard' }).click();
    await page.getByLabel('Reason').fill('phoned to the kitchen');
    await page.keyboard.press('Enter');
    await page.locator('.job.discarded', { hasText: 'phoned' }).waitFor();
    await page.locator('.detail-head .state.done').waitFor();
    await page.locator('.row .state.done').waitFor();
    // It can be replayed still, and not be discarded twice.
    const discarded = page.locator('.job.discarded');
    await discarded.getByRole('button', { name: 'Replay' }).waitFor();
    assert.equal(await discarded.getByRole('button').count(), 1);
  }, { config: PICKY, prepare: picky(1), before: async (server) => {
    await server.received(order(7), { id: 'e1' });
    await eventually('it is dead', async () =>
      (await jobsOf(server, 'e1')).some((j) => j.state === 'dead'));
  } });

inspect('what does not exist, and what is no longer kept, is said plainly',
  async (page, server) => {
    await page.goto(`${server.admin}/${at('nothing')}`);
    await page.getByText('There is no such event').waitFor();
    await page.goto(`${server.admin}/#/orders/404`);
    await page.getByText('There is no such order').waitFor();
    await page.goto(`${server.admin}/#/rejections/404`);
    await page.getByText('There is no such rejection').waitFor();
    await page.goto(`${server.admin}/${at('e1')}`);
    await page.locator('.notice-title', { hasText:
      'The body is no longer kept' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Download' })
      .isDisabled(), true);
  }, { errors: [/status of 404/], before: async (server) => {
    await server.received(order(7), { id: 'e1' });
    await eventually('it is done', async () =>
      (await jobsOf(server, 'e1')).every((j) => j.state === 'done'));
    server.verb('purge', '--order', '7');
  } });
