// orders.js -- the board: orders by status, as klikit's codes stand, with the
// age of each open one.

import { get } from './api.js';
import { h, button, fill, notice, loading, setText } from './dom.js';
import { formatRoute } from './route.js';
import { ticking } from './time.js';
import { placeText } from './nodes.js';
import { OrderView } from './order.js';
import { countText } from './words.js';

const PAGE = 200;
const AGAIN_MS = 800;
const NO_STATUS = '\uffff'; // sorts last

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
    orders: list.sort((a, b) => Date.parse(a.received_at) -
      Date.parse(b.received_at)),
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
        h('label', { class: 'check' }, this.closed, ' closed ones too')),
      h('p', { class: 'dim small' }, 'By status, as klikit sends it: its ' +
        'documents give the codes different names, so none is shown. Closed ' +
        'is what the orders handler’s configuration calls terminal.'),
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

  async load(anew) {
    const turn = Symbol('load');
    this.turn = turn;
    if (anew) {
      this.orders = null;
      fill(this.board, loading('orders'));
    }
    let page;
    try {
      page = await get('/api/v1/orders', { limit: PAGE,
        open: this.values.all === 'true' ? null : 'true',
        scope: this.values.scope, brand: this.values.brand,
        branch: this.values.branch });
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
    this.draw();
  }

  async loadMore(e) {
    e.target.disabled = true;
    try {
      const page = await get('/api/v1/orders', { limit: PAGE,
        open: this.values.all === 'true' ? null : 'true',
        scope: this.values.scope, brand: this.values.brand,
        branch: this.values.branch,
        before: this.next });
      this.orders = [...this.orders, ...page.orders];
      this.next = page.next;
    } catch { /* the button stays, to be tried again */ }
    this.draw();
  }

  card(order) {
    return h('li', { class: order.terminal ? 'order closed' : 'order' },
      h('a', { href: formatRoute({ view: 'orders', id: order.order_id,
        values: { ...this.values, in: order.scope } }) },
      h('span', { class: 'order-id' }, order.order_id),
      h('span', { class: 'order-age' }, ticking(order.received_at,
        order.terminal ? 'ago' : 'age')),
      h('span', { class: 'dim order-more' }, [order.scope,
        order.external_id, placeText(order)].filter((t) => t).join(' · '))));
  }

  draw() {
    setText(this.count, this.orders.length === 0 ? '' :
      countText(this.orders.length, 'order') +
      (this.next === null ? '' : ' loaded'));
    if (this.orders.length === 0) {
      fill(this.board, notice('empty', this.values.all === 'true' ?
        'No orders yet' : 'No open orders',
      'They show up here as soon as an event brings one.'));
      return;
    }
    fill(this.board, columnsOf(this.orders).map(({ status, orders }) =>
      h('section', { class: 'column' },
        h('h2', null, status === null ? 'no status' :
          ['status ', h('span', { class: 'code' }, status)],
        h('span', { class: 'count' }, orders.length)),
        h('ul', null, orders.map((o) => this.card(o))))),
    this.next === null ? null : button('Load older ones',
      { class: 'quiet more' }, (e) => this.loadMore(e)));
  }

  message(kind, data) {
    if (kind !== 'event' && kind !== 'job')
      return;
    this.detail?.message(kind, data);
    // When the orders handler has done its work: its job says so.
    if (kind === 'job' && data.state === 'done')
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
