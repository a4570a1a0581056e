// look.js -- every view by its address, servers that have something to show in
// each, and what may be wrong with a view to look at.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { WEB } from './modules.js';
import { STATUS, eventually, order, payload } from './klikitd.js';

// The views that app.js knows; each is walked by every_view.test.js and is in
// the pictures of ../pictures.js. A view that is missing here fails a test.
export const ROUTES = {
  now: ['#/now'],
  events: ['#/events', '#/events/typical', '#/events/none-of-this-id',
    '#/events?state=dead', '#/events?q=nothing'],
  orders: ['#/orders', '#/orders?all=true', '#/orders/9100002',
    '#/orders/none'],
  rejections: ['#/rejections', '#/rejections/1', '#/rejections/999'],
  handlers: ['#/handlers'],
  alarms: ['#/alarms', '#/alarms?all=true'],
  kitchen: ['#/kitchen', '#/kitchen?branch=2041', '#/kitchen?branch=*'],
  start: ['#/start'],
};

export function viewsOfApp() {
  const source = fs.readFileSync(path.join(WEB, 'app.js'), 'utf8');
  const [, table] = /const VIEWS = \{([^}]*)\}/.exec(source);
  return [...table.matchAll(/^\s*(\w+):/gm)].map(([, name]) => name);
}

// A kitchen in which something of every kind is wrong: a handler that fails,
// one that is paused, a dead job, an alarm that rang, late orders, refusals.
const TROUBLED = '[handler orders]\ntype = orders\n' +
  '[handler pos]\ntype = forward\nurl = http://127.0.0.1:9/orders\n' +
  'deadline = 1s\non_deadline = bell\n' +
  '[handler bell]\ntype = exec\nevents =\ncommand = true\n' +
  '[handler printer]\ntype = exec\ncommand = false\n' +
  '[handler warehouse]\ntype = forward\nurl = http://127.0.0.1:9/stock\n' +
  '[handler klikit]\ntype = klikit\nurl = http://127.0.0.1:9/v1/partner\n' +
  'credentials_file = klikit-api\n' +
  '[status]\nnames = 1 placed, 2 accepted\n';

const TROUBLES = [/retry in/, /in a row/, /refused/, /signature/,
  / dead/, /deadline/, /rang/, /gave up/];

const someOrder = (id, more = {}) => order(id, {
  created_at: new Date(Date.now() - 25 * 60000).toISOString(),
  cart: [{ item_id: 1, title: 'Nasi Goreng', price: 42000, quantity: 2 }],
  ...more });

async function happen(server) {
  server.verb('pause', 'warehouse', '--why', 'stock-taking');
  await server.received(payload('created-typical.json'), { id: 'typical' });
  await server.received(payload('created-batch-5.json'),
    { id: `${'long-id-'.repeat(20)}end` });
  for (let i = 1; i <= 12; i++)
    await server.received(someOrder(9100000 + i, { status: 1 + i % 3 }),
      i % 4 === 0 ? { type: STATUS } : {});
  await server.received(someOrder(`${'12345678901234567890'.repeat(4)}`));
  await server.post(payload('created-typical.json'),
    { signature: 'x'.repeat(64) });
  await server.post(Buffer.from('{"orders":['));
  await server.ask('/api/v1/orders/9100002/status', { method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"status":"accept","by":"Rina"}' });
  await eventually('all of it has happened', async () => {
    const { needs } = await server.ask('/api/v1/status');
    const kinds = new Set(needs.map(({ kind }) => kind));
    return ['alarm', 'handler_failing', 'handler_paused', 'job_dead']
      .every((kind) => kinds.has(kind)) &&
      (await server.ask('/api/v1/rejections')).rejections.length >= 2;
  });
}

// For inspect(): a server with all of that.
export const troubled = {
  config: TROUBLED,
  prepare: (server) => {
    server.file('klikit-api', 'key:secret');
    server.expect(...TROUBLES);
  },
  before: happen,
};

// Nothing of it loads any more.
export const settled = (page) => page.waitForFunction(() =>
  document.querySelector('#view > *') !== null &&
  document.querySelector('[aria-busy=true], .loading') === null);

// -- What may be wrong --

const AXE = fs.readFileSync(createRequire(import.meta.url)
  .resolve('axe-core/axe.min.js'), 'utf8');

// What is as the rows before it, and only takes time.
const MORE = [['.row:nth-child(n+4)'], ['.order:nth-child(n+5)'],
  ['.j-kids .j-kids .j-kids']];

// What axe has to say of that part of the page; colours: of these only.
async function axe(page, part, colours) {
  // Not by a <script>: the page's policy takes none but its own.
  if (!await page.evaluate(() => 'axe' in window))
    await page.evaluate(AXE);
  return page.evaluate(async ([include, exclude, only]) => {
    const { violations } = await window.axe.run({ include, exclude }, {
      resultTypes: ['violations'], preload: false, iframes: false,
      ...only && { runOnly: ['color-contrast', 'link-in-text-block'] } });
    return violations.flatMap(({ id, nodes }) => nodes.map((n) =>
      `${id}: ${n.target.join(' ')}: ${n.any[0]?.message ?? n.failureSummary
      }`));
  }, [part, MORE, colours]);
}

// The same in both themes, by their names, which differ in nothing but colours:
// all else is asked once. The page is light again afterwards.
export async function axeBoth(page, part = 'html') {
  const found = {};
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    const wrong = await axe(page, part, colorScheme === 'dark');
    if (wrong.length > 0)
      found[`axe, ${colorScheme}`] = wrong;
  }
  return found;
}

// What a finger or a mouse has to hit and is smaller than that: buttons,
// fields, and links that stand alone (not those within a sentence).
export function tooSmall(page, min) {
  return page.evaluate((least) => [...document.querySelectorAll(
    'button, select, summary, nav a, a.button, a.back, .row a, ' +
    'input:not([type=checkbox]), label.check, .order a, .rejection a')]
    .filter((node) => node.checkVisibility() &&
      node.closest('.unseen, .skip, .json') === null &&
      node.getBoundingClientRect().height < least - 0.5)
    .map((node) => `${node.tagName}.${node.className} ${
      node.textContent.slice(0, 30)}: ${
      node.getBoundingClientRect().height}`), min);
}
