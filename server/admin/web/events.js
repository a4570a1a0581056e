// events.js -- the live list of events, and beside it (on a phone: instead of
// it) the one that is open.

import { get } from './api.js';
import { h, button, fill, notice, loading, setText } from './dom.js';
import { formatRoute } from './route.js';
import { fieldOf, moment, ofField, parseMoment, ticking } from './time.js';
import { EventsModel, hasAlarm, keyOf } from './events_model.js';
import { WindowList } from './window_list.js';
import { DetailView } from './detail.js';
import { guide } from './first_run.js';
import { StatusStrip } from './status_strip.js';
import { codeNode, placeText, scopeNode, typeNodes } from './nodes.js';
import { DOUBTED, EVENT_TYPES, stateText, countText } from './words.js';

const PAGE = 200;
const PATH = '/api/v1/events';
// Parts of the address, and what the server calls them.
const ASKED = { q: 'q', type: 'type', state: 'state', handler: 'handler',
  brand: 'brand', branch: 'branch', order: 'order', scope: 'scope',
  from: 'since', to: 'until' };
const NAMES = Object.keys(ASKED);
const TIMES = ['from', 'to'];
const TYPING_MS = 250;
const HEADS = [['time', 'Received'], ['type', 'Type'],
  ['order', 'Order, status'], ['place', 'Brand, branch'], ['ago', 'Age'],
  ['dup', 'Came again'], ['state', 'State']];
const LOOKS_MAX = 20; // in a row, for what is rare; then somebody is asked

function orderNodes(event) {
  const orders = event.orders ?? [];
  if (event.origin === 'internal' && orders.length === 0)
    return [h('span', { class: 'dim' }, 'klikitd’s own')];
  const n = event.orders_total ?? orders.length;
  if (orders.length === 0)
    return [h('span', { class: 'dim' }, 'no order')];
  return [h('bdi', null, orders[0].order_id), ' ', n === 1 ?
    codeNode(orders[0].status) :
    h('span', { class: 'dim' }, `and ${n - 1} more`)];
}

const select = (name, label, options, change) => h('label',
  { class: 'field' }, h('span', null, label),
  h('select', { name, on: { change } }, options.map(([value, text]) =>
    h('option', { value }, text))));

const input = (name, label, listener, more = {}) => h('label',
  { class: 'field' }, h('span', null, label),
  h('input', { name, type: 'text', autocomplete: 'off', spellcheck: 'false',
    maxlength: 200, ...more, on: { input: listener } }));

const choices = (id, texts) => h('datalist', { id },
  texts.map((value) => h('option', { value })));

export class EventsView {
  constructor(app, route) {
    this.title = 'Events';
    this.app = app;
    this.model = new EventsModel();
    this.added = 0; // rows at the top, since it was drawn
    this.detail = null;
    this.list = new WindowList({ label: 'Events, the newest first',
      render: (row) => this.renderRow(row), end: () => this.loadMore() });
    this.strip = new StatusStrip();
    this.build();
    this.update(route);
    this.loadHandlers();
    if (app.status !== null)
      this.setStatus(app.status);
  }

  build() {
    const changed = () => this.changeFilter();
    const typed = () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(changed, TYPING_MS);
    };
    this.text = h('input', { type: 'search', id: 'filter-text', name: 'q',
      placeholder: 'Event, order or external id', autocomplete: 'off',
      spellcheck: 'false', maxlength: 200, 'aria-keyshortcuts': '/',
      on: { input: typed } });
    this.handlers = choices('known-handlers', []);
    this.fields = h('div', { class: 'fields', id: 'filter-fields' },
      input('type', 'Type', typed, { list: 'known-types',
        placeholder: 'every type' }), choices('known-types', EVENT_TYPES),
      select('state', 'State', [['', 'every state'], ['pending', 'pending'],
        ['done', 'done'], ['dead', 'dead']], changed),
      input('handler', 'Handler', typed, { list: 'known-handlers',
        placeholder: 'every handler' }), this.handlers,
      input('from', 'From', typed, { type: 'datetime-local', step: 1 }),
      input('to', 'To', typed, { type: 'datetime-local', step: 1 }),
      input('brand', 'Brand', typed, { inputmode: 'numeric' }),
      input('branch', 'Branch', typed, { inputmode: 'numeric' }),
      input('order', 'Order', typed, { inputmode: 'numeric' }),
      input('scope', 'Scope', typed));
    this.more = button('Filters', { class: 'quiet', 'aria-expanded': 'false',
      'aria-controls': 'filter-fields' }, () => this.toggleFields());
    this.clear = button('Clear', { class: 'quiet', hidden: true }, () =>
      this.app.go({ view: 'events', id: this.id, values: {} }));
    this.pause = button('Freeze list', { class: 'quiet', id: 'pause',
      'aria-keyshortcuts': 'p' }, () => this.togglePause());
    this.count = h('span', { class: 'count' });
    this.fresh = button('', { class: 'fresh', hidden: true }, () => {
      this.list.toTop();
      this.drawFresh(-this.above);
    });
    this.above = 0;
    this.list.node.addEventListener('scroll', () => {
      if (!this.list.scrolled)
        this.drawFresh(-this.above);
    });
    this.lookedText = h('span');
    this.furtherButton = button('Look further', { class: 'quiet' },
      () => this.lookFurther());
    this.further = h('div', { class: 'further', role: 'status', hidden: true },
      this.lookedText, this.furtherButton);
    // Each row says it all to who hears it.
    this.heads = h('div', { class: 'row-heads', 'aria-hidden': 'true',
      hidden: true }, HEADS.map(([name, text]) => h('span',
      { class: `c-${name}` }, text)));
    this.place = h('div', { class: 'place' });
    this.pane = h('div', { class: 'pane list-pane' },
      h('h1', { class: 'unseen' }, 'Events'), this.strip.node,
      h('div', { class: 'toolbar' },
        h('label', { class: 'unseen', for: 'filter-text' }, 'Find'),
        this.text, this.more, this.fields, this.clear,
        h('span', { class: 'gap' }), this.count, this.pause),
      this.heads, this.fresh, this.place, this.further);
    this.side = h('div', { class: 'pane detail-pane', hidden: true });
    this.node = h('div', { class: 'split' }, this.pane, this.side);
  }

  toggleFields() {
    const open = this.fields.classList.toggle('open');
    this.more.setAttribute('aria-expanded', String(open));
  }

  // Their names, to choose from.
  async loadHandlers() {
    try {
      const { handlers } = await get('/api/v1/handlers');
      fill(this.handlers, handlers.map((x) => h('option', { value: x.name })));
    } catch { /* a name can be typed all the same */ }
  }

  renderRow(row) {
    const e = row.event;
    const rang = hasAlarm(e);
    return h('li', { class: `row${row.fresh ? ' fresh-row' : ''}${
      rang ? ' rang' : ''}` },
      h('a', { href: formatRoute({ view: 'events', id: e.event_id,
        values: { ...this.values, in: e.scope } }) },
      h('span', { class: 'c-time' }, moment(e.received_at),
        e.date_doubted && h('span', { title: DOUBTED }, ' ?')),
      h('span', { class: 'c-type' }, typeNodes(e.type)),
      h('span', { class: 'c-order' }, orderNodes(e)),
      h('span', { class: 'c-place' }, placeText(e), ' ', scopeNode(e)),
      h('span', { class: 'c-ago' }, ticking(e.received_at, 'ago')),
      h('span', { class: 'c-dup' },
        e.repeat_of === undefined ? null :
          h('span', { title: 'the same body as an earlier event' }, 'repeat '),
        e.duplicates > 0 ? h('span', { title: 'came again so many times' },
          `${e.duplicates} ×`) : null),
      h('span', { class: `c-state state ${rang ? 'rang' : row.state}` },
        stateText(rang ? 'rang' : row.state))));
  }

  // -- The filter, which is part of the address --

  get id() {
    return this.app.route?.id ?? null;
  }

  update(route) {
    const asked = (values) => JSON.stringify(NAMES.map((n) =>
      values[n] ?? ''));
    const again = this.values === undefined ||
      asked(this.values) !== asked(route.values);
    this.values = route.values;
    for (const control of this.node.querySelectorAll('[name]')) {
      const given = route.values[control.name] ?? '';
      const value = TIMES.includes(control.name) ?
        fieldOf(parseMoment(given)) : given;
      if (control.value !== value && control !== document.activeElement)
        control.value = value;
    }
    const set = NAMES.filter((name) => route.values[name]);
    const n = set.filter((name) => name !== 'q').length;
    this.more.textContent = n === 0 ? 'Filters' : `Filters (${n})`;
    this.clear.hidden = set.length === 0;
    if (again)
      this.load();
    this.openDetail(route.id, route.values.in ?? '');
  }

  changeFilter() {
    const values = this.values.in ? { in: this.values.in } : {};
    for (const { name, value } of this.node.querySelectorAll('[name]'))
      values[name] = TIMES.includes(name) ? ofField(value) : value.trim();
    const route = { view: 'events', id: this.id, values };
    this.app.replace(route);
    this.update(route);
    this.list.toTop();
  }

  // -- Pages --

  async load() {
    const turn = Symbol('load');
    this.turn = turn;
    this.model.reset();
    this.model.filter = { ...this.values };
    for (const name of TIMES)
      this.model.filter[name] = parseMoment(this.values[name]);
    this.looked = 0;
    this.looks = 0;
    this.drawFresh(-this.above);
    this.failed = null;
    this.ready = false;
    this.busy = true;
    this.waiting = []; // messages that come before the page does
    if (this.place.firstChild !== this.list.node)
      fill(this.place, loading('events'));
    await this.fetchPage(turn, null);
  }

  async fetchPage(turn, before) {
    const asked = Object.fromEntries(NAMES.map((n) => [ASKED[n],
      TIMES.includes(n) ? this.model.filter[n] : this.values[n]]));
    let page;
    try {
      page = await get(PATH, { ...asked, limit: PAGE, before });
    } catch (e) {
      page = e;
    }
    if (this.turn !== turn)
      return;
    this.busy = false;
    if (page instanceof Error)
      this.failed = page;
    else {
      this.failed = null;
      this.model.append(page.events, page.next === null ? null :
        String(page.next));
      this.ready = true;
      this.looked += page.scanned;
      this.looks = page.events.length < PAGE ? this.looks + 1 : 0;
      for (const [kind, data] of this.waiting.splice(0))
        this.model.apply(kind, data);
    }
    this.draw();
    if (this.looks > 0)
      this.loadMore();
  }

  // What is rare is looked for a part at a time. After some of them somebody
  // has to say that it is to go on.
  loadMore() {
    if (this.busy || this.model.next === null || this.failed !== null ||
        this.looks >= LOOKS_MAX)
      return;
    this.busy = true;
    this.fetchPage(this.turn, this.model.next);
  }

  lookFurther() {
    this.looks = 0;
    this.loadMore();
    this.draw();
  }

  // -- The stream --

  message(kind, data) {
    if (kind === 'event' || kind === 'job')
      this.detail?.message(kind, data);
    if (!this.ready) {
      this.waiting.push([kind, data]);
      return;
    }
    this.drawSoon(this.model.apply(kind, data));
  }

  // Something was missed. A list that was stopped stays so until it goes on.
  reset() {
    if (this.model.paused)
      this.model.overflowed = true;
    else
      this.load();
    this.detail?.load();
  }

  setStatus(status) {
    this.strip.set(status);
    this.draw();
  }

  togglePause() {
    const { model } = this;
    if (!model.paused) {
      model.paused = true;
      this.draw();
    } else {
      const added = model.resume();
      if (added === -1)
        this.load();
      else
        this.draw(added);
    }
    this.app.shell.setPaused(model.paused);
  }

  // -- Drawing --

  // Messages come many at a time: once for all of them.
  drawSoon(added) {
    this.added += added;
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw(more = 0) {
    const { model } = this;
    const added = this.added + more;
    cancelAnimationFrame(this.frame);
    this.frame = undefined;
    this.added = 0;
    setText(this.pause, !model.paused ? 'Freeze list' :
      model.heldCount === 0 ? 'Go on' :
        `Go on (${model.heldCount} held back)`);
    this.pause.setAttribute('aria-pressed', String(model.paused));
    this.pause.classList.toggle('on', model.paused);
    if (this.failed !== null && model.rows.length === 0) {
      fill(this.place, notice('bad', 'The events could not be loaded',
        `${this.failed.message}.`, button('Try again', { class: 'quiet' },
          () => this.load())));
      return;
    }
    if (!this.ready)
      return;
    setText(this.count, countText(model.visible.length, 'event') +
      (model.next === null ? '' : ' loaded'));
    this.drawLooked();
    if (model.visible.length === 0) {
      this.drawEmpty();
      return;
    }
    this.heads.hidden = false;
    if (this.place.firstChild !== this.list.node)
      fill(this.place, this.list.node);
    this.list.set(model.visible, added);
    if (added > 0 && this.list.scrolled)
      this.drawFresh(added);
  }

  drawEmpty() {
    this.heads.hidden = true;
    const filtered = Object.values(this.values).some((v) => v !== '');
    if (filtered) {
      fill(this.place, this.model.next === null ?
        notice('empty', 'No event passes this filter',
          'New ones that do will show up here.') :
        notice('empty', this.busy ? 'Looking …' : 'None so far'));
    } else if (this.app.status === null)
      fill(this.place, loading('the addresses'));
    else if (this.place.firstChild?.className !== 'guide')
      fill(this.place, guide(this.app.status, true));
  }

  // Not all was looked at: how far, and how it goes on.
  drawLooked() {
    const { next } = this.model;
    this.further.hidden = this.looks === 0 || next === null;
    if (this.further.hidden)
      return;
    setText(this.lookedText, 'Looked at the newest ' +
      `${countText(this.looked, 'event')}.`);
    this.furtherButton.disabled = this.busy || this.looks < LOOKS_MAX;
    setText(this.furtherButton, this.furtherButton.disabled ? 'Looking …' :
      'Look further');
  }

  // How many new rows are above what is in sight.
  drawFresh(n) {
    this.above += n;
    this.fresh.hidden = this.above === 0;
    setText(this.fresh, `↑ ${countText(this.above, 'new event')}`);
  }

  // -- The open one --

  openDetail(id, scope) {
    const back = formatRoute({ view: 'events', values: { ...this.values,
      in: '' } });
    this.node.classList.toggle('open', id !== null);
    this.side.hidden = id === null;
    this.list.mark(id === null ? this.list.active :
      keyOf({ event_id: id, scope }));
    if (id === null) {
      const had = this.detail !== null;
      this.detail?.close();
      this.detail = null;
      this.side.replaceChildren();
      if (had)
        this.list.move(0);
    } else if (this.detail?.id !== id || this.detail.scope !== scope) {
      this.detail?.close();
      this.detail = new DetailView(this.app, { id, scope }, back);
      fill(this.side, this.detail.node);
      this.side.scrollTop = 0;
      this.detail.focus();
    } else
      this.detail.setBack(back);
  }

  key(e) {
    if (e.key === 'j' || e.key === 'k' ||
        ((e.key === 'ArrowDown' || e.key === 'ArrowUp') &&
         e.target.closest('.rows') !== null)) {
      const row = this.list.move(e.key === 'j' || e.key === 'ArrowDown' ?
        1 : -1);
      return row !== null;
    }
    if (e.key === '/') {
      this.text.focus();
      this.text.select();
      return true;
    }
    if (e.key === 'p') {
      this.togglePause();
      return true;
    }
    if (e.key !== 'Escape')
      return false;
    if (e.target.closest('.toolbar') !== null) {
      e.target.blur();
      this.list.move(0);
    } else if (this.id !== null)
      this.app.go({ view: 'events', values: this.values });
    return true;
  }

  close() {
    clearTimeout(this.typing);
    cancelAnimationFrame(this.frame);
    this.turn = null;
    this.detail?.close();
    this.list.close();
    this.app.shell.setPaused(false);
  }
}
