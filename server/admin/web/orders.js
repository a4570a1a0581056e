// orders.js -- the board: orders by status, as klikit's codes stand, with the
// age of each open one.

import { get } from './api.js';
import { h, button, fill, notice, loading, setText } from './dom.js';
import { formatRoute } from './route.js';
import { serverNow, ticking } from './time.js';
import { joined, moneyNode } from './nodes.js';
import { OrderView } from './order.js';
import { countText } from './words.js';

const PAGE = 200;
const PAGE_MAX = 500; // of one request
const ITEMS = 4;      // of a card
const AGAIN_MS = 800;
const NO_STATUS = '\uffff'; // sorts last

const since = (order) => Date.parse(order.placed_at ?? order.received_at);

// How late an order is: '', 'amber' or 'red' (pure).
export function lateness({ amber_at, red_at }, now) {
  if (red_at === undefined)
    return '';
  return now >= Date.parse(red_at) ? 'red' :
    now >= Date.parse(amber_at) ? 'amber' : '';
}

// Who has not done it (pure).
export function stuckText({ dead, pending }) {
  return [dead.length > 0 && `given up: ${dead.join(', ')}`,
    pending.length > 0 && `not yet: ${pending.join(', ')}`]
    .filter((t) => t).join('; ');
}

// Columns of a board: [{status, orders}], by code; numbers by value (pure).
export function columnsOf(orders) {
  const columns = new Map();
  for (const order of orders) {
    const status = order.status ?? NO_STATUS;
    if (!columns.has(status))
      columns.set(status, []);
    columns.get(status).push(order);
  }
  const rank = (s) => /^\d+$/.test(s) ? Number(s) : Infinity;
  return [...columns].sort(([a], [b]) => rank(a) - rank(b) ||
    (a < b ? -1 : 1)).map(([status, list]) => ({
    status: status === NO_STATUS ? null : status,
    orders: list.sort((a, b) => since(a) - since(b)),
  }));
}

export class OrdersView {
  constructor(app, route) {
    this.title = 'Orders';
    this.app = app;
    this.orders = null;
    this.next = null;
    this.detail = null;
    this.board = h('div', { class: 'board' });
    this.count = h('span', { class: 'count' });
    this.closed = h('input', { type: 'checkbox', id: 'closed', on: {
      change: () => app.go({ view: 'orders', values: { ...this.values,
        all: this.closed.checked ? 'true' : '' } }) } });
    this.scope = this.filterField('scope', 'Scope');
    this.branch = this.filterField('branch', 'Branch');
    this.brand = this.filterField('brand', 'Brand');
    this.list = h('div', { class: 'page wide' },
      h('header', { class: 'page-head' }, h('h1', null, 'Orders'), this.count,
        h('span', { class: 'gap' }), this.scope, this.brand, this.branch,
        this.kitchen = h('a', { class: 'button' }, 'Screen for the kitchen'),
        h('label', { class: 'check', title: 'closed is what terminal of the ' +
          'orders handler says' }, this.closed, ' closed ones too')),
      h('p', { class: 'dim small' }, 'Open orders of the last 24 hours, the ' +
        'oldest first. Red: a handler has given it up, or not done it by its ' +
        'deadline (20 min where it has none).'),
      this.board);
    this.node = h('div', { class: 'page-place' });
    this.update(route);
  }

  filterField(name, label) {
    return h('label', { class: 'field' }, h('span', null, label),
      h('input', { name, type: 'text', inputmode: name === 'scope' ? 'text' : 'numeric',
        maxlength: 100,
        autocomplete: 'off', on: { change: (e) => this.app.go({
          view: 'orders', values: { ...this.values,
            [name]: e.target.value.trim() } }) } }));
  }

  update(route) {
    const asked = (values) => values === undefined ? null :
      JSON.stringify([values.all ?? '', values.scope ?? '',
        values.brand ?? '', values.branch ?? '']);
    const again = asked(this.values) !== asked(route.values);
    this.values = route.values;
    this.closed.checked = route.values.all === 'true';
    const { scope, brand, branch } = route.values;
    this.kitchen.setAttribute('href', formatRoute({ view: 'kitchen',
      values: { scope, brand, branch } }));
    for (const control of this.list.querySelectorAll('[name]'))
      control.value = route.values[control.name] ?? '';
    if (again)
      this.load(true);
    if (route.id === null) {
      this.detail?.close();
      this.detail = null;
      fill(this.node, this.list);
    } else if (this.detail?.id !== route.id ||
        this.detail.scope !== (route.values.in ?? '')) {
      this.detail?.close();
      this.detail = new OrderView(this.app, { id: route.id,
        scope: route.values.in ?? '' }, formatRoute({ view: 'orders',
        values: { ...this.values, in: '' } }));
      fill(this.node, this.detail.node);
    }
  }

  // Open ones, the oldest first; with closed ones those last changed first.
  page(from, limit) {
    const { scope, brand, branch, all } = this.values;
    return all === 'true' ?
      get('/api/v1/orders', { limit, scope, brand, branch, before: from }) :
      get('/api/v1/board', { limit, scope, brand, branch, after: from });
  }

  async load(anew) {
    const turn = Symbol('load');
    this.turn = turn;
    if (anew) {
      this.orders = null;
      fill(this.board, loading('orders'));
    }
    let page;
    try {
      page = await this.page(null, Math.min(PAGE_MAX,
        Math.max(PAGE, this.orders?.length ?? 0)));
    } catch (e) {
      page = e;
    }
    if (this.turn !== turn)
      return;
    if (page instanceof Error) {
      if (this.orders === null)
        fill(this.board, notice('bad', 'The orders could not be loaded',
          `${page.message}.`, button('Try again', { class: 'quiet' },
            () => this.load(true))));
      return;
    }
    this.orders = page.orders;
    this.next = page.next;
    this.counts = page.counts ?? null;
    this.open = page.open ?? null;
    this.draw();
  }

  async loadMore(e) {
    e.target.disabled = true;
    try {
      const page = await this.page(this.next, PAGE);
      this.orders = [...this.orders, ...page.orders];
      this.next = page.next;
    } catch { /* the button stays, to be tried again */ }
    this.draw();
  }

  card(order) {
    const stuck = [...order.dead ?? [], ...order.pending ?? []];
    return h('li', { class: `order ${order.terminal ? 'closed' : ''} ` +
      lateness(order, serverNow()) },
    h('a', { href: formatRoute({ view: 'orders', id: order.order_id,
      values: { ...this.values, in: order.scope } }) },
    h('span', { class: 'order-id' }, order.order_id),
    h('span', { class: 'order-age', title: order.placed_by === 'order' ?
      'since it was placed' : 'since it came in' },
    ticking(order.placed_at ?? order.received_at,
      order.terminal ? 'ago' : 'age')),
    order.alarms > 0 && h('strong', { class: 'order-mark bad' },
      'The alarm rang'),
    stuck.length > 0 && h('strong', { class: `order-mark ${
      order.dead.length > 0 ? 'bad' : 'dim'}` }, stuckText(order)),
    order.items?.length > 0 && h('span', { class: 'order-items' },
      order.items.slice(0, ITEMS).map((i) => h('span', null,
        h('b', null, `${i.quantity ?? '?'} ×`), ` ${i.title ?? 'item'}`)),
      order.items_total > ITEMS && h('span', { class: 'dim' },
        `and ${order.items_total - ITEMS} more`)),
    h('span', { class: 'dim order-more' }, joined([order.scope, order.channel,
      order.kind, order.total && h('span', null, order.currency ?? '', ' ',
        moneyNode(order.total)), order.short_id ?? order.external_id,
      order.brand && `brand ${order.brand}`,
      order.branch && `branch ${order.branch}`]))));
  }

  draw() {
    const late = this.orders.filter((o) =>
      lateness(o, serverNow()) === 'red').length;
    setText(this.count, this.orders.length === 0 ? '' :
      countText(this.open ?? this.orders.length, 'order') +
      (late === 0 ? '' : `, ${late} late`) +
      (this.next === null ? '' : `, ${this.orders.length} loaded`));
    if (this.orders.length === 0) {
      fill(this.board, notice('empty', this.values.all === 'true' ?
        'No orders yet' : 'No open orders',
      'They show up here as soon as an event brings one.'));
      return;
    }
    fill(this.board, columnsOf(this.orders).map(({ status, orders }) =>
      h('section', { class: 'column' },
        h('h2', null, status === null ? 'no status' :
          [orders[0].status_name ?? 'status', ' ',
            h('span', { class: 'code', title: 'klikit’s code; status.names ' +
            'gives it a name' }, status)],
        h('span', { class: 'count' }, countText(this.counts?.find((c) =>
          c.status === status)?.orders ?? orders.length, 'order'))),
        h('ul', null, orders.map((o) => this.card(o))))),
    this.next === null ? null : button(this.open === null ? 'Load older ones' :
      'Load younger ones',
      { class: 'quiet more' }, (e) => this.loadMore(e)));
  }

  message(kind, data) {
    if (kind !== 'event' && kind !== 'job')
      return;
    this.detail?.message(kind, data);
    // What came in, and what became of it.
    if (kind === 'event' || (kind === 'job' && data.state !== 'running'))
      this.soon ??= setTimeout(() => {
        this.soon = undefined;
        this.load(false);
      }, AGAIN_MS);
  }

  reset() {
    this.load(false);
    this.detail?.load();
  }

  key(e) {
    if (e.key !== 'Escape' || this.detail === null)
      return false;
    this.app.go({ view: 'orders', values: { ...this.values, in: '' } });
    return true;
  }

  close() {
    clearTimeout(this.soon);
    this.turn = null;
    this.detail?.close();
  }
}
