// events_model.js -- the events that are known here, newest first, and which
// of them a filter lets through. No elements, no network.

export const ROWS_MAX = 20000; // the oldest go first; they can be loaded again
const HELD_MAX = 5000;         // while paused; beyond, all is loaded anew

// The newest job of each handler and order decides: a replay takes the place
// of what it repeats. Of an event with very many jobs only some are listed:
// then the server's word counts.
export function eventState(event) {
  if ((event.jobs_total ?? 0) > (event.jobs ?? []).length)
    return event.state;
  const newest = new Map();
  for (const job of event.jobs ?? []) {
    const key = `${job.handler}\0${job.place}`;
    const known = newest.get(key);
    if (known === undefined || known.id < job.id)
      newest.set(key, job);
  }
  if (newest.size === 0)
    return 'none';
  const states = [...newest.values()].map((job) => job.state);
  if (states.includes('dead'))
    return 'dead';
  return states.every((s) => s === 'done' || s === 'discarded') ? 'done' :
    'pending';
}

// An alarm that rang, and that nobody has acknowledged.
export const isOpenAlarm = (job) => Boolean(job.rang_at) &&
  !job.acknowledged_at && !job.discarded_at;

const openAlarms = (event) => (event.jobs ?? []).filter(isOpenAlarm);

export function hasAlarm(event) {
  const some = (event.jobs_total ?? 0) > (event.jobs ?? []).length;
  return openAlarms(event).length > 0 || (some && event.alarms > 0);
}

// Its timeline; an alarm that nobody has acknowledged is open.
export function momentsOf(event) {
  const at = openAlarms(event).map((job) => job.rang_at);
  return (event.timeline ?? []).map((m) => m.what === 'rang' &&
    at.includes(m.at) ? { ...m, open: true } : m);
}

// As the server finds it: ids by their beginning, external ids by any part.
function finds(event, q) {
  return event.event_id.startsWith(q) || (event.orders ?? []).some((o) =>
    o.order_id.startsWith(q) ||
    (o.external_id ?? '').toLowerCase().includes(q.toLowerCase()));
}

// Does it pass? filter: q, type, scope, brand, branch, order, handler, state,
// from, to (ms; each may be missing).
export function passes(row, filter) {
  const e = row.event;
  return (!filter.q || finds(e, filter.q)) &&
    (!filter.handler || (e.jobs ?? []).some((j) =>
      j.handler === filter.handler)) &&
    (!filter.from || Date.parse(e.received_at) >= Number(filter.from)) &&
    (!filter.to || Date.parse(e.received_at) < Number(filter.to)) &&
    (!filter.type || e.type === filter.type) &&
    (!filter.scope || e.scope === filter.scope) &&
    (!filter.brand || e.brand === filter.brand) &&
    (!filter.branch || e.branch === filter.branch) &&
    (!filter.order || (e.orders ?? []).some((o) => o.order_id === filter.order)) &&
    (!filter.state || row.state === filter.state ||
      (filter.state === 'done' && row.state === 'none'));
}

// Ids are unique within a scope; of events and of their jobs (pure).
export function keyOf({ event_id: id, scope }) {
  return scope ? `${scope}\0${id}` : id;
}

export class EventsModel {
  constructor() {
    this.filter = {};
    this.reset();
  }

  reset() {
    this.rows = [];           // newest first
    this.byId = new Map();    // keyOf() -> row
    this.visible = [];
    this.next = null;         // cursor of the page after the last row
    this.paused = this.paused ?? false;
    this.held = [];           // messages, while paused
    this.heldIds = new Set(); // new events among them
    this.overflowed = false;
  }

  static row(event, fresh) {
    return { key: keyOf(event), event, fresh, rev: 0,
      state: eventState(event) };
  }

  // A page of the list. What was found by its id is as old as it may be, and
  // what other pages have stands before it.
  append(events, next) {
    let torn = false;
    for (const event of events) {
      if (this.byId.has(keyOf(event)))
        continue;
      const row = EventsModel.row(event, false);
      torn ||= this.rows.length > 0 && this.rows.at(-1).event.id < event.id;
      this.rows.push(row);
      this.byId.set(row.key, row);
      if (passes(row, this.filter))
        this.visible.push(row);
    }
    if (torn) {
      this.rows.sort((a, b) => b.event.id - a.event.id);
      this.visible = this.rows.filter((row) => passes(row, this.filter));
    }
    this.next = next;
  }

  // A message of the stream. Returns how many rows came in at the top.
  apply(kind, data) {
    if (kind !== 'event' && kind !== 'job')
      return 0;
    if (!this.paused)
      return kind === 'event' ? this.addEvent(data) : this.addJob(data);
    if (this.held.length >= HELD_MAX) {
      this.overflowed = true;
      return 0;
    }
    this.held.push([kind, data]);
    if (kind === 'event' && !this.byId.has(keyOf(data)) &&
        passes(EventsModel.row(data, true), this.filter))
      this.heldIds.add(keyOf(data));
    return 0;
  }

  get heldCount() {
    return this.heldIds.size;
  }

  // Go on: what was held back is applied. Returns rows at the top, or -1 if
  // too much was missed and the list has to be loaded anew.
  resume() {
    const held = this.held;
    this.paused = false;
    this.held = [];
    this.heldIds = new Set();
    if (this.overflowed)
      return -1;
    return held.reduce((n, [kind, data]) => n + this.apply(kind, data), 0);
  }

  addEvent(event) {
    const known = this.byId.get(keyOf(event));
    if (known !== undefined) {
      this.change(known, { ...known.event, ...event });
      return 0;
    }
    const row = EventsModel.row(event, true);
    this.rows.unshift(row);
    this.byId.set(row.key, row);
    this.trim();
    if (!passes(row, this.filter))
      return 0;
    this.visible.unshift(row);
    return 1;
  }

  addJob(job) {
    const row = this.byId.get(keyOf(job));
    if (row === undefined)
      return 0;
    const known = row.event.jobs ?? [];
    const whole = (row.event.jobs_total ?? 0) <= known.length;
    const jobs = [...known.filter((j) => j.id !== job.id), job];
    this.change(row, { ...row.event, jobs,
      jobs_total: whole ? jobs.length : row.event.jobs_total });
    return 0;
  }

  change(row, event) {
    const was = passes(row, this.filter);
    row.event = event;
    row.state = eventState(event);
    row.rev++;
    const is = passes(row, this.filter);
    if (was && !is)
      this.visible = this.visible.filter((r) => r !== row);
    else if (!was && is)
      this.visible = this.rows.filter((r) => passes(r, this.filter));
  }

  trim() {
    while (this.rows.length > ROWS_MAX) {
      const gone = this.rows.pop();
      this.byId.delete(gone.key);
      if (this.visible.at(-1) === gone)
        this.visible.pop();
      this.next = String(this.rows.at(-1).event.id);
    }
  }
}
