// detail.js -- one event: what it is, what became of it, its body.

import { get, bytes, inScope, part, token } from './api.js';
import { h, button, fact, fill, notice, loading, section, copyText,
  setText } from './dom.js';
import { formatRoute } from './route.js';
import { moment, momentText, ticking, usText } from './time.js';
import { toast } from './dialog.js';
import { BodyView, fileName } from './body_view.js';
import { curlOf } from './curl.js';
import { JobList, lastJobs } from './jobs.js';
import { nextNode, scaleNode, stepsNode } from './timeline.js';
import { eventState, hasAlarm, momentsOf } from './events_model.js';
import { codeNode } from './nodes.js';
import { DOUBTED, bytesText, sentence, stateText } from './words.js';

const AGAIN_MS = 300; // after a message: several come together
const IN_ROW = 4;     // headers that every event has in its row
// What nobody delivered here was answered elsewhere, or never.
const UNASKED = { hub: 'none: it was taken from the hub',
  reconcile: 'none: it was found in klikit’s list' };
const ANSWERS = { 200: '200 {"status":"received"}',
  503: '503 {"error":"try again later"}' };

function orderLink(order, scope) {
  return h('li', null,
    h('a', { href: formatRoute({ view: 'orders', id: order.order_id,
      values: { in: scope } }) },
      h('bdi', null, order.order_id)), codeNode(order.status),
    order.external_id && h('bdi', { class: 'dim' }, order.external_id));
}

export class DetailView {
  constructor(app, { id, scope }, back) {
    this.app = app;
    this.id = id;
    this.scope = scope;
    this.path = `/api/v1/events/${part(id)}`;
    this.back = h('a', { class: 'back', href: back, 'aria-label':
      'Close this event' }, '✕');
    this.title = h('h2', { tabIndex: -1, class: 'detail-title' });
    this.state = h('span', { class: 'state', hidden: true });
    this.facts = h('dl', { class: 'facts' });
    this.orders = h('div');
    this.jobs = new JobList(app, () => this.load());
    this.verdict = h('div');
    this.next = h('div');
    this.timeline = h('div');
    this.headers = h('div');
    this.bodyBox = h('div');
    this.content = h('div', { class: 'detail-content' });
    this.node = h('article', { class: 'detail' },
      h('header', null, h('div', { class: 'detail-head' }, this.title,
        this.state, this.jumps = h('div', { class: 'jumps', role: 'group',
          hidden: true, 'aria-label': 'Jump to' }, [['Handlers', () => this.jobs.node],
          ['Timeline', () => this.timeline], ['Body', () => this.bodyBox],
          ['Headers', () => this.headers]].map(([text, to]) => button(text,
          { class: 'link' }, () => this.jump(to()))))), this.back),
      this.content);
    setText(this.title, id);
    fill(this.content, loading('the event'));
    this.load();
  }

  focus() {
    setTimeout(() => this.title.focus({ preventScroll: true }));
  }

  jump(to) {
    const part = to.matches('.part') ? to : to.querySelector('.part');
    part?.scrollIntoView({ block: 'start' });
  }

  setBack(href) {
    this.back.setAttribute('href', href);
  }

  async load() {
    this.abort?.abort();
    this.abort = new AbortController();
    try {
      this.event = await get(inScope(this.path, this.scope), {},
        this.abort.signal);
    } catch (e) {
      if (e.name === 'AbortError')
        return;
      if (this.body === undefined)
        fill(this.content, e.status === 404 ?
          notice('empty', 'There is no such event',
            'It may be older than ids are kept.') :
          notice('bad', 'The event could not be loaded', `${e.message}.`,
            button('Try again', { class: 'quiet' }, () => this.load())));
      return;
    }
    this.draw();
    this.loadHandlers();
  }

  draw() {
    const e = this.event;
    const state = hasAlarm(e) ? 'rang' : eventState(e);
    setText(this.state, stateText(state));
    this.state.className = `state ${state}`;
    this.drawFacts();
    fill(this.orders, (e.orders ?? []).length === 0 ? null :
      section('Orders', { class: 'part' },
        h('ul', { class: 'orders-of' }, e.orders.map((o) => orderLink(o,
          e.scope)))));
    this.jobs.set(e.jobs ?? []);
    this.drawNext();
    fill(this.timeline, section('Timeline', { class: 'part' },
      scaleNode(e), stepsNode(momentsOf(e))));
    this.drawVerdict();
    this.drawHeaders();
    if (this.body === undefined)
      this.begin();
  }

  // Once: the body does not change, and how it is looked at stays.
  begin() {
    const e = this.event;
    this.body = new BodyView({ fetchBytes: () => bytes(
      inScope(`${this.path}/body`, e.scope)),
      name: fileName(this.id),
      gone: e.purged_at ? `It was removed at ${momentText(e.purged_at)}. ` +
        'What happened to the event stays known.' : null,
      actions: e.purged_at ? [] : [button('Copy as curl',
        { class: 'quiet', id: 'copy-curl' }, () => this.copyCurl())] });
    fill(this.bodyBox, section('Body', { class: 'part' }, this.body.node));
    this.jumps.hidden = this.state.hidden = false;
    fill(this.content, this.facts, this.verdict, this.orders, this.next,
      this.jobs.node, this.timeline, this.bodyBox, this.headers);
  }

  drawNext() {
    fill(this.next, section('What happens next', { class: 'part' },
      nextNode(lastJobs(this.event.jobs ?? []), this.handlers ?? [])));
  }

  // A job that has not ended may wait because its handler is stopped.
  async loadHandlers() {
    if (!(this.event.jobs ?? []).some((j) => ['ready', 'waiting']
      .includes(j.state)))
      return;
    try {
      this.handlers = (await get('/api/v1/handlers')).handlers;
      this.drawNext();
    } catch { /* then it says what it says without */ }
  }

  // What klikit was told, and how long after the last byte of its request.
  answered() {
    const { secret, origin, answer_status: status, answer_us: us } = this.event;
    if (UNASKED[origin] !== undefined)
      return fact('Our answer', h('span', { class: 'dim' }, UNASKED[origin]));
    if (secret === null || origin !== undefined)
      return null; // nobody asked
    if (status === null)
      return fact('Our answer', h('span', { class: 'dim' }, 'not known'));
    const after = h('span', { class: 'dim' }, ` after ${usText(us)}`);
    return status === 0 ? fact('Our answer', 'none: its connection was gone',
      after) : fact('Our answer', h('code', null, ANSWERS[status] ?? status),
      after);
  }

  drawHeaders() {
    const { headers = [], purged_at: purged } = this.event;
    fill(this.headers, section('Headers', { class: 'part' },
      h('table', { class: 'headers' }, h('tbody', null, headers.map(
        ([name, value]) => h('tr', null, h('th', { scope: 'row' }, name),
          h('td', null, h('bdi', null, value)))))),
      headers.length <= IN_ROW && h('p', { class: 'dim' }, purged ?
        'The others went with the body.' : 'No others are kept.')));
  }

  drawFacts() {
    const e = this.event;
    fill(this.facts,
      fact('Type', h('bdi', null, e.type)),
      fact('Received', moment(e.received_at, true), ' ',
        h('span', { class: 'dim' }, e.date_doubted ? `(${DOUBTED})` :
          ['(', ticking(e.received_at, 'ago'), ')'])),
      fact('Scope', e.scope), fact('Origin', e.origin),
      fact('Brand', e.brand), fact('Branch', e.branch),
      fact('Size', bytesText(e.size)),
      fact('Endpoint', e.endpoint), fact('From', e.peer),
      this.answered(),
      e.repeat_of !== undefined && fact('Repeats', e.repeat_of === null ?
        'an event that is not kept any more' :
        h('a', { href: formatRoute({ view: 'events', id: e.repeat_of,
          values: { in: e.scope ?? '' } }) }, h('bdi', null, e.repeat_of))),
      e.duplicates > 0 && fact('Came again', `${e.duplicates} ×`),
      this.others());
  }

  // The events of other scopes that have the same id.
  others() {
    const e = this.event;
    const scopes = (e.scopes ?? []).filter((s) => s !== (e.scope ?? ''));
    return scopes.length > 0 && fact('Also in scope', scopes.flatMap((s) => [' ',
      h('a', { href: formatRoute({ view: 'events', id: this.id,
        values: { in: s } }) }, h('bdi', null, s))]));
  }

  drawVerdict() {
    const v = this.event.verdict;
    fill(this.verdict, v && h('p', { class: 'verdict' },
      v.secret !== null && h('span', { class: 'tick', 'aria-hidden': 'true' },
        '✓'),
      sentence(v.text)));
  }

  // Where its endpoint is: the status names the URL of each.
  webhook() {
    const { webhooks = [], endpoints = [] } = this.app.status ?? {};
    return endpoints.find((x) => x.name === this.event.endpoint)?.url ??
      webhooks[0] ?? '';
  }

  async copyCurl() {
    const status = this.app.status;
    const text = curlOf({
      event: this.event,
      file: fileName(this.id),
      admin: location.origin,
      webhook: this.webhook(),
      sign: status?.sign ?? 'klikitd sign --header',
      token: token.get() !== null,
    });
    if (await copyText(text))
      toast('ok', 'Copied. klikitd signs it: no secret stands in it. Sent ' +
        'to this server it is a duplicate, unless you change the id.');
    else
      toast('bad', 'The browser does not let this page copy.');
  }

  message(kind, data) {
    if (data.event_id !== this.id ||
        (data.scope ?? '') !== (this.event?.scope ?? this.scope))
      return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.load(), AGAIN_MS);
  }

  close() {
    clearTimeout(this.soon);
    this.abort?.abort();
  }
}
