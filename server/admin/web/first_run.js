// first_run.js -- nothing has come yet: where deliveries go, and how to send
// one.

import { h, button, copyText, fill, loading } from './dom.js';
import { toast } from './dialog.js';
import { countText } from './words.js';

// A text to paste elsewhere.
export function copyable(text, label) {
  return h('div', { class: 'copyable' },
    h('pre', { tabIndex: 0 }, text),
    button('Copy', { class: 'quiet', 'aria-label': `Copy ${label}` },
      async () => {
        if (await copyText(text))
          toast('ok', `Copied ${label}.`);
        else
          toast('bad', 'The browser does not let this page copy.');
      }));
}

const step = (title, ...content) => h('li', null, h('h2', null, title),
  ...content);

function refusedCount(status) {
  return Object.values(status.counts.refused ?? {})
    .reduce((sum, n) => sum + n, 0);
}

function refusedLine(status) {
  const n = refusedCount(status);
  return n === 0 ? null : h('p', { class: 'remark bad' },
    `${countText(n, 'delivery was', 'deliveries were')} refused. `,
    h('a', { href: '#/rejections' }, 'See why'));
}

function secretLine(status) {
  const names = (status.secrets ?? []).map((s) => s.name);
  return h('p', null, `Signed with the secret that klikit and this server ` +
    `share (here: ${names.join(', ') || 'none'}). Its value is shown nowhere.`);
}

function tunnelStep(status) {
  if (!status.dev)
    return step('From klikit',
      h('p', null, 'klikit’s operator enters the URL for each brand, branch ' +
        'and event. It must be reachable from outside, by https.'));
  return step('From klikit',
    h('p', null, 'This server listens on this machine only. Let a tunnel of ' +
      'your choice pass an https address on to the URL above, and give ' +
      'klikit’s operator that address, with the same path.'));
}

// What StartView and an empty list, which waits, show.
export function guide(status, waits) {
  const urls = status.webhooks ?? [];
  const fetches = urls.length === 0; // no secret: only from hubs
  return h('div', { class: 'guide' },
    h(waits ? 'h2' : 'h1', { class: 'guide-title' }, waits && h('span', {
      class: 'waiting-dot',
      'aria-hidden': 'true' }), waits ?
      `Waiting for ${fetches ? 'events' : 'deliveries'}` :
      'Sending a test event'),
    waits && h('p', { class: 'lead' }, 'Everything is ready. What arrives ' +
      'shows up here by itself.'),
    refusedLine(status),
    h('ol', { class: 'steps' },
      fetches ? step('Where events come from',
        (status.upstreams ?? []).map((hub) =>
          h('p', null, h('bdi', null, hub.url))),
        h('p', null, 'They are fetched from this hub. Nobody can deliver ' +
          'here: there is no secret.')) :
      step('Where deliveries go',
        urls.map((url) => copyable(url, 'the URL')), secretLine(status)),
      status.trigger && step('Send a test event',
        h('p', null, 'A realistic order, signed, from a terminal on the ' +
          'server' + (status.trigger.includes('WEBHOOK_SECRET_FILE=') ? ':' :
          ', where KLIKIT_WEBHOOK_SECRET is set as for the server:')),
        copyable(status.trigger, 'the command')),
      status.curl && step('Or by curl',
        h('p', null, 'The signature is made by klikitd itself, so that no ' +
          'secret stands in the command:'),
        copyable(status.curl, 'the curl command')),
      !fetches && tunnelStep(status)));
}

export class StartView {
  constructor(app) {
    this.title = 'Start';
    this.node = h('div', { class: 'page' });
    if (app.status === null)
      fill(this.node, loading('the addresses'));
    else
      fill(this.node, guide(app.status, false));
    this.shown = app.status !== null;
  }

  // Once: what is being copied must not be replaced.
  setStatus(status) {
    if (!this.shown)
      fill(this.node, guide(status, false));
    this.shown = true;
  }

  update() {}
  message() {}
  reset() {}
  close() {}
}
