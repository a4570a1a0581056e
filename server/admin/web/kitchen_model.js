// kitchen_model.js -- what a kitchen's screen shows and in which order, what was
// ticked off on it, and whether it can be believed (pure, but for the storage
// that it is given).

const TICKS_KEY = 'klikitd-kitchen-ticks';
const TICKS_MAX = 500; // orders; what was ticked longest ago goes first

export const LOOK_MS = 10000; // between two looks at the board
export const OLD_MS = 25000;  // two looks were missed
export const DONE_MS = 6000;  // what is done stays in its place, dim
export const GONE_MS = 60000; // what was closed elsewhere, under the cook's hands
export const QUIET_MS = 3000; // since the last touch, before anything moves
export const MOVED_MS = 600;  // a touch may have been meant for another order

export const keyOfOrder = ({ order_id: id, scope }) =>
  scope ? `${scope}\0${id}` : id;

// Short, and nothing can be read from it: it is kept in the browser.
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(36);
}

// One name for each item of an order. What is changed has another one, and so
// is not ticked off any more.
export function itemNames(order) {
  const seen = new Map();
  return (order.items ?? []).map((i) => {
    const name = hashOf(JSON.stringify([i.quantity, i.title, i.comment,
      i.options]));
    const n = seen.get(name) ?? 0;
    seen.set(name, n + 1);
    return n === 0 ? name : `${name}.${n}`;
  });
}

// Of all that is to be cooked; null if nothing is known of it.
export function contentOf(order) {
  const names = itemNames(order);
  return names.length === 0 ? null : hashOf(JSON.stringify([names,
    order.items_total, order.comment ?? null]));
}

// -- What was ticked off on this screen --

function readTicks(storage) {
  try {
    const kept = JSON.parse(storage.getItem(TICKS_KEY) ?? '[]');
    return new Map(kept.filter(([key, t]) => typeof key === 'string' &&
      typeof t.at === 'number' && Array.isArray(t.items)));
  } catch {
    return new Map(); // not ours
  }
}

export class Ticks {
  // place: of the screen; what is gone there is forgotten.
  constructor(storage, place) {
    this.storage = storage;
    this.place = place;
    this.orders = readTicks(storage);
  }

  save() {
    const kept = [...this.orders].sort(([, a], [, b]) => b.at - a.at)
      .slice(0, TICKS_MAX);
    this.orders = new Map(kept);
    try {
      this.storage.setItem(TICKS_KEY, JSON.stringify(kept));
    } catch { /* full, or forbidden: known until the page is left */ }
  }

  change(order, now, what) {
    const key = keyOfOrder(order);
    const t = { done: null, items: [], ...this.orders.get(key), ...what,
      place: this.place, at: now };
    if (t.done === null && t.items.length === 0)
      this.orders.delete(key);
    else
      this.orders.set(key, t);
    this.save();
  }

  // As it stands now: one that has changed since is to be looked at again.
  isDone(order) {
    const done = this.orders.get(keyOfOrder(order))?.done ?? null;
    const content = contentOf(order);
    return done !== null && (content === null || done === content);
  }

  setDone(order, is, now) {
    this.change(order, now, { done: is ? contentOf(order) ?? '' : null });
  }

  has(order, name) {
    return this.orders.get(keyOfOrder(order))?.items.includes(name) ?? false;
  }

  toggle(order, name, now) {
    const items = this.orders.get(keyOfOrder(order))?.items ?? [];
    this.change(order, now, { items: items.includes(name) ?
      items.filter((n) => n !== name) : [...items, name] });
  }

  // What is on the board here no more is known no more.
  keepOnly(keys) {
    const before = this.orders.size;
    for (const [key, t] of this.orders) {
      if (t.place === this.place && !keys.has(key))
        this.orders.delete(key);
    }
    if (this.orders.size !== before)
      this.save();
  }
}

// -- In which order they stand --

const since = (order) => Date.parse(order.placed_at ?? order.received_at);

export const byAge = (a, b) => since(a) - since(b) ||
  (keyOfOrder(a) < keyOfOrder(b) ? -1 : 1);

// Keys as they are to stand. shown: as they stand now; open: the orders that
// are to be cooked. Nothing that is shown moves, and new ones stand at the end,
// unless it may move: then the oldest is first, and what has ended is away.
export function arrange(shown, open, mayMove) {
  const sorted = [...open].sort(byAge).map(keyOfOrder);
  return mayMove ? sorted :
    [...shown, ...sorted.filter((key) => !shown.includes(key))];
}

// The orders of those statuses; 'statuses' as in the address: "1,2".
export function ofStatuses(orders, statuses) {
  const wanted = (statuses ?? '').split(',').map((s) => s.trim())
    .filter((s) => s !== '');
  return orders.filter((o) => !o.terminal && (wanted.length === 0 ||
    wanted.includes(o.status ?? '')));
}

// -- Can it be believed? --

// Why not, in a sentence; null: it can. ageMs: of what is shown; null: nothing
// has been loaded. why: the last look failed; null: it did not.
export function doubtOf(ageMs, why) {
  if (why !== null)
    return `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
  return ageMs !== null && ageMs > OLD_MS ?
    'Nothing new has come from the server.' : null;
}

// What keeps orders from coming in at all, whatever this screen shows.
const KEEPS_OUT = ['store', 'upstream', 'probe', 'rejections'];

export function keptOut(needs) {
  return needs.find((need) => need.urgent && KEEPS_OUT.includes(need.kind)) ??
    null;
}
