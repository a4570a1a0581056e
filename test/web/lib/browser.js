// browser.js -- the system's Chromium, and pages that fail a test which did
// not see what happened in them.

import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
  '--disable-dev-shm-usage'];

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

// One for all tests of a file: each has a profile of its own in it.
let browser;

export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

// A profile with one page at a server's inspector. Everything the page says
// is kept: errors, violations of its policy, requests to anywhere else.
export async function open(server, { viewport = DESKTOP,
  hash = '#/events',
  ...options } = {}) {
  browser ??= await chromium.launch({ executablePath: PROGRAM,
    headless: true, args: FLAGS });
  const context = await browser.newContext({ viewport, acceptDownloads: true,
    permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const page = await context.newPage();
  const seen = { errors: [], foreign: [], violations: [] };
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(server.admin).origin &&
        url.protocol !== 'blob:' && url.protocol !== 'about:')
      seen.foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error.stack)));
  await page.exposeFunction('noteViolation', (text) =>
    seen.violations.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) =>
      window.noteViolation(`${e.violatedDirective}: ${e.blockedURI}`));
  });
  page.setDefaultTimeout(60000);
  await page.goto(`${server.admin}/${hash}`);
  return {
    page, seen,
    // The end: nothing may have happened that was not meant to. errors: what
    // the console may say; violations: how many the test itself provoked.
    async close({ errors = [], violations = 0 } = {}) {
      await context.close();
      assert.deepEqual(seen.errors.filter((text) =>
        !errors.some((p) => p.test(text))), []);
      assert.equal(seen.violations.length, violations,
        seen.violations.join('\n'));
      assert.deepEqual(seen.foreign, []);
    },
  };
}

// Wait until the page hears of things as they happen.
export async function live(page) {
  await page.getByText('Live', { exact: true }).waitFor();
}

// Is there anything beside what fits the width? Returns what sticks out. Rows
// of the list are cut where they end, and hex may be scrolled in its box.
export function sticksOut(page) {
  return page.evaluate(() => {
    const wide = document.documentElement;
    const inner = [...document.querySelectorAll('*')].filter((node) =>
      node.closest('.unseen, .skip, .row a, .hex') === null &&
      node.getBoundingClientRect().right > innerWidth + 1);
    return [wide.scrollWidth > innerWidth ? ['the page'] : [],
      inner.map((n) => `${n.tagName}.${n.className}`)].flat();
  });
}
