// klikitd.js -- a klikitd of one's own for each test, in a directory of its
// own, on ports the kernel chose. As conftest.py does it for the black-box
// tests: a warning in the log that a test does not expect fails it.

import { spawn, spawnSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const BINARY = process.env.KLIKITD ?? path.join(ROOT, 'build', 'klikitd');
const DEADLINE_MS = 60000; // that anything awaited may take on a slow machine

export const SECRET = 'klikit-test-secret';
export const CREATED = 'klikit.order.created.v2';
export const STATUS = 'klikit.order.status.updated';

export const payload = (name) => fs.readFileSync(
  path.join(ROOT, 'test', 'payloads', name));

export const sign = (body, secret = SECRET) => createHmac('sha256', secret)
  .update(body).digest('hex');

// Wait until check() gives something that is true; nothing tells when another
// process has got that far.
export async function eventually(what, check) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await check();
    if (value)
      return value;
    if (Date.now() > end)
      throw new Error(`it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Klikitd {
  constructor(config = '') {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'klikitd-web-'));
    this.ports = { http: 0, admin: 0 };
    this.extra = config;
    this.lines = [];
    // The tests may run as root, of which a server warns.
    this.expected = [/ running as root, /];
    this.process = null;
  }

  write() {
    fs.writeFileSync(path.join(this.directory, 'klikitd.ini'),
      `[http]\nlisten = 127.0.0.1:${this.ports.http}\n[admin]\n` +
      `listen = 127.0.0.1:${this.ports.admin}\n${this.extra}`);
  }

  file(name, text) {
    fs.writeFileSync(path.join(this.directory, name), text, { mode: 0o600 });
  }

  async start() {
    this.write();
    this.process = spawn(BINARY, ['serve', '-c', 'klikitd.ini'], {
      cwd: this.directory,
      env: { ...process.env, KLIKIT_WEBHOOK_SECRET: SECRET },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.closed = once(this.process, 'close');
    const told = {};
    await new Promise((resolve, reject) => {
      for (const stream of [this.process.stdout, this.process.stderr]) {
        readline.createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          const [, what, url] = /^(listening|admin): (\S+)$/.exec(line) ?? [];
          if (what !== undefined)
            told[what] = url;
          if (told.listening && told.admin)
            resolve();
        });
      }
      this.process.on('close', () => reject(new Error(
        `it did not start:\n${this.lines.join('\n')}`)));
    });
    this.url = told.listening;
    this.admin = told.admin;
    // The next start is found at the same place.
    this.ports = { http: new URL(this.url).port,
      admin: new URL(this.admin).port };
    return this;
  }

  expect(...patterns) {
    this.expected.push(...patterns);
  }

  async stop(signal = 'SIGTERM') {
    if (this.process === null)
      return;
    this.process.kill(signal);
    const [code] = await this.closed;
    this.process = null;
    const log = this.lines.join('\n');
    if (signal === 'SIGTERM' && code !== 0)
      throw new Error(`exit ${code}:\n${log}`);
    if (log.includes('Sanitizer') || log.includes('runtime error:'))
      throw new Error(log);
    const bad = this.lines.filter((line) =>
      /\b(WARN|ERROR|warn|error)\b/.test(line) &&
      !this.expected.some((p) => p.test(line)));
    if (bad.length > 0)
      throw new Error(`unexpected in the log:\n${bad.join('\n')}`);
  }

  async close() {
    try {
      await this.stop();
    } finally {
      fs.rmSync(this.directory, { recursive: true });
    }
  }

  // Deliver a body; returns status and answer.
  post(body, { id = `test-${randomUUID()}`, type = CREATED,
    signature = sign(body), headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}/webhooks/klikit`, {
        method: 'POST', agent: false,
        headers: { 'Content-Type': 'application/json',
          'x-klikit-event-id': id, 'x-klikit-event-type': type,
          ...(signature === null ? {} : { 'x-klikit-signature': signature }),
          ...headers } });
      request.on('error', reject);
      request.on('response', async (response) => {
        let text = '';
        for await (const piece of response)
          text += piece;
        resolve({ status: response.statusCode, answer: JSON.parse(text) });
      });
      request.end(body);
    });
  }

  async received(body, options) {
    const { status, answer } = await this.post(body, options);
    if (status !== 200 || answer.status !== 'received')
      throw new Error(`${status} ${JSON.stringify(answer)}`);
  }

  // Ask the admin API, as the operator does.
  async ask(target, options = {}) {
    const response = await fetch(this.admin + target, options);
    if (!response.ok)
      throw new Error(`${target}: ${response.status}`);
    return response.json();
  }

  // A verb on this server's store. Returns what it printed.
  verb(name, ...args) {
    const done = spawnSync(BINARY, [name, '-c', 'klikitd.ini', ...args], {
      cwd: this.directory, encoding: 'utf8',
      env: { ...process.env, KLIKIT_WEBHOOK_SECRET: SECRET } });
    if (done.status !== 0)
      throw new Error(`${name}: exit ${done.status}: ${done.stderr}`);
    return done.stdout;
  }
}

// An order of that number, as klikit sends it.
export function order(id, more = {}) {
  return Buffer.from(JSON.stringify({ brand_id: 910, branch_id: 2041,
    orders: [{ id, external_id: `GF-${id}`, status: 1,
      updated_at: '2026-06-25T09:14:11Z', ...more }] }));
}
