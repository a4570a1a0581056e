// shell.js -- what is around every view: the bar, the state of the connection,
// the look.

import { h, button, fill, setText } from './dom.js';
import { spanText } from './time.js';
import { showHelp } from './help.js';
import { countText } from './words.js';
import { zoneSwitch } from './zone.js';

const LINKS = [['now', 'Now'], ['events', 'Events'], ['orders', 'Orders'],
  ['rejections', 'Rejections'], ['handlers', 'Handlers']];
const LOOKS = [['auto', 'Look: as the system'], ['light', 'Look: light'],
  ['dark', 'Look: dark']];
const LOOK_KEY = 'klikitd-look';

const PILLS = {
  connecting: ['Connecting', 'wait'],
  live: ['Live', 'good'],
  reconnecting: ['Reconnecting', 'bad'],
  paused: ['Frozen', 'wait'],
  token: ['Token needed', 'wait'],
};

function look() {
  const known = localStorage.getItem(LOOK_KEY);
  return LOOKS.some(([id]) => id === known) ? known : 'auto';
}

// Which needs are told at which view; at the first all are.
const TOLD = {
  now: () => true,
  orders: ({ kind }) => kind === 'alarm',
  rejections: ({ kind }) => kind === 'rejections',
  handlers: ({ kind }) => kind.startsWith('handler_') || kind === 'job_dead',
};

export class Shell {
  constructor(app) {
    this.app = app;
    this.stream = 'connecting';
    this.paused = false;
    this.links = LINKS.map(([view, text]) =>
      h('a', { href: `#/${view}`, 'data-view': view }, text));
    this.pill = h('span', { class: 'pill wait', id: 'state' }, 'Connecting');
    this.version = h('span', { class: 'version' });
    this.lookButton = button('', { class: 'icon', id: 'look' },
      () => this.nextLook());
    fill(document.getElementById('bar'),
      h('a', { class: 'mark', href: '#/now' }, 'klikitd', this.version),
      h('nav', { 'aria-label': 'Views' }, this.links),
      this.pill, zoneSwitch(), button('⌕', { class: 'icon find', title:
        'Find an event or an order (/)', 'aria-label':
        'Find an event or an order' }, () => app.find()), this.lookButton,
      button('?', { class: 'icon', 'aria-label': 'Help and keys' }, showHelp));
    this.setLook(look());
  }

  nextLook() {
    const i = LOOKS.findIndex(([id]) => id === look());
    const [id] = LOOKS[(i + 1) % LOOKS.length];
    localStorage.setItem(LOOK_KEY, id);
    this.setLook(id);
  }

  setLook(id) {
    const [, text] = LOOKS.find(([known]) => known === id);
    document.documentElement.dataset.look = id;
    this.lookButton.textContent = { auto: '◐', light: '○', dark: '●' }[id];
    this.lookButton.title = text;
    this.lookButton.setAttribute('aria-label', text);
  }

  setRoute(route) {
    for (const link of this.links) {
      if (link.dataset.view === route.view)
        link.setAttribute('aria-current', 'page');
      else
        link.removeAttribute('aria-current');
    }
  }

  setStatus(status) {
    setText(this.version, ` ${status.version}${status.dev ? ' dev' : ''}`);
    this.drawBadges(status.needs);
    const icon = document.getElementById('icon');
    const href = status.needs.some((need) => need.urgent) ?
      '/icon_trouble.svg' : '/icon.svg';
    if (icon.getAttribute('href') !== href)
      icon.setAttribute('href', href);
  }

  drawBadges(needs) {
    for (const link of this.links) {
      const told = needs.filter(TOLD[link.dataset.view] ?? (() => false));
      const text = told.length === 0 ? '' : String(told.length);
      let badge = link.querySelector('.badge');
      if (badge === null && text === '')
        continue;
      if (badge === null) {
        badge = h('span', { class: 'badge' });
        link.append(badge);
      }
      badge.hidden = text === '';
      badge.className = told.some((need) => need.urgent) ? 'badge' :
        'badge mild';
      setText(badge, text);
      badge.title = countText(told.length, 'thing needs you',
        'things need you');
    }
  }

  setStream(state, detail) {
    this.stream = state;
    this.detail = detail;
    clearInterval(this.counting);
    this.drawPill();
    this.drawBanner();
    if (state === 'reconnecting')
      this.counting = setInterval(() => this.drawBanner(), 1000);
  }

  setPaused(paused) {
    this.paused = paused;
    this.drawPill();
  }

  drawPill() {
    const shown = this.stream === 'live' && this.paused ? 'paused' :
      this.stream;
    const [text, kind] = PILLS[shown];
    setText(this.pill, text);
    this.pill.className = `pill ${kind}`;
  }

  drawBanner() {
    const banner = document.getElementById('banner');
    if (this.stream !== 'reconnecting') {
      banner.replaceChildren();
      return;
    }
    const left = this.detail.at - Date.now();
    const text = `Not live: ${this.detail.why}. What stands here may be old. ` +
      (left > 1000 ? `Next try in ${spanText(left)}.` : 'Trying …');
    if (banner.firstChild !== null) {
      setText(banner.firstChild, text);
      return;
    }
    fill(banner, h('span', { 'aria-live': 'off' }, text),
      button('Try now', { class: 'quiet' }, () => this.app.stream.poke()));
  }
}
