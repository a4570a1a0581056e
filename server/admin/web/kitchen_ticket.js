// kitchen_ticket.js -- one order on a kitchen's screen: its element stays the
// same as long as it is shown, whatever becomes of the order.

import { h, button, fill, setText } from './dom.js';
import { serverNow, setTicking } from './time.js';
import { countText } from './words.js';
import { lateness, stuckText } from './orders.js';
import { DONE_MS, GONE_MS, contentOf, itemNames } from './kitchen_model.js';

const NEW_MS = 60000; // that an order is marked as new
const NAME_MAX = 16;  // characters that fit above its items

// Of a long id what tells it from others: it would fill the ticket.
function briefId(id) {
  const all = [...id];
  return all.length <= NAME_MAX ? id :
    [...all.slice(0, 3), '…', ...all.slice(-8)].join('');
}

// What a cook calls it (pure).
export const nameOfOrder = (order) =>
  briefId(order.short_id ?? order.external_id ?? order.order_id);

function whereText(order, branchShown) {
  return [order.channel, order.kind, branchShown && order.branch &&
    `branch ${order.branch}`, order.scope, briefId(order.order_id) ===
    nameOfOrder(order) ? null : `order ${briefId(order.order_id)}`]
    .filter((t) => t).join(' · ');
}

export class Ticket {
  // ticks: of this screen. branchShown: it shows several. act: {item(order,
  // name), done(order), seen(order)}: what a touch asks for.
  constructor(order, { ticks, branchShown, act, isNew }) {
    this.ticks = ticks;
    this.branchShown = branchShown;
    this.act = act;
    this.newUntil = isNew ? Date.now() + NEW_MS : 0;
    this.endedAt = null; // ms; since then it is not to be cooked
    this.gone = false;   // it is on the board no more
    this.why = '';       // then: how it stands
    this.taken = false;  // then: the cook has taken it away
    this.known = contentOf(order);
    this.changed = false;
    this.id = h('h2', { class: 'ticket-id' });
    this.age = document.createElement('time');
    this.where = h('p', { class: 'ticket-where' });
    this.flag = h('span', { class: 'ticket-flag' });
    this.marks = h('p', { class: 'ticket-marks' });
    this.items = h('ul', { class: 'ticket-items' });
    this.done = button('', { class: 'ticket-done' },
      () => this.act.done(this.order));
    this.node = h('li', { class: 'ticket' },
      h('header', null, h('div', { class: 'ticket-line' }, this.id,
        h('span', { class: 'ticket-age' }, this.age)),
      h('div', { class: 'ticket-line' }, this.where, this.flag)), this.marks, this.items, this.done);
    this.set(order);
  }

  // What is known of the order now. Draws only what is another one.
  set(order) {
    const content = contentOf(order);
    // A body that is kept no more is no change of the order.
    if (content !== null && this.known !== null && content !== this.known)
      this.changed = true;
    this.known = content ?? this.known;
    this.order = order;
    this.gone = this.taken = false;
    setText(this.id, nameOfOrder(order));
    setTicking(this.age, order.placed_at ?? order.received_at, 'age');
    setText(this.where, whereText(order, this.branchShown));
    this.drawItems();
    this.draw();
  }

  drawItems() {
    const { order } = this;
    const key = JSON.stringify([order.items, order.items_total,
      order.comment]);
    if (key === this.drawn)
      return;
    this.drawn = key;
    const names = itemNames(order);
    this.buttons = names.map((name, i) => this.itemButton(order.items[i],
      name));
    const left = (order.items_total ?? 0) - names.length;
    fill(this.items,
      order.comment && h('li', { class: 'item-comment whole' },
        h('bdi', null, order.comment)),
      this.buttons.map((b) => h('li', null, b)),
      left > 0 && h('li', { class: 'item-more' },
        `and ${countText(left, 'more item')}: see order ${
          briefId(order.order_id)}`),
      names.length === 0 && h('li', { class: 'item-more' },
        'Its items are not known here.'));
  }

  itemButton({ quantity, title, options, comment }, name) {
    return h('button', { type: 'button', class: 'item', 'data-name': name,
      on: { click: () => this.act.item(this.order, name) } },
    h('b', { class: 'item-quantity' }, quantity ?? '?', h('span',
      { class: 'times' }, ' ×')),
    h('span', { class: 'item-words' },
      h('bdi', { class: 'item-title' }, title ?? 'item without a name'),
      options?.length > 0 && h('bdi', { class: 'item-options' },
        options.join(', ')),
      comment && h('bdi', { class: 'item-comment' }, comment)));
  }

  // It is on the board no more. why: how it stands, if that is known.
  setGone(why = '') {
    if (this.ticks.isDone(this.order))
      this.endedAt = -Infinity; // the cook has done with it
    this.gone = true;
    this.why = why;
    this.draw();
  }

  // Not to be seen from now on. Its place stays until others may move.
  takeAway() {
    this.taken = true;
    this.endedAt = -Infinity;
    this.draw();
  }

  // It has ended, and stood in its place for long enough.
  get isOver() {
    return this.endedAt !== null && Date.now() - this.endedAt >=
      (this.gone ? GONE_MS : DONE_MS);
  }

  // A touch has shown that somebody looks at it.
  setSeen() {
    this.newUntil = 0;
    this.changed = false;
    this.draw();
  }

  // What changes without anything having come: by ticks, by time.
  draw() {
    const { order, ticks } = this;
    const done = ticks.isDone(order);
    if (done || this.gone)
      this.endedAt ??= Date.now();
    else
      this.endedAt = null;
    for (const b of this.buttons)
      b.setAttribute('aria-pressed', String(done ||
        ticks.has(order, b.dataset.name)));
    const all = this.buttons.length > 0 && this.buttons.every((b) =>
      b.getAttribute('aria-pressed') === 'true');
    const isNew = Date.now() < this.newUntil && !done;
    const late = done || this.gone ? '' : lateness(order, serverNow());
    const state = ['ticket', late, done && 'done', this.gone && 'gone',
      this.taken && 'taken', isNew && 'new', this.changed && 'changed',
      all && 'all'].filter((t) => t).join(' ');
    if (this.node.className !== state)
      this.node.className = state;
    setText(this.done, this.gone ? 'Take it away' : done ? 'Bring back' :
      'Done');
    this.done.setAttribute('aria-label',
      `${this.done.textContent}: ${nameOfOrder(order)}`);
    // In a place of its own: nothing below it moves when it goes.
    setText(this.flag, isNew ? 'New' : done && !this.gone ? 'Done here' : '');
    this.drawMarks();
  }

  drawMarks() {
    const { order } = this;
    const marks = [this.gone && ['bad', `No longer open${this.why}`],
      this.changed && ['changed', 'Changed: look again'],
      order.alarms > 0 && ['bad', 'The alarm rang'],
      (order.dead ?? []).length > 0 && ['bad', stuckText({ dead: order.dead,
        pending: [] })]].filter((m) => m);
    const key = JSON.stringify(marks);
    if (key === this.marksDrawn)
      return;
    this.marksDrawn = key;
    this.marks.hidden = marks.length === 0;
    fill(this.marks, marks.map(([kind, text]) => kind === 'changed' ?
      button(text, { class: 'mark-of changed' }, () =>
        this.act.seen(this.order)) :
      h('span', { class: `mark-of ${kind}` }, text)));
  }
}
