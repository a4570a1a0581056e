// every_view.test.js -- each view, empty, with data and with the server gone:
// axe finds nothing in either theme, a phone needs no scrolling sideways,
// there is one heading, and what is to be hit is large enough.

import test from 'node:test';
import assert from 'node:assert/strict';
import { DESKTOP, PHONE, live, sticksOut } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { ROUTES, axeBoth, settled, tooSmall, troubled, viewsOfApp }
  from './lib/look.js';

const TARGET = 40; // px
const ALL = Object.values(ROUTES).flat();
// What looks otherwise while nothing has come.
const EMPTY = ['#/now', '#/events', '#/orders', '#/rejections'];
// What looks otherwise when the server is gone; the rest is like one of these.
const GONE = ['#/now', '#/events', '#/events/typical', '#/orders',
  '#/orders/9100002', '#/rejections', '#/rejections/1', '#/handlers', '#/alarms',
  '#/kitchen', '#/kitchen?branch=2041', '#/start'];

test('the list of views is that of the page', () => {
  assert.deepEqual(Object.keys(ROUTES).sort(), viewsOfApp().sort());
});

// What is wrong with what is shown.
async function judge(page) {
  return { ...await axeBoth(page), ...await measure(page) };
}

// The same, of sizes only.
async function measure(page) {
  const found = {};
  const note = (what, list) => list.length > 0 && (found[what] = list);
  note('h1', await page.locator('h1').count() === 1 ? [] :
    ['not one', ...await page.locator('h1').allTextContents()]);
  note('small', await tooSmall(page, TARGET));
  await page.setViewportSize(PHONE);
  note('sticks out', await sticksOut(page));
  note('small on a phone', await tooSmall(page, TARGET));
  await page.setViewportSize(DESKTOP);
  return found;
}

// Each of these, by judge() or by measure().
async function walk(page, server, routes, look = judge) {
  const found = {};
  for (const route of routes) {
    await page.goto(`${server.admin}/${route}`);
    await settled(page);
    const wrong = await look(page);
    if (Object.keys(wrong).length > 0)
      found[route] = wrong;
  }
  assert.deepEqual(found, {});
}

inspect('every view, empty, in trouble, and when the server is gone',
  async (page, server) => {
    await live(page);
    await walk(page, server, EMPTY);
    await troubled.before(server);
    await walk(page, server, ALL);
    await server.stop('SIGKILL');
    await page.getByText(/^Not live/).waitFor();
    await walk(page, server, GONE);
    await walk(page, server, ALL.filter((r) => !GONE.includes(r)), measure);
    // And where a token is asked for.
    await server.start();
    await page.route('**/api/v1/status', (route) => route.fulfill({
      status: 401, contentType: 'application/json',
      body: '{"error":"a token is needed"}' }));
    await page.reload();
    await page.getByLabel('Token').waitFor();
    assert.deepEqual(await judge(page), {}, 'token');
  }, { ...troubled, before: undefined, colorScheme: 'light',
    errors: [/ERR_(?:CONNECTION|INCOMPLETE|EMPTY|FAILED)/,
      /status of (?:404|401)/] });
