// first_look.test.js -- somebody who knows nothing but the page's address: what
// is wrong, which orders are late, why was this refused, send it again.

import assert from 'node:assert/strict';
import { live } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { eventually } from './lib/klikitd.js';
import { troubled } from './lib/look.js';

inspect('each question is answered within a click or two of the first view',
  async (page, server) => {
    await live(page);
    // What is wrong right now?
    await page.getByRole('heading', { level: 1, name: /things need you now/ })
      .waitFor();
    await page.locator('.need', { hasText: 'pos fails: connection refused' })
      .waitFor();
    await page.locator('.need', { hasText: 'warehouse is paused: stock-taking' })
      .waitFor();

    // And of which handler? It is brought in sight.
    await page.getByRole('link', { name: /^Show warehouse is paused/ }).click();
    const card = page.getByRole('region', { name: 'warehouse', exact: true });
    await card.getByRole('button', { name: 'Resume' }).waitFor();
    await eventually('it has the focus', () => card.evaluate((node) =>
      node === document.activeElement));
    const { top, height } = await card.evaluate((node) => ({
      top: node.getBoundingClientRect().top, height: innerHeight }));
    assert.ok(top < height, `at ${top} of ${height}`);

    // Where is the order of that external id?
    await page.getByRole('button', { name: 'Find an event or an order' })
      .click();
    await page.keyboard.type('GF-9100005');
    await page.getByText('1 event', { exact: true }).waitFor();
    await page.locator('.row', { hasText: '9100005' }).waitFor();
    await page.getByText('received since the start').waitFor();

    // Which orders are late?
    await page.locator('nav').getByRole('link', { name: /^Now/ }).click();
    await page.locator('.need', { hasText: 'not done by the deadline' })
      .getByRole('link', { name: /^Show/ }).waitFor();
    await page.locator('nav').getByRole('link', { name: /^Orders/ }).click();
    await page.getByText('13 orders, 13 late').waitFor();
    const late = page.locator('.order.red', { hasText: '9100001' }).first();
    await late.getByText('The alarm rang').waitFor();
    await late.getByText(/given up: printer; not yet: pos/).waitFor();

    // Why was this refused?
    await page.locator('nav').getByRole('link', { name: /^Now/ }).click();
    await page.getByRole('link', { name: '2 deliveries' }).click();
    await page.getByRole('link', { name: /Wrong signature/ }).last().click();
    await page.getByText(/^Diagnosis/).first().waitFor();
    await page.getByText('klikit has to send it again').waitFor();

    // Send it again.
    await page.locator('nav').getByRole('link', { name: /^Now/ }).click();
    await page.getByRole('button', { name: 'Replay the dead jobs of printer' })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' })
      .click();
    await page.getByText('15 jobs replayed.').waitFor();
    const { jobs } = await eventually('it was tried again', async () => {
      const page = await server.ask('/api/v1/jobs?handler=printer&limit=100');
      return page.jobs.filter((j) => j.replay_of !== undefined &&
        j.replay_of !== null && j.attempts > 0).length === 15 && page;
    });
    assert.equal(jobs.length, 30);
  }, { ...troubled, hash: '' });
