// handlers.test.js -- what is dead for a handler, why, and what is done to all
// of it; and what was refused, grouped by what was found.

import assert from 'node:assert/strict';
import { inspect } from './lib/inspect.js';
import { eventually, order, sign } from './lib/klikitd.js';

const CONFIG = '[handler pos]\ntype = exec\nevents = *\ncommand = ./pos.sh\n' +
  'branches = 2041\n';
const dead = (server, n) => eventually(`${n} jobs are dead`, async () =>
  (await server.ask('/api/v1/jobs?state=dead')).jobs.length === n);
const options = { config: CONFIG, hash: '#/handlers', prepare: (server) => {
  server.file('pos.sh', 'cat >/dev/null\n[ -e good ] || { echo no paper; ' +
    'exit 1; }\n');
  server.expect(/pos|job \d+/);
}, before: async (server) => {
  for (const id of [1, 2, 3])
    await server.received(order(id), { id: `e${id}` });
  await dead(server, 3);
} };
options.config = options.config.replace('./pos.sh', '/bin/sh pos.sh');

inspect('all dead jobs of a handler are replayed, after it was said which',
  async (page, server) => {
    const pos = page.getByRole('region', { name: 'pos' });
    await pos.getByText('exec', { exact: true }).waitFor();
    await pos.getByText(/branches 2041/).waitFor();
    await pos.getByText('3 dead jobs').click();
    await pos.locator('.dead-job', { hasText: 'no paper' }).nth(2).waitFor();
    server.file('good', '');
    await pos.getByRole('button', { name: 'Replay all' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/3 dead jobs: the oldest died at .*, the newest at/)
      .waitFor();
    await dialog.getByLabel('With a new idempotency key').check();
    const asked = page.waitForRequest('**/api/v1/jobs/replay');
    await dialog.getByRole('button', { name: 'Replay 3' }).click();
    assert.equal((await asked).postDataJSON().new_key, true);
    await page.getByText('3 jobs replayed.').waitFor();
    await dead(server, 0);
  }, options);

inspect('all dead jobs of a handler are discarded, with one reason',
  async (page, server) => {
    const pos = page.getByRole('region', { name: 'pos' });
    await pos.getByText('3 dead jobs').click();
    await pos.getByRole('button', { name: 'Discard all' }).click();
    await page.getByLabel('Reason').fill('the shop was closed');
    await page.getByRole('button', { name: 'Discard 3' }).click();
    await page.getByText('3 jobs discarded.').waitFor();
    await dead(server, 0);
    const { jobs } = await server.ask('/api/v1/jobs?handler=pos');
    assert.match(jobs[0].outcome, /the shop was closed/);
  }, options);

inspect('why it failed is known after a restart as well', async (page) => {
  await page.getByText(/Its newest job that has failed, \d+: .*no paper/)
    .waitFor();
}, { ...options, before: async (server) => {
  await options.before(server);
  await server.stop();
  await server.start();
} });

inspect('refused deliveries are grouped by what was found',
  async (page) => {
    const group = page.locator('.group', { hasText: '3 deliveries' });
    await group.getByText(/last seen .*, first/).waitFor();
    await page.locator('.group', { hasText: '1 delivery' }).waitFor();
    await group.click();
    await page.getByText('3 rejections').waitFor();
    assert.equal(await page.locator('.rejection').count(), 3);
    assert.match(page.url(), /code=/);
    await page.getByRole('link', { name: 'Show all' }).click();
    await page.getByText('4 rejections').waitFor();
  }, { hash: '#/rejections', prepare: (server) => server.expect(/refused/),
    before: async (server) => {
      for (const id of [1, 2, 3])
        await server.post(order(id), { signature: sign(order(id), 'other') });
      await server.post(Buffer.from('{'), { id: 'no-json' });
      await eventually('they are kept', async () =>
        (await server.ask('/api/v1/rejections')).rejections.length === 4);
    } });

inspect('a handler says how its attempts went, in an hour and a day',
  async (page, server) => {
    const pos = page.getByRole('region', { name: 'pos' });
    const rates = pos.locator('.rates dd');
    await pos.getByText('0 % of 3 attempts succeeded').first().waitFor();
    assert.equal(await rates.count(), 2);
    server.file('good', '');
    await server.received(order(4), { id: 'e4' });
    await pos.getByText(/^25 % of 4 attempts succeeded; calls took .* ms/)
      .nth(1).waitFor();
  }, options);
