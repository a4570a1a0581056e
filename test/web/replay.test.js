// replay.test.js -- once more: for whom, and under which idempotency key.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after } from 'node:test';
import { PHONE, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { eventually, order } from './lib/klikitd.js';

const keys = []; // under which the ledger was called
const ledger = http.createServer((request, response) => {
  keys.push(request.headers['idempotency-key']);
  request.resume();
  request.on('end', () => response.end('{}'));
});
await new Promise((resolve) => ledger.listen(0, '127.0.0.1', resolve));
after(() => {
  ledger.close();
  ledger.closeAllConnections();
});

// Two that fail, one that does it, and a bell that is not needed.
const failing = (name) => `[handler ${name}]\ntype = exec\nevents = *\n` +
  'command = /bin/false\n';
const CONFIG = failing('pos') + failing('printer') +
  '[handler ledger]\ntype = forward\nevents = *\n' +
  `url = http://127.0.0.1:${ledger.address().port}/\n` +
  'deadline = 1h\non_deadline = bell\n' +
  '[handler bell]\ntype = exec\nevents =\ncommand = /bin/true\n';

const jobsOf = async (server) => (await server.ask('/api/v1/events/e1')).jobs;

inspect('a replay is for the handlers that are chosen, with a new key if asked',
  async (page, server) => {
    const dialog = page.getByRole('dialog');
    const boxes = dialog.locator('.choices label');
    await page.getByRole('button', { name: 'Replay failed (2)' }).click();
    assert.deepEqual(await boxes.allTextContents(), ['printer (dead)',
      'pos (dead)']);
    await dialog.getByText('swallows the replay').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    // Any that has ended can be chosen; an alarm is not among them.
    await page.getByRole('button', { name: /^Choose handlers/ }).click();
    assert.deepEqual((await boxes.allTextContents()).sort(), ['ledger (done)',
      'pos (dead)', 'printer (dead)']);
    for (const name of ['pos', 'printer'])
      await dialog.getByLabel(name).uncheck();
    await dialog.getByLabel('ledger').check();
    await dialog.getByLabel('With a new idempotency key').check();
    await page.setViewportSize(PHONE);
    assert.deepEqual(await sticksOut(page), []);
    await dialog.getByRole('button', { name: 'Replay' }).click();
    const again = await eventually('ledger has it twice', async () =>
      (await jobsOf(server)).filter((j) => j.handler === 'ledger' &&
        j.state === 'done').length === 2 && jobsOf(server));
    assert.equal(again.filter((j) => j.replay_of).length, 1);
    assert.equal(keys.length, 2);
    assert.match(keys[1], /:replay-\d+"?$/);
    assert.doesNotMatch(keys[0], /replay/);
    // Nothing chosen, nothing done.
    await page.getByRole('button', { name: 'Replay failed (2)' }).click();
    for (const name of ['pos', 'printer'])
      await dialog.getByLabel(name).uncheck();
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('No handler was chosen').waitFor();
    assert.equal((await jobsOf(server)).length, again.length);
  }, { config: CONFIG, hash: '#/events/e1',
    prepare: (server) => server.expect(/pos|printer/), before: async (server) => {
    await server.received(order(1), { id: 'e1' });
    await eventually('all have ended', async () => (await jobsOf(server))
      .every((j) => !['ready', 'running', 'waiting'].includes(j.state)));
  } });
