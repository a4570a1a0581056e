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

const rung = async (server) => {
  server.expect(/pos: dead/, /alarm: bell rings/, /handler pos/);
  await server.received(order(7));
  await eventually('the alarm has rung', async () =>
    (await server.ask('/api/v1/alarms')).alarms[0]?.state === 'rang');
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
    await page.getByRole('button', { name: 'Replay failed (1)' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Replay for bell' })
      .count(), 0);
  }, { viewport: PHONE, config: CONFIG, hash: '#/orders', before: rung });
