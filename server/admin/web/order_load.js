// order_load.js -- an order from the admin API, with its document as it came:
// also one that no handler has recorded, as its newest event has it.

import { bytes, get, inScope, part } from './api.js';
import { itemsOf, memberBytes, orderOfBody } from './order_parts.js';

const EVENTS_MAX = 50; // of one that no handler has recorded
// A status event's cart may be an old one.
const STATUS = 'klikit.order.status.';
// What klikitd itself has made of an order carries nothing of it.
const isOwn = ({ type }) => type.startsWith('klikitd.');

const bodyOf = (event, signal) => bytes(inScope(
  `/api/v1/events/${part(event.event_id)}/body`, event.scope), signal);

async function fromEvents(id, scope, signal) {
  const { events } = await get('/api/v1/events', { order: id, scope,
    limit: EVENTS_MAX }, signal);
  const newest = events.find((e) => !isOwn(e));
  if (newest === undefined)
    return null;
  const { brand, branch, received_at: received } = newest;
  const known = (newest.orders ?? []).find((o) => o.order_id === id);
  return {
    order: { ...known, order_id: id, scope: newest.scope, brand, branch,
      received_at: received, terminal: false, recorded: false,
      event_id: newest.event_id, history: events },
    document: newest.purged_at ? null :
      orderOfBody(await bodyOf(newest, signal), id),
  };
}

// {order, document: bytes or null}. Throws as the API does.
export async function loadOrder(id, scope, signal) {
  let whole;
  try {
    whole = await bytes(inScope(`/api/v1/orders/${part(id)}`, scope), signal);
  } catch (e) {
    const found = e.status === 404 ? await fromEvents(id, scope, signal) :
      null;
    if (found === null)
      throw e;
    return found;
  }
  return { order: JSON.parse(new TextDecoder().decode(whole)),
    document: memberBytes(whole, 'document') };
}

// The event with the newest cart of the order, if that is not the one whose
// document is shown; else null.
export function cartEvent(order) {
  const newest = (order.history ?? []).filter((e) => !e.purged_at &&
    !isOwn(e) && !e.type.startsWith(STATUS)).sort((a, b) => b.id - a.id)[0];
  return newest === undefined || newest.event_id === order.event_id ? null :
    newest;
}

// Its items of the order.
export async function loadItems(event, id, signal) {
  const document = orderOfBody(await bodyOf(event, signal), id);
  return document === null ? [] : itemsOf(document);
}
