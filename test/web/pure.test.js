// pure.test.js -- the modules of the page that have no elements: what they
// make of bytes, texts and messages from outside.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ROOT, payload } from './lib/klikitd.js';
import { WEB, load } from './lib/modules.js';

// Only app.js does something when it is imported. Of the others a timer would
// also keep this process for ever.
const { setInterval } = globalThis;
globalThis.setInterval = () => assert.fail('a module starts a timer');
for (const name of fs.readdirSync(WEB)) {
  if (name.endsWith('.js') && name !== 'app.js')
    await load(name);
}
globalThis.setInterval = setInterval;

const { scan, textOf } = await load('json_scan.js');
const { markPersonal } = await load('personal.js');
const { StreamParser, waitMs } = await load('stream.js');
const { EventsModel, ROWS_MAX } = await load('events_model.js');
const { parseRoute, formatRoute } = await load('route.js');
const { outcomeText, sentence } = await load('words.js');
const { curlOf } = await load('curl.js');
const { countAll } = await load('receivers.js');

const bytes = (text) => new TextEncoder().encode(text);

function rebuild(body, node) {
  if (node.children === undefined)
    return textOf(body, node);
  const parts = node.children.map((c) =>
    (c.key === null ? '' : `${textOf(body, c.key)}:`) + rebuild(body, c));
  return node.kind === 'object' ? `{${parts.join(',')}}` :
    `[${parts.join(',')}]`;
}

test('a scan keeps every value as it was written', () => {
  for (const name of fs.readdirSync(path.join(ROOT, 'test', 'payloads'))) {
    const body = payload(name);
    const { root, failedAt } = scan(body);
    assert.equal(failedAt, null, name);
    assert.deepEqual(JSON.parse(rebuild(body, root)),
      JSON.parse(body.toString()), name);
  }
  const body = bytes('{"a":9007199254740993,"b":84.50,"c":-0,"d":"\\u0026"}');
  assert.equal(rebuild(body, scan(body).root), new TextDecoder().decode(body));
});

test('what is no JSON is scanned as far as it goes', () => {
  const cases = [['', 0], ['[1,2', 3], ['{"a":"b', 5], ['{"a":1}x', 7],
    ['nul', 0], ['{"a" 1}', 5], ['[1 2]', 3], ['{', 1], ['\u0000', 0],
    ['{"a":tru}', 5]];
  for (const [text, at] of cases)
    assert.equal(scan(bytes(text)).failedAt, at, text);
  assert.equal(scan(bytes('['.repeat(100000))).failedAt, 2000);
});

// What is left of a body when its personal parts are cut out.
function hide(body) {
  let text = '', at = 0;
  for (const { start, end } of markPersonal(scan(body), body.length)) {
    text += Buffer.from(body.subarray(at, start)).toString() + '*';
    at = end;
  }
  return text + Buffer.from(body.subarray(at)).toString();
}

test('what is about a person is found wherever it stands', () => {
  const secrets = ['Rina', 'Contoh', '+620000000001', 'rina@example.com',
    '880123', 'Jl. Contoh No. 12', 'Denpasar', '-8.65', 'pos satpam',
    'Sambal dipisah'];
  const text = hide(payload('created-typical.json'));
  for (const secret of secrets)
    assert.ok(!text.replace('Senja - Jalan Contoh', '').includes(secret),
      secret);
  for (const kept of ['Warung Senja', 'grabfood', '"id":9100002',
    'GF-20260625-K7X9', '"branch_id":2041'])
    assert.ok(text.includes(kept), kept);
});

test('names of people are hidden, names of dishes are not', () => {
  assert.equal(hide(bytes('{"name":"A","cart":[{"name":"B","comment":"C"}],' +
    '"klikit_name":"D","firstName":"E","customerPhone":1,"note":"",' +
    '"customer":null,"rider":{"x":["F",true]}}')),
  '{"name":*,"cart":[{"name":"B","comment":*}],"klikit_name":"D",' +
    '"firstName":*,"customerPhone":*,"note":"","customer":null,' +
    '"rider":{"x":[*,true]}}');
});

test('what cannot be read is hidden whole', () => {
  assert.equal(hide(bytes('{"id":1,"customer":{"na')),
    '{"id":1,"customer":{*');
  assert.equal(hide(bytes('no JSON')), '*');
});

test('a stream may be cut anywhere', () => {
  const text = ': hello\r\n\r\nid: b-1\r\nevent: event\r\ndata: {"a":\r\n' +
    'data: 1}\r\n\r\nevent: reset\n\nid: b-2\ndata:x\n\n';
  const wanted = [{ event: 'event', data: '{"a":\n1}', id: 'b-1' },
    { event: 'reset', data: '', id: null },
    { event: 'message', data: 'x', id: 'b-2' }];
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = new StreamParser();
    assert.deepEqual([...parser.push(text.slice(0, cut)),
      ...parser.push(text.slice(cut))], wanted, `cut at ${cut}`);
  }
});

test('a line without end does not fill the memory', () => {
  const parser = new StreamParser();
  assert.throws(() => {
    for (;;)
      parser.push('x'.repeat(1 << 20));
  });
});

test('reconnecting gets slower up to a limit', () => {
  assert.equal(waitMs(0, 0), 250);
  assert.equal(waitMs(0, 1), 500);
  assert.equal(waitMs(3, 1), 4000);
  assert.equal(waitMs(1000, 1), 15000);
});

const event = (id, state = 'done', more = {}) => ({ id, event_id: `e${id}`,
  type: 't', brand: '1', branch: '2', duplicates: 0,
  orders: [{ order_id: `o${id}`, status: '1', external_id: null }],
  jobs: [{ id, handler: 'h', place: null, state }], jobs_total: 1, ...more });

test('an event is shown once, and its job changes its state', () => {
  const model = new EventsModel();
  model.append([event(1)], null);
  assert.equal(model.apply('event', event(1)), 0);
  assert.equal(model.apply('event', event(2, 'ready')), 1);
  assert.deepEqual(model.visible.map((r) => [r.key, r.state]),
    [['e2', 'pending'], ['e1', 'done']]);
  model.apply('job', { id: 2, event_id: 'e2', handler: 'h', place: null,
    state: 'dead' });
  assert.equal(model.visible[0].state, 'dead');
  model.apply('job', { id: 2, event_id: 'e2', handler: 'h', place: null,
    state: 'replayed' });
  model.apply('job', { id: 9, event_id: 'e2', handler: 'h', place: null,
    state: 'done' });
  assert.equal(model.visible[0].state, 'done');
});

test('a filter lets through what fits it, also when it changes', () => {
  const model = new EventsModel();
  model.filter = { state: 'pending' };
  model.append([event(2, 'ready'), event(1)], null);
  assert.deepEqual(model.visible.map((r) => r.key), ['e2']);
  model.apply('job', { id: 2, event_id: 'e2', handler: 'h', place: null,
    state: 'done' });
  assert.deepEqual(model.visible, []);
  const found = (filter) => {
    const other = new EventsModel();
    other.filter = filter;
    other.append([event(2), event(1, 'done', { orders: [{ order_id: '71',
      external_id: 'GF-9' }] })], null);
    return other.visible.map((r) => r.key);
  };
  assert.deepEqual(found({ q: 'o2' }), ['e2']);
  assert.deepEqual(found({ q: '2' }), []);
  assert.deepEqual(found({ q: 'gf-' }), ['e1']);
  assert.deepEqual(found({ q: 'e' }), ['e2', 'e1']);
  assert.deepEqual(found({ handler: 'h' }), ['e2', 'e1']);
  assert.deepEqual(found({ handler: 'x' }), []);
});

test('what was found by its id keeps its place among what comes later', () => {
  const model = new EventsModel();
  model.append([event(9), event(1)], '8');
  model.append([event(7), event(1)], null);
  assert.deepEqual(model.visible.map((r) => r.key), ['e9', 'e7', 'e1']);
});

test('a pause holds back and counts, and nothing is lost by it', () => {
  const model = new EventsModel();
  model.append([event(1)], null);
  model.paused = true;
  assert.equal(model.apply('event', event(2)), 0);
  model.apply('event', event(3));
  model.apply('event', event(3));
  assert.equal(model.heldCount, 2);
  assert.deepEqual(model.visible.map((r) => r.key), ['e1']);
  assert.equal(model.resume(), 2);
  assert.deepEqual(model.visible.map((r) => r.key), ['e3', 'e2', 'e1']);
});

test('a pause over too much asks for the list anew', () => {
  const model = new EventsModel();
  model.paused = true;
  for (let i = 1; i <= 6000; i++)
    model.apply('event', event(i));
  assert.equal(model.resume(), -1);
});

test('the list has an end, and what fell off can be had again', () => {
  const model = new EventsModel();
  for (let i = 1; i <= ROWS_MAX + 5; i++)
    model.apply('event', event(i));
  assert.equal(model.rows.length, ROWS_MAX);
  assert.equal(model.visible.length, ROWS_MAX);
  assert.equal(model.next, '6');
});

test('an address says the view, and any id comes through', () => {
  for (const id of ['a/b?c#d', 'ü %2F', '..', null]) {
    const route = { view: 'events', id, values: { type: 'a&b', text: '#' } };
    assert.deepEqual(parseRoute(formatRoute(route)), route);
  }
  assert.equal(parseRoute('').view, 'now');
  assert.equal(parseRoute('#/events/%E0%A4%A').id, null);
});

test('a remark becomes a sentence, a name stays a name', () => {
  assert.equal(sentence('the body was cut'), 'The body was cut.');
  assert.equal(sentence('x-klikit-signature is missing'),
    'x-klikit-signature is missing.');
  assert.equal(sentence('It is so.'), 'It is so.');
  assert.match(outcomeText('unknown'), /klikitd ended while/);
  assert.equal(outcomeText('done'), 'done');
});

test('a command to paste is one command, whatever the id', () => {
  const text = curlOf({ event: { event_id: "a'; rm -rf ~ #", type: '$(x)' },
    file: 'f.json', admin: 'http://127.0.0.1:1', webhook: 'http://w/',
    sign: 'klikitd sign --header', token: false });
  assert.ok(text.includes("'x-klikit-event-id: a'\\''; rm -rf ~ #'"));
  assert.ok(text.includes("'x-klikit-event-type: $(x)'"));
  assert.ok(text.includes('"$(klikitd sign --header \'f.json\')"'));
});

test('nothing in the page makes markup of a text', () => {
  const never = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(['"`]|createContextualFragment|DOMParser|\bsrcdoc=|javascript:/;
  for (const name of fs.readdirSync(WEB)) {
    const text = fs.readFileSync(path.join(WEB, name), 'utf8');
    if (name.endsWith('.js'))
      assert.doesNotMatch(text, never, name);
    if (name.endsWith('.html')) {
      assert.doesNotMatch(text, /\son[a-z]+=|\sstyle=|<style|<script(?! type="module" src="\/app\.js"><\/script>)/i, name);
    }
    assert.doesNotMatch(text.replace('http://www.w3.org/2000/svg', ''),
      /https?:\/\//, `${name} names another server`);
  }
});

test('events of two scopes stay two, whatever their ids', () => {
  const event = (scope, received_at) => ({ event_id: 'e', type: 't',
    orders: [], jobs: [], ...(scope && { scope }), received_at });
  const model = new EventsModel();
  model.append([event('sandbox'), event(undefined)], null);
  assert.equal(model.visible.length, 2);
  assert.equal(model.apply('event', event('training')), 1);
  assert.equal(model.apply('event', event('sandbox')), 0);
  assert.equal(model.rows.length, 3);
  const job = { id: 1, event_id: 'e', scope: 'sandbox', handler: 'h',
    place: null, state: 'dead' };
  model.apply('job', job);
  assert.deepEqual(model.rows.map((row) => [row.event.scope, row.state]),
    [['training', 'none'], ['sandbox', 'dead'], [undefined, 'none']]);
});

test('what is named by a scope is asked for in it', async () => {
  const { inScope } = await load('api.js');
  assert.equal(inScope('/api/v1/orders/7', 'sandbox'),
    '/api/v1/orders/7?scope=sandbox');
  assert.equal(inScope('/api/v1/orders/7', ''), '/api/v1/orders/7');
  assert.equal(inScope('/api/v1/orders/7', undefined), '/api/v1/orders/7');
  const shell = curlOf({ event: { event_id: 'e', type: 't', scope: 'x.y' },
    file: 'f', admin: 'http://a', webhook: 'http://w', sign: 's',
    token: false });
  assert.match(shell, /events\/e\/body\?scope=x\.y'/);
});

test('the counts of all receivers that are alive are one sum', () => {
  const counts = { received: 5, repeats: 0, duplicates: 1, conflicts: 0,
    refused: { signature: 2 }, dead_jobs: 7 };
  const other = { received: 10, repeats: 1, duplicates: 2, conflicts: 3,
    refused: 4 };
  const all = countAll(counts, [
    { alive: true, own: true, counts: other },
    { alive: true, own: false, counts: other },
    { alive: false, own: false, counts: other },
    { alive: true, own: false, counts: null },
    { alive: true, own: false, counts: other }]);
  assert.deepEqual(all, { received: 25, repeats: 2, duplicates: 5,
    conflicts: 6, refused: { signature: 2, elsewhere: 8 }, dead_jobs: 7 });
  assert.equal(counts.received, 5);
});
