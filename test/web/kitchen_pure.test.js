// kitchen_pure.test.js -- what a kitchen's screen and an order's page make of
// what they are given; no browser.

import assert from 'node:assert/strict';
import test from 'node:test';
import { payload } from './lib/klikitd.js';
import { load } from './lib/modules.js';

const { Ticks, arrange, contentOf, doubtOf, itemNames, keptOut, ofStatuses,
  OLD_MS } = await load('kitchen_model.js');
const { nameOfOrder } = await load('kitchen_ticket.js');
const { branchesOf } = await load('kitchen_choice.js');
const { memberBytes, orderOfBody, partsOf } = await load('order_parts.js');
const { historyOf } = await load('order_history.js');

class Storage {
  constructor(text = null) {
    this.text = text;
  }

  getItem() {
    return this.text;
  }

  setItem(key, text) {
    this.text = text;
  }
}

const item = (title, more = {}) => ({ quantity: '1', title, price: null,
  comment: null, options: [], ...more });
const order = (id, minute, items = [item('Nasi')], more = {}) => ({
  order_id: String(id), status: '1', terminal: false, items,
  items_total: items.length, comment: null,
  placed_at: `2026-06-25T09:${String(minute).padStart(2, '0')}:00Z`, ...more });

test('of a long id a cook sees what tells it from others', () => {
  const name = (id) => nameOfOrder({ order_id: id });
  assert.equal(name('GF-91000010203-4'), 'GF-91000010203-4');
  assert.equal(name('1234567890'.repeat(8)), '123…34567890');
});

test('items are told apart, and a changed one is another one', () => {
  const names = itemNames(order(1, 0, [item('Nasi'), item('Nasi'),
    item('Nasi', { comment: 'no nuts' })]));
  assert.equal(new Set(names).size, 3);
  assert.deepEqual(itemNames(order(2, 0, [item('Nasi')])), [names[0]]);
  assert.ok(names.every((name) => !name.includes('N')));
  assert.equal(contentOf(order(1, 0, [])), null);
  assert.notEqual(contentOf(order(1, 0)), contentOf(order(1, 0, undefined,
    { comment: 'no nuts' })));
});

test('ticks outlast a reload, and are forgotten with the order', () => {
  const storage = new Storage();
  const one = order(1, 0);
  const [name] = itemNames(one);
  let ticks = new Ticks(storage, 'here');
  ticks.setDone(one, true, 1);
  ticks.toggle(order(2, 0), name, 2);
  ticks = new Ticks(storage, 'here');
  assert.ok(ticks.isDone(one) && ticks.has(order(2, 0), name));
  // The body is kept no more: it is no other order for that.
  assert.ok(ticks.isDone(order(1, 0, [])));
  // Something was added to it: it is to be cooked.
  assert.ok(!ticks.isDone(order(1, 0, [item('Nasi'), item('Teh')])));
  assert.ok(!storage.text.includes('Nasi'));
  new Ticks(storage, 'there').keepOnly(new Set());
  assert.ok(new Ticks(storage, 'here').isDone(one));
  new Ticks(storage, 'here').keepOnly(new Set(['2']));
  ticks = new Ticks(storage, 'here');
  assert.ok(!ticks.isDone(one) && ticks.has(order(2, 0), name));
  ticks.toggle(order(2, 0), name, 3);
  assert.equal(storage.text, '[]');
});

test('ticks are bounded, and what is not ours is not believed', () => {
  const storage = new Storage();
  const ticks = new Ticks(storage, 'here');
  for (let i = 0; i < 700; i++)
    ticks.setDone(order(i, 0), true, i);
  assert.equal(JSON.parse(storage.text).length, 500);
  assert.ok(ticks.isDone(order(699, 0)) && !ticks.isDone(order(0, 0)));
  for (const text of ['', '{}', 'x', '[1]', '[["a",{}]]', 'null'])
    assert.equal(new Ticks(new Storage(text), 'here').orders.size, 0, text);
});

test('nothing moves until it may, then the oldest is first', () => {
  const open = [order(3, 3), order(1, 1), order(4, 0)];
  assert.deepEqual(arrange(['2', '3', '1'], open, false),
    ['2', '3', '1', '4']);
  assert.deepEqual(arrange(['2', '3', '1'], open, true), ['4', '1', '3']);
});

test('only open orders of the statuses that are asked for are shown', () => {
  const orders = [order(1, 0), order(2, 0, [], { status: '2' }),
    order(3, 0, [], { terminal: true }), order(4, 0, [], { status: null })];
  const ids = (statuses) => ofStatuses(orders, statuses)
    .map((o) => o.order_id).join();
  assert.equal(ids(undefined), '1,2,4');
  assert.equal(ids('1, 2'), '1,2');
  assert.equal(ids('7'), '');
});

test('a screen is doubted when it is old or the server fails', () => {
  assert.equal(doubtOf(OLD_MS, null), null);
  assert.match(doubtOf(OLD_MS + 1, null), /Nothing new/);
  assert.equal(doubtOf(0, 'the server cannot be reached'),
    'The server cannot be reached.');
  assert.equal(doubtOf(null, null), null);
  const need = (kind, urgent) => ({ kind, urgent, text: kind });
  assert.equal(keptOut([need('handler_failing', true),
    need('upstream', false)]), null);
  assert.equal(keptOut([need('job_dead', true), need('upstream', true)]).kind,
    'upstream');
});

test('branches to choose from: those with orders, and those heard of', () => {
  assert.deepEqual(branchesOf([{ branch: '9' }, { branch: '9' },
    { branch: '7', scope: 'b' }, { branch: null }], [{ branch: '10' },
    { branch: '9' }, { branch: '' }, { branch: '*' }]),
  [{ branch: '9', scope: '', open: 2 }, { branch: '7', scope: 'b', open: 1 },
    { branch: '10', scope: '', open: 0 }]);
});

// The document of the one order of a payload.
const documentOf = (name) => Buffer.from(JSON.stringify(
  JSON.parse(payload(name)).orders[0]));

test('an order is read as it is written', () => {
  const p = partsOf(documentOf('created-typical.json'));
  assert.deepEqual(p.items[0], { quantity: '2', title: 'Nasi Goreng Kampung',
    price: '98000', comment: 'Jangan pakai bawang & seledri', options: [
      { title: 'Sedang', quantity: null, price: null },
      { title: 'Telur ceplok', quantity: null, price: '7000' },
      { title: 'Kerupuk udang', quantity: null, price: '4000' }] });
  assert.deepEqual(p.rows, [['Items', '168000'], ['Delivery', '11000'],
    ['Service', '2000'], ['Additional fee', '1000'], ['VAT', '18480']]);
  assert.deepEqual([p.total, p.currency], ['200480', 'IDR']);
  assert.ok(p.facts.some(([name, text]) => name === 'Kind' &&
    text === 'delivery'));
  assert.ok(p.person.some(([name, text]) => name === 'customer, phone' &&
    text === '+620000000001'));
  assert.ok(!p.person.some(([, text]) => text.includes('bawang')));
});

test('money is the characters that came, and anything may be missing', () => {
  const of = (text) => partsOf(new TextEncoder().encode(text));
  const p = of('{"total":84.50,"delivery_fee":"1.20e1","vat":0.0,' +
    '"box_fee":3.00,"box_fee_display":"3","cart":[{"price":1.10}]}');
  assert.deepEqual([p.total, p.rows], ['84.50', [['Delivery', '1.20e1'],
    ['box fee', '3.00']]]);
  assert.deepEqual(p.items, [{ quantity: null, title: null, price: '1.10',
    comment: null, options: [] }]);
  for (const text of ['{}', '[]', 'null', '', '{"cart":null,"total":[]}',
    '{"cart":{"a":1},"customer":null', '{"cart":[1,null]}'])
    assert.equal(of(text).total, null, text);
});

test('one order of a body is found by its id as it is written', () => {
  const body = new TextEncoder().encode('{"orders":[{"id":1,"cart":[' +
    '{"title":"a"}]},{"id":9007199254740993,"cart":[{"title":"b"}]}]}');
  assert.equal(partsOf(orderOfBody(body, '9007199254740993')).items[0].title,
    'b');
  assert.equal(orderOfBody(body, '9007199254740992'), null);
  assert.equal(orderOfBody(new Uint8Array(0), '1'), null);
  const text = (bytes) => new TextDecoder().decode(bytes);
  assert.equal(text(memberBytes(body, 'orders')).slice(0, 8), '[{"id":1');
  assert.equal(memberBytes(new TextEncoder().encode('{"a":null}'), 'a'), null);
});

test('what became of an order, over its events', () => {
  const job = (id, more) => ({ id, handler: 'pos', place: null,
    finished_at: null, state: 'waiting', outcome: null, ...more });
  const event = (id, at, jobs, more) => ({ id, event_id: `e${id}`,
    received_at: `2026-06-25T09:0${at}:00Z`, jobs, duplicates: 0,
    orders: [{ order_id: '7', place: 0, status: '1' }], ...more });
  const { moments, jobs } = historyOf([
    event(2, 5, [job(4, { place: 1 }), job(5, { place: 0 })]),
    event(1, 1, [job(1, { state: 'dead', outcome: 'no answer',
      finished_at: '2026-06-25T09:06:00Z' }),
    job(2, { handler: 'bell', guards: 1, guarded: 'pos', state: 'rang',
      finished_at: '2026-06-25T09:03:00Z',
      rang_at: '2026-06-25T09:02:00Z' })])], '7');
  assert.deepEqual(moments.map((m) => m.what), ['received', 'rang', 'done',
    'received', 'dead']);
  assert.ok(moments[1].open);
  assert.match(moments[4].detail, /^job 1 pos: no answer$/);
  assert.deepEqual(jobs.map((j) => j.id), [5, 1, 2]);
  assert.deepEqual(historyOf([], '7'), { moments: [], jobs: [] });
});
