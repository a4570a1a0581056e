// alarms.test.js -- an alarm that rang, until somebody has acknowledged it.

import assert from 'node:assert/strict';
import { PHONE, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { eventually, order } from './lib/klikitd.js';

// A pos that nobody answers for, and a bell that rings after a second.
const CONFIG = ['[handler pos]', 'type = exec', 'events = *',
  'command = /bin/false', 'deadline = 1s', 'on_deadline = bell',
  '[handler bell]', 'type = exec', 'events =', 'command = /bin/true', '']
  .join('\n');

const rung = async (server, n = 1) => {
  server.expect(/pos: dead/, /alarm: bell rings/, /handler pos/);
  await server.received(order(7));
  await eventually('the alarm has rung', async () =>
    (await server.ask('/api/v1/alarms')).alarms.filter((a) =>
      a.state === 'rang').length === n);
};

inspect('an alarm is red in every view until somebody has seen it',
  async (page, server) => {
    const banner = page.getByRole('region', { name: /alarms that rang/ });
    for (const view of ['orders', 'handlers', 'events']) {
      await page.evaluate((v) => { location.hash = `#/${v}`; }, view);
      await banner.getByText('pos has not done order 7 in time').waitFor();
      assert.match(await page.title(), /^\(!\) /);
    }
    assert.deepEqual(await sticksOut(page), []);
    // In the list, in its detail and its timeline; what needs a person leads
    // to it.
    await page.locator('.row.rang .state.rang', { hasText: 'alarm rang' })
      .waitFor();
    await page.evaluate(() => { location.hash = '#/now'; });
    await page.getByRole('link', { name: /^Show 1 alarm has rung/ }).click();
    await page.locator('.alarm.open').getByRole('link', { name: 'Event' })
      .click();
    await page.locator('.detail .state.rang').first().waitFor();
    await page.locator('.step.rang.failed').waitFor();
    assert.deepEqual(await sticksOut(page), []);
    await page.evaluate(() => { location.hash = '#/orders/7'; });
    await page.locator('.step.rang.failed').waitFor();
    await banner.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByLabel('Your name').fill('Rina');
    await page.keyboard.press('Enter');
    await banner.waitFor({ state: 'hidden' });
    assert.doesNotMatch(await page.title(), /^\(!\) /);
    const { alarms } = await server.ask('/api/v1/alarms?all=true');
    assert.equal(alarms[0].acknowledged_by, 'Rina');
    // The detail says it, and offers to repeat the pos' job, not the bell's.
    await page.evaluate((id) => { location.hash = `#/events/${id}`; },
      alarms[0].event_id);
    await page.locator('.step-what', { hasText: 'Alarm acknowledged' })
      .waitFor();
    assert.equal(await page.locator('.state.rang, .step.failed.rang').count(),
      0);
    await page.getByRole('button', { name: 'Replay failed (1)' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Replay for bell' })
      .count(), 0);
  }, { viewport: PHONE, config: CONFIG, hash: '#/orders',
  errors: [/status of 404/], before: (server) => rung(server) });

inspect('an alarm is acknowledged where it is shown', async (page, server) => {
  await page.getByRole('heading', { name: 'Alarms', exact: true }).waitFor();
  await page.evaluate(() => localStorage.setItem('klikitd-name', 'Rina'));
  await page.locator('.alarm.open').first().waitFor();
  await page.locator('#alarms').getByText('2 alarms have rung').waitFor();
  await page.getByRole('button', { name: 'Acknowledge: pos has not done ' +
    'order 7 in time' }).click();
  await page.locator('.alarm', { hasText: 'order 7' })
    .waitFor({ state: 'detached' });
  await page.locator('.alarm.open').getByRole('link', { name: 'Event' })
    .click();
  await page.locator('.job').getByRole('button', { name: 'Acknowledge' })
    .click();
  await page.locator('.state', { hasText: 'alarm acknowledged' }).waitFor();
  await page.evaluate(() => { location.hash = '#/alarms'; });
  await page.getByText('No alarm waits for anybody').waitFor();
  await page.getByLabel('acknowledged ones too').check();
  await page.locator('.alarm').nth(1).waitFor();
  assert.match(await page.locator('.alarm').first().textContent(),
    /Acknowledged by Rina/);
  assert.equal((await server.ask('/api/v1/alarms')).alarms.length, 0);
}, { config: CONFIG, hash: '#/alarms', before: async (server) => {
  await server.received(order(8));
  await rung(server, 2);
} });
