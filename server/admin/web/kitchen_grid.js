// kitchen_grid.js -- the orders on a kitchen's screen. Nothing moves under a
// hand: what ends stays in its place for a while, what comes stands at the end,
// and the oldest is first again when nobody has touched the screen for a moment.

import { get, inScope, part } from './api.js';
import { h, button, fill, notice, setText } from './dom.js';
import { countText } from './words.js';
import { Ticket, nameOfOrder } from './kitchen_ticket.js';
import { MOVED_MS, QUIET_MS, Ticks, arrange, keyOfOrder, ofStatuses }
  from './kitchen_model.js';

const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel',
  'touchmove'];

export class KitchenGrid {
  // values: of the address; several: it shows more than one branch.
  constructor(values, several) {
    this.values = values;
    this.several = several;
    this.ticks = new Ticks(localStorage, JSON.stringify([values.scope ?? '',
      values.brand ?? '', values.branch]));
    this.tickets = new Map(); // key -> Ticket, as they stand
    this.wanted = new Map();  // key -> order, of the last look at the board
    this.heard = null;        // keys that were there before; null: no look yet
    this.spots = new Map();   // where each ticket stood
    this.touchedAt = this.movedAt = -Infinity;
    this.act = this.guarded({
      item: (order, name) => this.ticks.toggle(order, name, Date.now()),
      done: (order) => this.toggleDone(order),
      seen: () => {},
    });
    this.list = h('ul', { class: 'tickets', 'aria-label':
      'Open orders, the oldest first' });
    this.empty = h('div');
    this.place = h('div', { class: 'tickets-place', on: {
      scroll: () => this.drawBelow() } }, this.empty, this.list);
    this.below = button('', { class: 'below', hidden: true }, () =>
      this.place.scrollBy({ top: this.place.clientHeight * 0.8 }));
    this.doneButton = button('', { class: 'quiet', id: 'done-here',
      'aria-expanded': 'false', hidden: true }, () => this.toggleDoneList());
    this.doneList = h('ul', { class: 'done-list', hidden: true });
    for (const type of TOUCHES)
      this.place.addEventListener(type, () => {
        this.touchedAt = performance.now();
      }, { passive: true });
  }

  // A touch just after something has moved was meant for what stood there.
  guarded(acts) {
    return Object.fromEntries(Object.entries(acts).map(([what, run]) =>
      [what, (order, ...more) => {
        if (performance.now() - this.movedAt < MOVED_MS)
          return;
        run(order, ...more);
        this.tickets.get(keyOfOrder(order))?.setSeen();
        this.drawAll();
      }]));
  }

  toggleDone(order) {
    const ticket = this.tickets.get(keyOfOrder(order));
    if (ticket?.gone)
      this.takeAway(ticket);
    else
      this.ticks.setDone(order, !this.ticks.isDone(order), Date.now());
  }

  // It goes at once, by the cook's own hand, and nothing else moves by it.
  takeAway(ticket) {
    const next = [...this.tickets.values()];
    next.push(...next.splice(0, next.indexOf(ticket)));
    const focused = ticket.node.contains(document.activeElement);
    ticket.takeAway();
    const left = next.find((t) => !t.taken);
    if (left === undefined)
      this.arrange(true);
    else if (focused)
      left.done.focus({ preventScroll: true });
  }

  // The board as it is now; complete: it is all of it. Returns the orders that
  // have come since the last look.
  take(orders, complete) {
    const wanted = ofStatuses(orders, this.values.status);
    const keys = wanted.map(keyOfOrder);
    this.wanted = new Map(wanted.map((o, i) => [keys[i], o]));
    for (const [key, ticket] of this.tickets) {
      const order = this.wanted.get(key);
      if (order !== undefined)
        ticket.set(order);
      else if (!ticket.gone && complete)
        this.setGone(ticket);
    }
    if (complete)
      this.ticks.keepOnly(new Set(orders.map(keyOfOrder)));
    const fresh = this.heard === null ? [] : wanted.filter((o, i) =>
      !this.heard.has(keys[i]) && !this.ticks.isDone(o));
    this.fresh = new Set(fresh.map(keyOfOrder));
    this.heard = new Set([...[...this.heard ?? []].slice(-5000), ...keys]);
    this.arrange(this.tickets.size === 0);
    this.fresh.clear();
    this.drawAll();
    return fresh;
  }

  // How it stands now is asked for: a cook wants to know whether it was
  // cancelled.
  async setGone(ticket) {
    ticket.setGone();
    const { order_id: id, scope } = ticket.order;
    try {
      const now = await get(inScope(`/api/v1/orders/${part(id)}`, scope));
      if (ticket.gone)
        ticket.setGone(now.status === null ? '' : now.status_name ?
          `: ${now.status_name} (${now.status})` : `: status ${now.status}`);
    } catch { /* then it is only known that it is not open */ }
  }

  get open() {
    return [...this.wanted.values()].filter((o) => !this.ticks.isDone(o));
  }

  // -- Where they stand --

  arrange(mayMove) {
    const stays = [...this.tickets.values()].filter((t) =>
      t.endedAt !== null && !t.isOver).map((t) => t.order);
    const open = new Map([...this.open, ...stays].map((o) =>
      [keyOfOrder(o), o]));
    const keys = arrange([...this.tickets.keys()], [...open.values()],
      mayMove);
    const focused = this.list.contains(document.activeElement);
    for (const [key, ticket] of this.tickets) {
      if (!keys.includes(key))
        ticket.node.remove();
    }
    this.tickets = new Map(keys.map((key) => [key, this.tickets.get(key) ??
      this.newTicket(key)]));
    [...this.tickets.values()].forEach(({ node }, i) => {
      if (this.list.children[i] !== node)
        this.list.insertBefore(node, this.list.children[i] ?? null);
    });
    if (focused && !this.list.contains(document.activeElement))
      this.list.querySelector('.ticket-done')?.focus({ preventScroll: true });
  }

  newTicket(key) {
    return new Ticket(this.wanted.get(key), { ticks: this.ticks,
      branchShown: this.several, act: this.act, isNew: this.fresh.has(key) });
  }

  // Each second: what has ended goes, and the oldest is first again, when
  // nobody is at it.
  look() {
    const keys = [...this.tickets.keys()];
    if (performance.now() - this.touchedAt >= QUIET_MS &&
        ([...this.tickets.values()].some((t) => t.isOver) ||
         arrange(keys, [...this.tickets.values()].map((t) => t.order), true)
           .some((key, i) => key !== keys[i])))
      this.arrange(true);
    this.drawAll();
  }

  // Has what stood here been moved, by whatever?
  noteMoves() {
    const top = this.place.getBoundingClientRect().top;
    const spots = new Map([...this.tickets].map(([key, { node, items }]) =>
      [key, `${node.offsetLeft} ${top + node.offsetTop} ${items.offsetTop}`]));
    if ([...spots].some(([key, spot]) =>
      (this.spots.get(key) ?? spot) !== spot))
      this.movedAt = performance.now();
    this.spots = spots;
  }

  // -- Drawing --

  drawAll() {
    for (const ticket of this.tickets.values())
      ticket.draw();
    if (this.heard !== null && this.isEmpty !== (this.tickets.size === 0)) {
      this.isEmpty = this.tickets.size === 0;
      fill(this.empty, this.isEmpty && notice('good', 'No open orders',
        'New ones show up here by themselves.'));
    }
    this.drawDone();
    this.drawBelow();
    this.noteMoves();
  }

  // Nobody in a kitchen scrolls to look whether there is more.
  drawBelow() {
    const end = this.place.getBoundingClientRect().bottom - 24;
    const n = [...this.tickets.values()].filter(({ node, endedAt }) =>
      endedAt === null && node.getBoundingClientRect().top > end).length;
    this.below.hidden = n === 0;
    setText(this.below, `▼ ${countText(n, 'more order')} below`);
  }

  toggleDoneList() {
    this.doneList.hidden = !this.doneList.hidden;
    this.doneButton.setAttribute('aria-expanded',
      String(!this.doneList.hidden));
    this.drawAll();
  }

  drawDone() {
    const done = [...this.wanted.values()].filter((o) => this.ticks.isDone(o));
    this.doneButton.hidden = done.length === 0;
    this.doneList.hidden ||= done.length === 0;
    setText(this.doneButton, `Done here (${done.length})`);
    const key = done.map(keyOfOrder).join('\n');
    if (key === this.doneDrawn)
      return;
    this.doneDrawn = key;
    fill(this.doneList, done.map((order) => h('li', null, h('bdi', null,
      nameOfOrder(order)), button('Bring back', { class: 'quiet',
      'aria-label': `Bring back ${nameOfOrder(order)}` }, () => {
      this.ticks.setDone(order, false, Date.now());
      this.arrange(false);
      this.drawAll();
    }))));
  }
}
