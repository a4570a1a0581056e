// order_tell.js -- klikit is sent the status of an order: which there are, and
// what became of what was sent.

import { bytes, get, inScope, part, post } from './api.js';
import { h, button, fill, section } from './dom.js';
import { formatRoute } from './route.js';
import { NAME_KEY, ask, toast } from './dialog.js';
import { moment } from './time.js';
import { lastJobs } from './jobs.js';
import { stateText } from './words.js';

// The type of the event that asks for it.
const ASKED = 'klikitd.order.status.requested';
const SHOWN = 5; // of those that were asked for, the newest first
// klikit's own statuses for which it wants a reason.
const WITH_REASON = ['rejected', 'cancelled'];

// The same thing under one key is asked for once (pure but for chance).
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)),
  (b) => b.toString(16).padStart(2, '0')).join('');

export class OrderTell {
  // changed() is called after something was asked for.
  constructor(id, changed) {
    this.id = id;
    this.changed = changed;
    this.path = `/api/v1/orders/${part(id)}/status`;
    this.statuses = null; // not known yet
    this.keys = new Map();  // word -> key, until it is answered
    this.said = new Map();  // event's id -> what it asks for
    this.events = [];
    this.buttons = h('div', { class: 'tools' });
    this.list = h('ol', { class: 'told' });
    this.node = h('div');
  }

  // order: as it was loaded; signal ends what is asked for.
  async set(order, signal) {
    this.scope = order.scope ?? '';
    this.events = (order.history ?? []).filter((e) => e.type === ASKED)
      .sort((a, b) => b.id - a.id).slice(0, SHOWN);
    this.draw();
    try {
      this.statuses ??= (await get(`${this.path}?scope=${part(this.scope)}`, {},
        signal)).statuses;
      for (const event of this.events)
        await this.read(event, signal);
    } catch { /* then it cannot be told from here */ }
    this.draw();
  }

  // Its body is klikitd's own.
  async read(event, signal) {
    if (event.purged_at || this.said.has(event.id))
      return;
    this.said.set(event.id, JSON.parse(new TextDecoder().decode(await bytes(
      inScope(`/api/v1/events/${part(event.event_id)}/body`, event.scope),
      signal))));
  }

  draw() {
    const key = JSON.stringify([this.statuses, this.events,
      [...this.said.values()]]);
    if (key === this.drawn)
      return;
    this.drawn = key;
    const focused = this.buttons.contains(document.activeElement) ?
      document.activeElement.textContent : null;
    const statuses = this.statuses ?? [];
    fill(this.buttons, statuses.map((one) => button(one.word, {
      class: WITH_REASON.includes(one.status) ? 'danger' : null,
      'aria-label': `Send klikit: ${one.word}` }, () => this.tell(one))));
    fill(this.list, this.events.map((event) => this.eventNode(event)));
    this.list.hidden = this.events.length === 0;
    fill(this.node, statuses.length + this.events.length > 0 &&
      section('Send klikit', { class: 'part' }, this.buttons, this.list));
    if (focused !== null)
      [...this.buttons.children].find((b) => b.textContent === focused)
        ?.focus();
  }

  eventNode(event) {
    const { status, by } = this.said.get(event.id) ?? {};
    return h('li', null, h('p', null, h('a', { href: formatRoute({
      view: 'events', id: event.event_id, values: { in: this.scope } }) },
    status ?? 'a status'), h('span', { class: 'dim' }, ' asked for at ',
      moment(event.received_at), by && [' by ', h('bdi', null, by)])),
    lastJobs(event.jobs ?? []).map((job) => h('p', null,
      h('span', { class: `state ${job.state}` }, stateText(job.state)), ' ',
      h('span', { class: 'dim' }, job.handler, job.outcome &&
        job.outcome !== job.state && [': ', h('bdi', null, job.outcome)]))));
  }

  async tell({ word, status }) {
    const wants = WITH_REASON.includes(status);
    const note = h('input', { type: 'text', id: 'tell-note', maxlength: 200,
      autocomplete: 'off' });
    const reason = await ask({ title: `Send klikit: ${word}?`,
      text: [`klikit is sent “${status}” for order ${this.id}, and may tell ` +
        'the customer. It cannot be taken back here.'],
      content: [h('label', { for: 'tell-note' }, 'Note, if wanted'), note],
      field: wants ? { label: 'Reason, as klikit names it', required: true,
        placeholder: 'kitchen_closed' } : null,
      confirm: word, danger: wants });
    if (reason !== null)
      await this.send(word, { ...reason !== '' && { reason_code: reason },
        ...note.value.trim() !== '' && { note: note.value.trim() } });
  }

  async send(word, more) {
    // Asked for again after no answer it is the same.
    const what = JSON.stringify([word, more]);
    this.keys.set(what, this.keys.get(what) ?? newKey());
    try {
      await post(this.path, { status: word, scope: this.scope,
        by: localStorage.getItem(NAME_KEY) ?? 'the page',
        key: this.keys.get(what), ...more });
      this.keys.delete(what);
      toast('ok', `It is on its way: “${word}” of order ${this.id}. What ` +
        'klikit answers stands here.');
      this.changed();
    } catch (e) {
      toast('bad', `Not done: ${e.message}.`);
    }
  }
}
