// kitchen.js -- a screen for a kitchen: the open orders of a branch, large, the
// oldest first. It looks at the board by itself each few seconds, whatever the
// stream does, and says at once, and big, when it cannot be believed.

import { get } from './api.js';
import { h, button, fill, loading, notice, setText } from './dom.js';
import { formatRoute } from './route.js';
import { clockText, momentText, serverNow, spanText } from './time.js';
import { countText } from './words.js';
import { ALL, KitchenChoice } from './kitchen_choice.js';
import { KitchenGrid } from './kitchen_grid.js';
import { Bell, StayOn, fullScreenButton, typeButton }
  from './kitchen_screen.js';
import { LOOK_MS, doubtOf, keptOut } from './kitchen_model.js';

const AGAIN_MS = 2000;   // after a look that failed
const SOON_MS = 400;     // after something has happened
const ANSWER_MS = 8000;  // that the server may take
const PAGE = 500;
const PAGES_MAX = 4;

class KitchenScreen {
  constructor(app, values) {
    this.app = app;
    this.values = values;
    this.loaded = null;  // when the board was last seen: {wall, steady}
    this.why = null;     // the last look failed
    this.lookedAt = -Infinity;
    this.more = false;   // there are more orders than are shown
    this.grid = new KitchenGrid(values, values.branch === ALL);
    this.bell = new Bell();
    this.build();
    this.stayOn = new StayOn(() => this.drawFoot());
    this.drawFoot();
    this.seen = () => document.hidden || this.load();
    document.addEventListener('visibilitychange', this.seen);
    this.timer = setInterval(() => this.look(), 1000);
    this.load();
  }

  build() {
    const { branch } = this.values;
    this.count = h('span', { class: 'kitchen-count' });
    this.clock = h('span', { class: 'kitchen-clock' });
    this.why1 = h('span');
    this.age = h('span', { 'aria-live': 'off' });
    this.lead = h('div', { class: 'kitchen-lead' },
      h('h1', null, branch === ALL ? 'All branches' : `Branch ${branch}`),
      this.count, h('span', { class: 'gap' }), this.clock);
    this.doubt = h('div', { class: 'kitchen-doubt', role: 'alert',
      hidden: true }, h('strong', null, 'Do not trust this screen'),
    h('p', null, this.why1, ' ', this.age),
    button('Try now', {}, () => this.load()));
    this.kept = h('p', { class: 'kitchen-kept', role: 'alert', hidden: true });
    this.lights = h('p', { class: 'kitchen-lights' });
    this.node = h('div', { class: 'kitchen', on: {
      pointerdown: (e) => this.bell.touched(e) } },
    h('header', { class: 'kitchen-head' }, this.lead, this.doubt,
      h('div', { class: 'kitchen-tools' }, this.bell.node,
        typeButton((size) => {
          this.size = size;
          this.node?.setAttribute('data-type', size);
        }), fullScreenButton(),
        h('a', { class: 'back', href: formatRoute({ view: 'orders',
          values: { branch: branch === ALL ? '' : branch,
            scope: this.values.scope, brand: this.values.brand } }),
        'aria-label': 'Back to the board' }, '✕'))),
    this.kept, this.grid.place,
    h('footer', { class: 'kitchen-foot' }, this.grid.doneList,
      this.grid.doneButton, this.grid.below, this.lights));
    this.node.setAttribute('data-type', this.size);
    fill(this.grid.empty, loading('the orders'));
    this.drawClock();
  }

  // -- Looking at the board --

  async load() {
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    this.again = false;
    this.lookedAt = performance.now();
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_MS);
    try {
      await this.read(abort.signal);
    } catch (e) {
      this.why = e.name === 'AbortError' ? 'the server does not answer' :
        e.message;
    }
    clearTimeout(timer);
    this.loading = false;
    if (this.closed)
      return;
    this.drawAll();
    if (this.again)
      this.soon();
  }

  async read(signal) {
    const { scope, brand, branch } = this.values;
    const orders = [];
    let after = null;
    for (let i = 0; i < PAGES_MAX && (i === 0 || after !== null); i++) {
      const page = await get('/api/v1/board', { scope, brand, limit: PAGE,
        branch: branch === ALL ? '' : branch, after }, signal);
      orders.push(...page.orders);
      after = page.next;
    }
    if (this.closed)
      return;
    this.loaded = { wall: Date.now(), steady: performance.now() };
    this.why = null;
    this.more = after !== null;
    const fresh = this.grid.take(orders, after === null);
    if (fresh.length > 0) {
      this.bell.ring();
      this.app.announce(countText(fresh.length, 'new order'));
    }
  }

  // How old is what is shown? By the clock that says more: one of them may
  // stand still while the machine sleeps, the other be set.
  ageMs() {
    return this.loaded === null ? null : Math.max(
      Date.now() - this.loaded.wall, performance.now() - this.loaded.steady);
  }

  // Each second.
  look() {
    if (performance.now() - this.lookedAt >= (this.why === null ? LOOK_MS :
      AGAIN_MS))
      this.load();
    this.grid.look();
    this.drawAll();
  }

  soon() {
    this.soonTimer ??= setTimeout(() => {
      this.soonTimer = undefined;
      this.load();
    }, SOON_MS);
  }

  message(kind) {
    if (kind === 'event' || kind === 'job')
      this.soon();
  }

  // Its own look at the board says more than the stream does.
  reset() {
    this.soon();
  }

  // It may be that nobody is there any more.
  setStream(state) {
    if (state === 'reconnecting')
      this.load();
  }

  setStatus({ needs }) {
    const need = keptOut(needs);
    this.kept.hidden = need === null;
    if (need !== null)
      setText(this.kept, `New orders may be missing: ${need.text}.`);
    this.grid.noteMoves();
  }

  // -- Drawing --

  drawAll() {
    this.drawClock();
    const n = this.grid.open.length;
    setText(this.count, this.loaded === null ? '' :
      `${countText(n, 'open order')}${this.more ? ' and more' : ''}`);
    this.drawDoubt();
    if (this.loaded === null && this.why !== null)
      fill(this.grid.empty, notice('bad', 'The orders could not be loaded',
        'It is tried again by itself.'));
    this.grid.noteMoves();
  }

  drawClock() {
    setText(this.clock, clockText(new Date(serverNow())));
  }

  drawDoubt() {
    const age = this.ageMs();
    const why = doubtOf(age, this.why);
    this.doubt.hidden = why === null;
    this.lead.classList.toggle('unseen', why !== null);
    this.node.classList.toggle('doubtful', why !== null);
    const title = why === null ? 'Kitchen' : 'Kitchen: not live';
    if (this.title !== title) {
      this.title = title;
      this.app.setTitle();
    }
    if (why === null)
      return;
    setText(this.why1, why);
    setText(this.age, age === null ? 'Nothing has been loaded.' :
      `What stands here is ${spanText(age)} old, of ` +
      `${momentText(this.loaded.wall)}.`);
  }

  drawFoot() {
    setText(this.lights, `${this.stayOn.text} Ticks are of this screen only.`);
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    clearTimeout(this.soonTimer);
    document.removeEventListener('visibilitychange', this.seen);
    this.stayOn.close();
    if (document.fullscreenElement !== null)
      document.exitFullscreen();
  }
}

export class KitchenView {
  constructor(app, route) {
    this.app = app;
    this.node = h('div', { class: 'kitchen-place' });
    this.update(route);
  }

  get title() {
    return this.screen?.title ?? 'Kitchen';
  }

  update({ values }) {
    const asked = JSON.stringify(values);
    if (asked === this.asked)
      return;
    this.asked = asked;
    this.screen?.close?.();
    this.screen = values.branch ? new KitchenScreen(this.app, values) :
      new KitchenChoice(this.app);
    fill(this.node, this.screen.node);
    if (this.app.status !== null)
      this.setStatus(this.app.status);
  }

  message(kind, data) {
    this.screen.message?.(kind, data);
  }

  reset() {
    this.screen.reset?.();
  }

  setStream(state) {
    this.screen.setStream?.(state);
  }

  setStatus(status) {
    this.screen.setStatus?.(status);
  }

  // A row of keys beside the stove is no way to another view.
  key(e) {
    return this.screen instanceof KitchenScreen && /^[0-9]$/.test(e.key);
  }

  close() {
    this.screen.close?.();
  }
}
