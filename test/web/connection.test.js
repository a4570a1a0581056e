// connection.test.js -- the token, a server that goes and comes back, answers
// that do not come.

import assert from 'node:assert/strict';
import net from 'node:net';
import { live } from './lib/browser.js';
import { inspect } from './lib/inspect.js';
import { eventually, order } from './lib/klikitd.js';

const TOKEN = 'a-token-of-the-operator';
const guarded = { config: 'token_file = token\n', prepare: (server) => {
  server.file('token', `${TOKEN}\n`);
  server.expect(/admin: refused/);
}, errors: [/status of 401/] };
const gone = [/ERR_(?:CONNECTION|INCOMPLETE|EMPTY|FAILED)/];

inspect('a token is asked for, tried, and kept in the tab only',
  async (page, server) => {
    const field = page.getByLabel('Token');
    await field.waitFor();
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not take that token.').waitFor();
    await field.fill('two words');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('A token is one word.').waitFor();
    await field.fill(TOKEN);
    await page.keyboard.press('Enter');
    await live(page);
    await server.received(order(1));
    await page.locator('.row').waitFor();
    await page.reload();
    await page.locator('.row').waitFor();
    assert.deepEqual(await page.evaluate((token) => [
      JSON.stringify(localStorage).includes(token), document.cookie,
      location.href.includes(token)], TOKEN), [false, '', false]);
    const other = await page.context().newPage();
    await other.goto(server.admin);
    await other.getByLabel('Token').waitFor();
  }, guarded);

inspect('after a restart the page goes on by itself', async (page, server) => {
  await page.locator('.row').waitFor();
  await live(page);
  await page.evaluate(() => {
    window.marked = true;
  });
  await server.stop();
  await page.getByText('Not live: the server cannot be reached').waitFor();
  await page.locator('#state', { hasText: 'Reconnecting' }).waitFor();
  await page.getByRole('button', { name: 'Try now' }).click();
  await server.start();
  await server.received(order(2)); // perhaps before the page is back
  await live(page);
  await server.received(order(3));
  await page.locator('.row').nth(2).waitFor();
  assert.deepEqual(await page.locator('.row .c-order bdi').allTextContents(),
    ['3', '2', '1']);
  assert.ok(await page.evaluate(() => window.marked));
  assert.equal(await page.locator('#banner > *').count(), 0);
}, { errors: [...gone, /status of 503/],
  before: (server) => server.received(order(1)) });

// Stands between the page and its server, and can be cut.
class Line {
  constructor() {
    this.sockets = new Set();
    this.whole = true;
    this.server = net.createServer((socket) => {
      if (!this.whole) {
        socket.destroy();
        return;
      }
      const far = net.connect(this.port, '127.0.0.1');
      for (const [one, other] of [[socket, far], [far, socket]]) {
        this.sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => this.sockets.delete(one));
        one.pipe(other);
      }
    });
  }

  // The server is found behind it from now on.
  async lay(server) {
    this.port = new URL(server.admin).port;
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    server.admin = `http://127.0.0.1:${this.server.address().port}`;
  }

  cut() {
    this.whole = false;
    for (const socket of this.sockets)
      socket.destroy();
  }
}

const line = new Line();
inspect('a cut connection is taken up where it was cut',
  async (page, server) => {
    await live(page);
    await server.received(order(2)); // gives the place to go on from
    await page.locator('.row').nth(1).waitFor();
    const asked = [];
    page.on('request', (request) => asked.push([request.url(),
      request.headers()['last-event-id']]));
    line.cut();
    await page.getByText('Not live:').waitFor();
    await server.received(order(3));
    line.whole = true;
    await page.locator('.row').nth(2).waitFor();
    assert.deepEqual(await page.locator('.row .c-order bdi')
      .allTextContents(), ['3', '2', '1']);
    // By what the server remembers, not by loading the list anew.
    assert.deepEqual(asked.filter(([url]) => url.includes('/events?')), []);
    assert.ok(asked.some(([url, id]) => url.endsWith('/stream') && id));
    line.server.close();
  }, { errors: gone, before: async (server) => {
    await server.received(order(1));
    await line.lay(server);
  } });

inspect('what fails is said, and can be tried again', async (page, server) => {
  const paths = { events: 'events', orders: 'board',
    rejections: 'rejections', handlers: 'handlers' };
  for (const [name, path] of Object.entries(paths)) {
    const pattern = `**/api/v1/${path}*`;
    await page.route(pattern, (route) => route.fulfill({ status: 503,
      contentType: 'application/json', body: '{"error":"the disk is full"}' }));
    await page.goto(`${server.admin}/#/${name}`);
    await page.reload();
    await page.getByText(`The ${name} could not be loaded`).waitFor();
    await page.getByText('the disk is full.').waitFor();
    await page.unroute(pattern);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('could not be loaded').waitFor({ state: 'detached' });
  }
}, { errors: [/status of 503/], before: async (server) => {
  await server.received(order(1));
  await eventually('it is done', async () =>
    (await server.ask('/api/v1/jobs?state=done')).jobs.length === 1);
} });
