// screenshots.test.js -- the pictures of the page in README.md, from invented
// data. `./run screenshots` writes them anew; else they are made and thrown
// away, so that it can be done at any time.

import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { closeBrowser, live, open } from './lib/browser.js';
import { shrink } from './lib/png.js';
import { CREATED, Klikitd, ROOT, STATUS, eventually } from './lib/klikitd.js';

after(closeBrowser);

const DOCS = path.join(ROOT, 'server', 'docs');
const FOLDER = process.env.SCREENSHOTS === undefined ?
  fs.mkdtempSync(path.join(os.tmpdir(), 'klikitd-pictures-')) : DOCS;
const SIZE = { width: 1280, height: 1080 };
const MAX_BYTES = 150000;
const MINUTE = 60000;
const DISHES = [['Nasi Goreng', 42000], ['Es Teh Manis', 9000],
  ['Sate Ayam', 38000], ['Gado-Gado', 33000], ['Rendang', 55000]];
const BRANCHES = [2041, 2042, 2057];

// By how many hours the clock of the picture is ahead: there it is noon.
const AHEAD = 13 - new Date().getUTCHours();

// A day in a restaurant, as a share of its busiest minute.
const busy = (hour) => Math.exp(-(((hour - 12.5) / 1.6) ** 2)) +
  0.8 * Math.exp(-(((hour - 19) / 1.9) ** 2)) + 0.06;

function body(number, at) {
  const cart = [0, 1].map((i) => DISHES[(number + 2 * i) % DISHES.length])
    .map(([title, price], i) => ({ item_id: 410100 + i, title, price,
      quantity: 1 + (number + i) % 3 }));
  return Buffer.from(JSON.stringify({ brand_id: 910,
    branch_id: BRANCHES[number % 3], orders: [{ id: 9100000 + number,
      external_id: `GF-${1000 + number}`, status: number % 4 === 0 ? 2 : 1,
      brands: [{ id: 910, title: 'Warung Senja' }],
      branch_id: BRANCHES[number % 3], cart,
      created_at: new Date(at).toISOString(),
      updated_at: new Date(at).toISOString() }] }));
}

// Put what was counted in the last days into the store, which nobody serves
// now, and date what came by its numbers, newest last.
const SEED = `
import json, random, sqlite3, sys
path, rows, dates = sys.argv[1], *map(json.loads, sys.stdin)
db = sqlite3.connect(path)
with db:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'counts'").fetchone():
        db.executemany("INSERT OR REPLACE INTO counts (step, at, kind, name, "
                       "numbers, peak) VALUES (?, ?, ?, ?, ?, ?)", rows)
    for event, at in dates:
        db.execute("UPDATE events SET received_at = ? WHERE event_id = ?",
                   (at, event))
db.close()
`;

// Rows of the table of counts: see server/stats/stats_numbers.h.
function counted(now) {
  const rows = [];
  const round = (x) => Math.max(0, Math.round(x));
  const add = (step, at) => {
    const hour = (new Date(at).getUTCHours() + AHEAD + 24) % 24 +
      (step < 60 * MINUTE ? new Date(at).getUTCMinutes() / 60 : 0.5);
    const wave = 1 + 0.35 * Math.sin(at / step * 1.7) *
      Math.cos(at / step * 0.6);
    const n = round(busy(hour) * 14 * wave * step / MINUTE);
    rows.push([step, at, 'intake', '', [step / 1000, n, 0, round(n / 25), 0,
      0, n % 17 === 3 ? 1 : 0].join(' '), 0]);
    for (const [name, slow] of [['orders', 0], ['pos', 5], ['kitchen', 3]]) {
      const calls = Array(16).fill(0);
      if (slow > 0) {
        calls[slow] = round(n * 0.7);
        calls[slow + 1] = n - round(n * 0.7);
      }
      rows.push([step, at, 'handler', name, [n, n % 23 === 5 ? 1 : 0, 0, 0,
        ...calls].join(' '), n % 5]);
    }
    if (step > MINUTE)
      BRANCHES.forEach((branch, i) => rows.push([step, at, 'branch',
        String(branch), String(round(n * [0.5, 0.3, 0.2][i] *
          (hour > 9 && hour < 23 ? 1 : 0))), 0]));
  };
  const begin = Math.floor(now / MINUTE) * MINUTE;
  for (let i = 1; i < 1440; i++)
    add(MINUTE, begin - i * MINUTE);
  for (let i = 0; i < 7 * 24; i++)
    add(60 * MINUTE, Math.floor(now / 3600000) * 3600000 - i * 3600000);
  return rows;
}

async function pictured(server) {
  const now = Date.now();
  const dates = [];
  for (let number = 1; number <= 30; number++) {
    const at = now - (31 - number) * 3 * MINUTE + number * 977;
    dates.push([`evt-${number}-7f3a`, at]);
    await server.received(body(number, at), { id: `evt-${number}-7f3a`,
      type: number % 4 === 0 ? STATUS : CREATED });
  }
  await eventually('all but the warehouse have done', async () =>
    (await server.ask('/api/v1/jobs?state=pending&limit=500')).jobs
      .every((job) => job.handler === 'warehouse'));
  await server.post(body(40, now), { signature: '0'.repeat(64) });
  await server.stop();
  const done = spawnSync('/usr/bin/python3', ['-c', SEED, path.join(
    server.directory, 'klikitd.db')], { encoding: 'utf8',
    input: `${JSON.stringify(counted(now))}\n${JSON.stringify(dates)}` });
  assert.equal(done.status, 0, done.stderr);
  await server.start();
  // One that the warehouse does not take.
  await server.received(body(32, now), { id: 'evt-32-7f3a' });
  await eventually('the warehouse fails', async () =>
    (await server.ask('/api/v1/status')).needs.length === 1);
}

test('the pictures of the README can be made', async () => {
  const pos = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => setTimeout(() => {
      response.statusCode = request.url === '/warehouse' ? 503 : 200;
      response.end('{}');
    }, 15));
  });
  await new Promise((resolve) => pos.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${pos.address().port}`;
  const forward = (name, more = '') => `[handler ${name}]\ntype = forward\n` +
    `events = klikit.order.created.v2\nurl = ${url}/${name}\n${more}`;
  const server = new Klikitd('[handler orders]\ntype = orders\n' +
    forward('pos') + forward('kitchen') +
    forward('warehouse', 'branches = 2057\nretry = 10m\n'));
  let browser = null;
  server.expect(/ retry in /, / refused: /, / calls failed in a row/);
  try {
    await server.start();
    await pictured(server);
    for (const colorScheme of ['light', 'dark']) {
      browser = await open(server, { viewport: SIZE, colorScheme,
        hash: '#/now',
        timezoneId: `Etc/GMT${AHEAD > 0 ? '-' : '+'}${Math.abs(AHEAD)}`,
        locale: 'en-GB' });
      await live(browser.page);
      const said = browser.page.locator('.chart-said').first();
      const before = await eventually('a chart', async () =>
        /received/.test(await said.textContent()) && said.textContent());
      await browser.page.locator('[data-range="24h"]').click();
      await eventually('the day', async () =>
        await said.textContent() !== before);
      await browser.page.mouse.move(0, 0);
      await browser.page.evaluate(() => document.fonts.ready);
      await eventually('nothing loads any more', () => browser.page.evaluate(
        () => document.querySelector('[aria-busy=true], .loading') === null));
      const file = path.join(FOLDER, `page-${colorScheme}.png`);
      fs.writeFileSync(file, shrink(await browser.page.screenshot()));
      assert.ok(fs.statSync(file).size < MAX_BYTES,
        `${file}: ${fs.statSync(file).size} bytes`);
      await browser.close();
      browser = null;
    }
  } finally {
    await browser?.page.context().close();
    await server.close();
    pos.close();
    pos.closeAllConnections();
    if (FOLDER !== DOCS)
      fs.rmSync(FOLDER, { recursive: true });
  }
});

test('the README shows them as large as they are made', () => {
  for (const colorScheme of ['light', 'dark']) {
    const png = fs.readFileSync(path.join(DOCS, `page-${colorScheme}.png`));
    assert.equal(png.toString('latin1', 1, 4), 'PNG');
    assert.deepEqual({ width: png.readUInt32BE(16),
      height: png.readUInt32BE(20) }, SIZE);
    assert.ok(png.length < MAX_BYTES);
  }
});
