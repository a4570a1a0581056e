// order.js -- one order: what is in it, what it comes to, what became of it
// over all events that carried it, and its document.

import { h, button, fact, fill, notice, loading, section, setText }
  from './dom.js';
import { formatRoute } from './route.js';
import { moment, ticking } from './time.js';
import { BodyView } from './body_view.js';
import { codeNode, moneyNode, stampNode, typeNodes } from './nodes.js';
import { historyOf } from './order_history.js';
import { cartEvent, loadItems, loadOrder } from './order_load.js';
import { partsOf } from './order_parts.js';
import { OrderTell } from './order_tell.js';
import { stepsNode, nextNode } from './timeline.js';
import { lastJobs } from './jobs.js';

const AGAIN_MS = 500;
const HIDDEN = '••••••';

export class OrderView {
  constructor(app, { id, scope }, back) {
    this.app = app;
    this.id = id;
    this.scope = scope;
    this.title = h('h1', { tabIndex: -1 });
    this.facts = h('dl', { class: 'facts' });
    this.items = h('div');
    this.person = h('div', { class: 'customer' });
    this.shown = false; // the customer's data
    this.tell = new OrderTell(id, () => this.load());
    this.next = h('div');
    this.history = h('div');
    this.document = h('div');
    this.content = h('div');
    setText(this.title, `Order ${id}`);
    this.node = h('article', { class: 'page detail' },
      h('header', { class: 'page-head' }, this.title, h('span',
        { class: 'gap' }), h('a', { class: 'back', href: back, 'aria-label':
        'Back to the orders' }, '✕')), this.content);
    fill(this.content, loading('the order'));
    this.load();
    setTimeout(() => this.title.focus({ preventScroll: true }));
  }

  async load() {
    this.abort?.abort();
    this.abort = new AbortController();
    let found;
    try {
      found = await loadOrder(this.id, this.scope, this.abort.signal);
    } catch (e) {
      if (e.name !== 'AbortError' && this.order === undefined)
        fill(this.content, e.status === 404 ?
          notice('empty', 'There is no such order',
            'No event that is kept has carried it.') :
          notice('bad', 'The order could not be loaded', `${e.message}.`,
            button('Try again', { class: 'quiet' }, () => this.load())));
      return;
    }
    // What has not changed is left as it is looked at.
    const key = JSON.stringify(found.order);
    this.order = found.order;
    if (key !== this.drawn)
      this.draw(found.document);
    this.drawn = key;
    // Each goes on with what a load before was kept from by this one.
    this.tell.set(this.order, this.abort.signal);
    this.loadCart();
  }

  draw(document) {
    const o = this.order;
    this.parts = document === null ? null : partsOf(document);
    fill(this.facts,
      fact('Status', o.status_name && `${o.status_name} `,
        h('span', { class: 'code' }, o.status ?? 'none'),
        o.recorded !== false && (o.terminal ? ' closed' : ' open')),
      o.recorded === false && fact('Record', 'none: no handler keeps orders, ' +
        'this is what its newest event says'),
      fact('Scope', o.scope),
      fact('External id', o.external_id),
      ...(this.parts?.facts ?? []).map(([name, text]) => fact(name,
        stampNode(text))),
      fact('Brand', o.brand), fact('Branch', o.branch),
      o.updated_at && fact('Updated', stampNode(o.updated_at)),
      o.received_at && fact('Received', moment(o.received_at), ' ', h('span',
        { class: 'dim' }, '(', ticking(o.received_at, 'ago'), ')')),
      ...(o.others ?? []).map((other) => fact('Also',
        h('a', { href: formatRoute({ view: 'orders', id: this.id,
          values: { in: other.scope } }) }, 'in scope ',
        h('bdi', null, other.scope)), ' ', codeNode(other.status))));
    this.drawItems();
    this.drawPerson();
    this.drawHistory();
    this.drawDocument(document);
    if (this.facts.parentNode !== this.content)
      fill(this.content, this.facts, this.tell.node, this.items, this.person,
        this.next, this.history, this.document);
  }

  // -- What is in it --

  // The newest cart replaces what the document has.
  async loadCart() {
    const event = cartEvent(this.order);
    if (event === null || event.id === this.cart?.event.id)
      return;
    try {
      const items = await loadItems(event, this.id, this.abort.signal);
      if (items.length > 0)
        this.cart = { event, items };
      this.drawItems();
      this.drawPerson();
    } catch { /* then the document's stand there */ }
  }

  itemNode({ quantity, title, price, comment, options }) {
    return h('tr', null,
      h('td', { class: 'item-n' }, quantity ?? '?', ' ×'),
      h('td', null, h('bdi', { class: 'item-name' }, title ??
        'without a name'),
      options.map((o) => h('div', { class: 'dim' }, o.quantity &&
        `${o.quantity} × `, h('bdi', null, o.title), o.price &&
        [' +', moneyNode(o.price)])),
      comment && h('div', { class: 'item-said' }, this.shown ?
        h('bdi', null, `“${comment}”`) : this.hidden('comment'))),
      h('td', { class: 'money' }, moneyNode(price)));
  }

  hidden(what) {
    return [`${what} `, h('span', { class: 'j-hidden', title:
      'customer data, hidden' }, HIDDEN)];
  }

  drawItems() {
    const { parts } = this;
    const items = this.cart?.items ?? parts?.items ?? [];
    const rows = parts?.rows ?? [];
    const total = parts?.total ?? null;
    const money = [...rows, ...total === null ? [] : [['Total', total]]];
    fill(this.items, section('Items', { class: 'part' },
      this.cart && h('p', { class: 'dim small' }, 'As the ', h('a', {
        href: formatRoute({ view: 'events', id: this.cart.event.event_id,
          values: { in: this.cart.event.scope } }) }, 'newest cart'),
      ' of ', moment(this.cart.event.received_at), ' has them.'),
      items.length === 0 && h('p', { class: 'dim' }, parts === null ?
        'The body that carried them is no longer kept.' :
        'It names no items.'),
      (items.length > 0 || money.length > 0) && h('table',
        { class: 'order-sheet' },
        h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Quantity'),
          h('th', { scope: 'col' }, 'Item'), h('th', { scope: 'col',
            class: 'money' }, parts?.currency ?? 'Price'))),
        h('tbody', null, items.map((item) => this.itemNode(item))),
        money.length > 0 && h('tfoot', null, money.map(([name, text]) =>
          h('tr', { class: name === 'Total' ? 'total' : null }, h('td'),
            h('th', { scope: 'row' }, name),
            h('td', { class: 'money' }, moneyNode(text))))))));
  }

  // -- Whom it is for --

  drawPerson() {
    const rows = this.parts?.person ?? [];
    const comments = [...this.cart?.items ?? [], ...this.parts?.items ?? []]
      .some((i) => i.comment !== null);
    fill(this.person, (rows.length > 0 || comments) && section('Customer',
      { class: 'part' },
      h('div', { class: 'tools' }, button(this.shown ? 'Hide customer data' :
        'Show customer data', { class: 'quiet', 'aria-pressed':
        String(this.shown) }, () => {
        this.shown = !this.shown;
        this.drawItems();
        this.drawPerson();
        this.person.querySelector('button').focus();
      })),
      h('dl', { class: 'facts person' }, rows.map(([name, text]) =>
        fact(name, this.shown ? h('bdi', null, text) : h('span',
          { class: 'j-hidden', title: 'customer data, hidden' }, HIDDEN))))));
  }

  // -- What became of it --

  receivedNodes(event, status) {
    return [h('a', { href: formatRoute({ view: 'events', id: event.event_id,
      values: { in: event.scope } }) }, typeNodes(event.type)), ' ',
    codeNode(status)];
  }

  drawHistory() {
    const { moments, jobs } = historyOf(this.order.history ?? [], this.id);
    fill(this.next, jobs.length > 0 && section('What happens next',
      { class: 'part' }, nextNode(lastJobs(jobs), [])));
    fill(this.history, section('Timeline', { class: 'part' },
      stepsNode(moments.map((m) => m.what !== 'received' ? m : { ...m,
        more: this.receivedNodes(m.event, m.status) }))));
  }

  // -- As it came --

  // Anew only if it has changed: how it is looked at stays.
  drawDocument(document) {
    const text = document === null ? null : new TextDecoder().decode(document);
    if (text === this.text)
      return;
    this.text = text;
    const view = new BodyView({ fetchBytes: async () => document,
      name: `klikit-order-${this.id.replace(/[^A-Za-z0-9._-]/g, '_')}.json`,
      gone: document === null ? 'The event that carried it has been purged.' :
        null });
    fill(this.document, section('Document', { class: 'part' }, view.node));
  }

  message(kind, data) {
    const mine = kind === 'job' || (data.orders ?? []).some((o) =>
      o.order_id === this.id);
    if (mine)
      this.soon ??= setTimeout(() => {
        this.soon = undefined;
        this.load();
      }, AGAIN_MS);
  }

  close() {
    clearTimeout(this.soon);
    this.abort?.abort();
  }
}
