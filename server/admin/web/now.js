// now.js -- the first view: how it stands in one sentence, what needs a person,
// and pictures of what came and what became of it.

import { get } from './api.js';
import { fill, h, loading, notice, setText, button } from './dom.js';
import { HeatMap, IntakeChart, ageColumns, agesText, handlerRows }
  from './charts.js';
import { guide } from './first_run.js';
import { needsList } from './needs_list.js';
import { serverNow, ticking } from './time.js';
import { countText } from './words.js';

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const RANGES = [['1h', '1 h', HOUR], ['6h', '6 h', 6 * HOUR],
  ['24h', '24 h', 24 * HOUR], ['7d', '7 d', 7 * 24 * HOUR],
  ['30d', '30 d', 30 * 24 * HOUR]];
const RANGE_KEY = 'klikitd-range';
const SOON_MS = 1500;    // after something has come
const OFTEN_MS = 15000;  // the hour that is shown; the rest, after that
const SELDOM_MS = 60000; // longer ranges, open orders
const WEEK_MS = 300000;  // branches by the hour
const ORDERS_MAX = 500;
const ORDER_PAGES = 5; // each looks among so many events

// What is said of all of it. Pure.
export function healthText(needs) {
  const urgent = needs.filter((need) => need.urgent).length;
  if (needs.length === 0)
    return 'All is well';
  if (urgent === 0)
    return `Orders flow. ${countText(needs.length, 'thing')} to look at`;
  return `${countText(urgent, 'thing needs', 'things need')} you now`;
}

const iso = (ms) => new Date(ms).toISOString();

export class NowView {
  constructor(app) {
    this.title = 'Now';
    this.app = app;
    this.range = RANGES.find(([id]) => id ===
      localStorage.getItem(RANGE_KEY)) ?? RANGES[0];
    this.due = {}; // when each part is to be loaded again
    this.build();
    if (app.status !== null)
      this.setStatus(app.status);
    this.timer = setInterval(() => document.hidden || this.look(), 1000);
    this.look();
  }

  build() {
    this.health = h('h1', { class: 'health' }, 'Now');
    this.sub = h('p', { class: 'health-sub' });
    this.needs = h('div', { class: 'needs-place' });
    this.chart = new IntakeChart((from, to) => this.app.go({ view: 'events',
      values: { from, to } }));
    this.heat = new HeatMap();
    this.segments = h('div', { class: 'segments', role: 'group',
      'aria-label': 'Range' }, RANGES.map((range) => button(range[1],
      { class: 'segment', 'data-range': range[0] },
      () => this.setRange(range))));
    this.handlers = h('div', { class: 'spark-cards' });
    this.ages = h('div', { class: 'ages-place' });
    this.agesSaid = h('p', { class: 'chart-said' });
    this.pictures = h('div', { class: 'pictures' },
      h('section', { class: 'panel wide', 'aria-label': 'Deliveries' },
        h('header', null, h('h2', null, 'Deliveries'), this.chart.legend,
          h('span', { class: 'gap' }), this.segments),
        this.chart.node, this.chart.said),
      h('section', { class: 'panel wide', 'aria-label': 'Handlers' },
        h('header', null, h('h2', null, 'Handlers')), this.handlers),
      h('section', { class: 'panel branches', 'aria-label': 'Branches' },
        h('header', null, h('h2', null, 'Branches, by the hour'),
          h('span', { class: 'count' }, '7 days')),
        this.heat.whole, this.heat.said),
      h('section', { class: 'panel', 'aria-label': 'Open orders' },
        h('header', null, h('h2', null, 'Open orders, by age')),
        this.ages, this.agesSaid));
    this.body = h('div', { class: 'now-body' }, loading('how it stands'));
    this.node = h('div', { class: 'page-place' }, h('div',
      { class: 'page now' }, h('header', { class: 'now-head' }, this.health,
        this.sub), this.needs, this.body));
    this.markRange();
  }

  // -- What needs a person --

  setStatus(status) {
    const { needs } = status;
    setText(this.health, healthText(needs));
    const urgent = needs.some((need) => need.urgent);
    this.health.className = needs.length === 0 ? 'health good' :
      urgent ? 'health bad' : 'health warn';
    this.drawSub(status);
    this.silent = new Set(needs.filter((n) => n.kind === 'branch_silent')
      .map((n) => n.subject));
    const last = JSON.stringify([needs, this.all]);
    if (last !== this.last) {
      this.last = last;
      this.drawNeeds(status);
    }
  }

  drawNeeds(status) {
    const focused = this.needs.contains(document.activeElement) ?
      document.activeElement.dataset.need : undefined;
    fill(this.needs, status.needs.length > 0 && needsList(status.needs,
      status, { all: this.all, done: () => this.app.loadStatus(),
        more: () => {
          this.all = true;
          this.setStatus(this.app.status);
        } }));
    if (focused !== undefined)
      [...this.needs.querySelectorAll('[data-need]')]
        .find((b) => b.dataset.need === focused)?.focus();
  }

  drawSub({ counts, dev, trigger }) {
    const parts = [];
    const refused = Object.values(counts.refused ?? {})
      .reduce((sum, n) => sum + n, 0);
    if (this.newest)
      parts.push('The last delivery came ', ticking(this.newest, 'ago'), '. ');
    if (counts.pending_jobs > 0)
      parts.push(h('a', { href: '#/events?state=pending' },
        countText(counts.pending_jobs, 'job')), counts.pending_jobs === 1 ?
        ' waits or runs. ' : ' wait or run. ');
    if (refused > 0)
      parts.push(h('a', { href: '#/rejections' }, countText(refused,
        'delivery', 'deliveries')), refused === 1 ? ' was' : ' were',
      ' refused since the start. ');
    if (dev && trigger)
      parts.push(h('a', { href: '#/start' }, 'Send a test event'), '.');
    const last = JSON.stringify([this.newest, counts.pending_jobs, refused,
      dev]);
    if (last === this.lastSub)
      return;
    this.lastSub = last;
    fill(this.sub, parts);
  }

  // -- Pictures --

  setRange(range) {
    this.range = range;
    localStorage.setItem(RANGE_KEY, range[0]);
    this.markRange();
    this.due.stats = 0;
    this.look();
  }

  markRange() {
    for (const segment of this.segments.children)
      segment.setAttribute('aria-pressed',
        String(segment.dataset.range === this.range[0]));
  }

  // Load what is due.
  look() {
    const now = Date.now();
    for (const [name, load, everyMs] of [
      ['stats', () => this.loadStats(), this.range[2] === HOUR ? OFTEN_MS :
        SELDOM_MS],
      ['week', () => this.loadWeek(), WEEK_MS],
      ['orders', () => this.loadOrders(), SELDOM_MS]]) {
      if (now < (this.due[name] ?? 0))
        continue;
      this.due[name] = now + everyMs;
      load().catch((e) => this.failed(e));
    }
  }

  // What is drawn stays: the banner says that it may be old.
  failed(e) {
    if (this.drawn || this.closed)
      return;
    fill(this.body, notice('bad', 'It could not be loaded', `${e.message}.`,
      button('Try again', { class: 'quiet' }, () => this.reset())));
  }

  async loadStats() {
    const range = this.range;
    const to = serverNow();
    const stats = await get('/api/v1/stats', { from: iso(to - range[2] +
      MINUTE), to: iso(to) });
    if (this.newest === undefined)
      await this.loadNewest();
    if (range !== this.range || this.closed)
      return;
    const stepMs = stats.step === 'minute' ? MINUTE : HOUR;
    const from = Date.parse(stats.from);
    this.show();
    this.chart.set({ from, stepMs, now: Date.parse(stats.now),
      to: Date.parse(stats.to), values: stats.intake });
    this.drawHandlers(stats.handlers, { from, stepMs });
  }

  // Has anything ever come? Else it is said how something does.
  async loadNewest() {
    const { events } = await get('/api/v1/events', { limit: 1 });
    this.newest = events[0]?.received_at ?? null;
    this.app.status && this.drawSub(this.app.status);
  }

  show() {
    const empty = this.newest === null && this.app.status !== null;
    const what = empty ? 'guide' : 'pictures';
    if (this.drawn === what)
      return;
    if (!empty) {
      fill(this.body, this.pictures);
      this.due.week = this.due.orders = 0; // something has come
    } else {
      fill(this.body, guide(this.app.status, true));
    }
    this.drawn = what;
  }

  drawHandlers(handlers, frame) {
    if (handlers.length === 0) {
      fill(this.handlers, h('p', { class: 'dim' },
        'No handler was called in this time.'));
      return;
    }
    fill(this.handlers, handlers.map((handler) => h('article',
      { class: 'spark-card' }, h('h3', null, handler.name === '*' ?
        'others' : h('bdi', null, handler.name), this.stateOf(handler.name)),
      h('dl', null, handlerRows(handler, frame)))));
  }

  stateOf(name) {
    const word = { handler_paused: 'paused', handler_failing: 'failing' };
    const need = this.app.status?.needs.find((n) => n.subject === name &&
      word[n.kind] !== undefined);
    return need !== undefined && h('span', { class: `state ${
      need.kind === 'handler_paused' ? 'pending' : 'dead'}` },
    word[need.kind]);
  }

  async loadWeek() {
    const to = serverNow();
    const { from, now, branches } = await get('/api/v1/stats', { step: 'hour',
      from: iso(to - 7 * 24 * HOUR + HOUR), to: iso(to) });
    if (this.closed)
      return;
    this.heat.set({ from: Date.parse(from), now: Date.parse(now), branches,
      silent: this.silent ?? new Set() });
  }

  async loadOrders() {
    const orders = [];
    let next;
    for (let i = 0; i < ORDER_PAGES && next !== null &&
        orders.length < ORDERS_MAX; i++) {
      const page = await get('/api/v1/orders', { open: 'true',
        limit: ORDERS_MAX - orders.length, before: next });
      orders.push(...page.orders);
      next = page.next;
      if (this.closed)
        return;
    }
    const ages = orders.filter((order) => order.received_at !== null)
      .map((order) => serverNow() - Date.parse(order.placed_at ??
        order.received_at));
    fill(this.ages, ages.length > 0 && ageColumns(ages));
    setText(this.agesSaid, agesText(ages, next !== null));
  }

  // -- As it happens --

  message(kind, data) {
    if (kind === 'event' && data.origin === undefined) {
      this.newest = data.received_at;
      this.app.status && this.drawSub(this.app.status);
    }
    if (kind !== 'event' && kind !== 'job' && kind !== 'rejection')
      return;
    this.soon('stats', this.range[2] === HOUR ? SOON_MS : OFTEN_MS);
    if (kind === 'event')
      this.soon('orders', OFTEN_MS);
  }

  soon(part, ms) {
    this.due[part] = Math.min(this.due[part] ?? 0, Date.now() + ms);
  }

  update() {}

  reset() {
    this.due = {};
    this.newest = undefined;
    this.look();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.chart.close();
    this.heat.close();
  }
}
