// order.js -- one order: what is known of it now, and the events that said so.

import { bytes, inScope, part } from './api.js';
import { h, button, fact, fill, notice, loading, section, setText }
  from './dom.js';
import { formatRoute } from './route.js';
import { moment, ticking } from './time.js';
import { BodyView } from './body_view.js';
import { scan } from './json_scan.js';
import { codeNode, typeNodes } from './nodes.js';

const AGAIN_MS = 500;

// The bytes of the member of that name of a JSON object, as they came: numbers
// are not rounded (pure). null if there is none, or it is null.
export function memberBytes(whole, name) {
  const { root } = scan(whole);
  const node = root?.children?.find((c) => c.key?.text === name);
  if (node === undefined || node.kind === 'word')
    return null;
  if (node.kind === 'string') // a document in a string
    return new TextEncoder().encode(JSON.parse(new TextDecoder().decode(
      whole.subarray(node.start, node.end))));
  return whole.subarray(node.start, node.end);
}

export class OrderView {
  constructor(app, { id, scope }, back) {
    this.app = app;
    this.id = id;
    this.scope = scope;
    this.title = h('h1', { tabIndex: -1 });
    this.facts = h('dl', { class: 'facts' });
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
    let whole;
    try {
      whole = await bytes(inScope(`/api/v1/orders/${part(this.id)}`,
        this.scope), this.abort.signal);
    } catch (e) {
      if (e.name !== 'AbortError' && this.order === undefined)
        fill(this.content, e.status === 404 ?
          notice('empty', 'There is no such order') :
          notice('bad', 'The order could not be loaded', `${e.message}.`,
            button('Try again', { class: 'quiet' }, () => this.load())));
      return;
    }
    this.order = JSON.parse(new TextDecoder().decode(whole));
    this.draw(whole);
  }

  draw(whole) {
    const o = this.order;
    fill(this.facts,
      fact('Status', h('span', { class: 'code' }, o.status ?? 'none'),
        o.terminal ? ' closed' : ' open'),
      fact('Scope', o.scope),
      fact('External id', o.external_id),
      fact('Brand', o.brand), fact('Branch', o.branch),
      fact('Updated', o.updated_at),
      fact('Received', moment(o.received_at), ' ', h('span',
        { class: 'dim' }, '(', ticking(o.received_at, 'ago'), ')')),
      ...(o.others ?? []).map((other) => fact('Also',
        h('a', { href: formatRoute({ view: 'orders', id: this.id,
          values: { in: other.scope } }) }, 'in scope ',
        h('bdi', null, other.scope)), ' ', codeNode(other.status))));
    fill(this.history, section('Events that carried it', { class: 'part' },
      h('ul', { class: 'history' }, (o.history ?? []).map((e) => h('li', null,
        h('a', { href: formatRoute({ view: 'events', id: e.event_id,
          values: { in: e.scope } }) },
          moment(e.received_at), ' ', typeNodes(e.type)),
        codeNode(e.orders.find((x) => x.id === this.id)?.status))))));
    this.drawDocument(memberBytes(whole, 'document'));
    if (this.facts.parentNode !== this.content)
      fill(this.content, this.facts, this.history, this.document);
  }

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
