// dialogs.test.js -- whatever is asked first: axe finds nothing in it in either
// theme, the focus stays in it and comes back, and Escape leaves it, undone.

import assert from 'node:assert/strict';
import { PHONE, live, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { axeBoth, settled, tooSmall, troubled } from './lib/look.js';

const TARGET = 40; // px

// Where each is, and what opens it: a button's name.
const DIALOGS = [
  ['#/now', 'Help and keys', 'Keys'],
  ['#/now', /^Replay the dead jobs of printer/, 'Replay all to printer?'],
  ['#/now', 'Acknowledge', 'Who has seen it?'],
  ['#/events/typical', /^Replay failed/, /^Replay for/],
  ['#/events/typical', 'Choose handlers to replay for', /^Replay for which/],
  ['#/events/typical', 'Replay for printer', 'Replay for printer?'],
  ['#/events/typical', 'Discard', /^Discard job/],
  ['#/handlers', 'Stop sending to pos', 'Stop sending to pos?'],
  ['#/handlers', 'Replay all dead jobs of printer', 'Replay all to printer?'],
  ['#/handlers', 'Discard all dead jobs of printer', 'Discard all of printer?'],
  ['#/orders/9100002', 'Send klikit: accept', 'Send klikit: accept?'],
  ['#/orders/9100002', 'Send klikit: reject', 'Send klikit: reject?'],
];

// What has the focus, in words; '' is the browser itself.
const focused = (page) => page.evaluate(() => {
  const node = document.activeElement;
  return node === document.body ? '' : node.closest('dialog') !== null ?
    'the dialog' : node.getAttribute('aria-label') ?? node.textContent;
});

// All that is wrong with the one that is open.
async function judge(page) {
  const found = await axeBoth(page, 'dialog');
  for (const [what, list] of [['small', await tooSmall(page, TARGET)],
    ['sticks out', await sticksOut(page)]])
    if (list.length > 0)
      found[what] = list;
  // As many steps as there are places, and round again.
  const places = await page.locator('dialog').locator('button, input, a')
    .count();
  for (let i = 0; i <= places; i++) {
    await page.keyboard.press('Tab');
    const where = await focused(page);
    if (!['', 'the dialog'].includes(where))
      found.focus = [...found.focus ?? [], where];
  }
  return found;
}

inspect('each dialog is without fault, keeps the focus, and gives it back',
  async (page, server) => {
    await page.setViewportSize(PHONE);
    await live(page);
    const acts = [];
    page.on('request', (request) => request.method() === 'POST' &&
      acts.push(request.url()));
    const found = {};
    for (const [route, opener, title] of DIALOGS) {
      if (!page.url().endsWith(route)) {
        await page.goto(`${server.admin}/${route}`);
        await settled(page);
        for (const dead of await page.locator('.dead-all:visible summary')
          .all())
          await dead.click();
      }
      const button = page.getByRole('button', { name: opener,
        exact: typeof opener === 'string' }).first();
      await button.focus();
      const name = await focused(page);
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: title });
      await dialog.waitFor();
      const wrong = await judge(page);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      if (await focused(page) !== name)
        wrong.back = [await focused(page)];
      if (Object.keys(wrong).length > 0)
        found[`${route} ${opener}`] = wrong;
    }
    assert.deepEqual(found, {});
    assert.deepEqual(acts, []);
  }, { ...troubled, hash: '#/now', colorScheme: 'light' });
