// order_parts.js -- an order's document as a person reads it: its items, what it
// comes to, whom it is for (pure).
//
// klikit documents few fields, and any may be missing: what is not there is
// left out. Nothing is computed: money and ids stay the characters that they
// are.

import { scan, stringOf, textOf } from './json_scan.js';
import { markPersonal } from './personal.js';

const CARTS = ['cart', 'cart_v2', 'items'];
const OPTIONS_DEPTH = 3; // of modifiers of modifiers
const ROWS_MAX = 60;     // of what is said about a person

// What an order may come to, in this order; and its name here.
const MONEY = [['item_price', 'Items'], ['sub_total', 'Items'],
  ['subtotal', 'Items'], ['discount', 'Discount'],
  ['packaging_fee', 'Packaging'], ['small_order_fee', 'Small order'],
  ['delivery_fee', 'Delivery'], ['service_fee', 'Service'],
  ['additional_fee', 'Additional fee'], ['gateway_fee', 'Gateway fee'],
  ['vat', 'VAT'], ['tax', 'Tax'], ['tip', 'Tip'],
  ['rounding_off', 'Rounding']];
const TOTALS = ['total', 'final_price'];
// What the marketplace and the shop settle with each other.
const OTHERS = /^(provider|merchant|bir)_/;

// klikit has numbers for these, and documents their meaning.
const KINDS = { 1: 'pickup', 2: 'delivery', 3: 'dinein' };

const words = (name) => name.replace(/_/g, ' ').trim();
const isNothing = (text) => /^-?0*(\.0*)?([eE].*)?$/.test(text);

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
  }

  // The text of a value; null if it says nothing.
  text(node) {
    if (node === undefined || node.children !== undefined)
      return null;
    const text = node.kind === 'string' ? stringOf(this.bytes, node) :
      textOf(this.bytes, node);
    return text === '' || (node.kind === 'word' && text === 'null') ? null :
      text;
  }

  child(node, name) {
    return node?.children?.find((c) => c.key?.text === name);
  }

  // The first of the members of these names that says something.
  member(node, ...names) {
    for (const name of names) {
      const text = this.text(this.child(node, name));
      if (text !== null)
        return text;
    }
    return null;
  }

  options(node, depth = 0) {
    const groups = this.child(node, 'groups') ??
      this.child(node, 'modifier_groups');
    if (depth >= OPTIONS_DEPTH)
      return [];
    return (groups?.children ?? []).flatMap((group) =>
      (this.child(group, 'modifiers')?.children ?? []).flatMap((m) => {
        const title = this.member(m, 'title', 'name');
        const quantity = this.member(m, 'quantity');
        const price = this.member(m, 'price');
        return [...title === null ? [] : [{ title, quantity: quantity === '1' ?
          null : quantity, price: price === null || isNothing(price) ? null :
          price }], ...this.options(m, depth + 1)];
      }));
  }

  item(node) {
    return { quantity: this.member(node, 'quantity'),
      title: this.member(node, 'title', 'name', 'klikit_name'),
      price: this.member(node, 'item_final_price', 'price'),
      comment: this.member(node, 'comment'), options: this.options(node) };
  }

  items(order) {
    for (const name of CARTS) {
      const all = this.child(order, name)?.children ?? [];
      if (all.length > 0)
        return all.map((node) => this.item(node));
    }
    return [];
  }

  // [[name, characters]]; what is nothing is left out, but for the total.
  money(order) {
    const seen = new Set();
    const rows = MONEY.filter(([name, label]) => {
      const text = this.member(order, name);
      return text !== null && !isNothing(text) && !seen.has(label) &&
        seen.add(label);
    }).map(([name, label]) => [label, this.member(order, name)]);
    const known = new Set([...MONEY.map(([name]) => name), ...TOTALS]);
    for (const { key } of order?.children ?? []) {
      const name = key?.text.endsWith('_display') && key.text.slice(0, -8);
      const text = name ? this.member(order, name) : null;
      if (text !== null && !known.has(name) && !OTHERS.test(name) &&
          !isNothing(text))
        rows.push([words(name), text]);
    }
    const total = this.member(order, ...TOTALS);
    return { rows, total };
  }

  // What is said about a person, but in the cart: [[name, text]].
  person(order) {
    const rows = [];
    const walk = (node, path) => {
      for (const [i, child] of (node.children ?? []).entries()) {
        const name = child.key?.text ?? String(i + 1);
        if (path.length === 0 && CARTS.includes(name))
          continue;
        const at = [...path, words(name)];
        const text = child.personal ? this.text(child) : null;
        if (text !== null && rows.length < ROWS_MAX)
          rows.push([at.join(', '), text]);
        walk(child, at);
      }
    };
    if (order !== null)
      walk(order, []);
    return rows;
  }
}

// {items, rows, total, currency, facts, person}; all of it may be empty.
export function partsOf(bytes) {
  const scanned = scan(bytes);
  markPersonal(scanned, bytes.length);
  const order = scanned.root;
  const r = new Reader(bytes);
  const kind = r.member(order, 'order_type', 'type');
  return { items: r.items(order), ...r.money(order),
    currency: r.member(order, 'currency'), person: r.person(order),
    facts: [['Short id', r.member(order, 'short_id')],
      ['Channel', r.member(order, 'provider_name', 'channel', 'source')],
      ['Kind', KINDS[kind] ?? kind],
      ['Queue number', r.member(order, 'queue_no')],
      ['Table', r.member(order, 'table_no')],
      ['Placed', r.member(order, 'placed_at', 'created_at')],
      ['For', r.member(order, 'scheduled_for')]]
      .filter(([, text]) => text !== null) };
}

export const itemsOf = (bytes) => new Reader(bytes).items(scan(bytes).root);

// The bytes of the member of that name of a JSON object, as they came: numbers
// are not rounded. null if there is none, or it is null.
export function memberBytes(whole, name) {
  const node = new Reader(whole).child(scan(whole).root, name);
  if (node === undefined || node.kind === 'word')
    return null;
  if (node.kind === 'string') // a document in a string
    return new TextEncoder().encode(stringOf(whole, node));
  return whole.subarray(node.start, node.end);
}

// The order of that id in a body; ids are compared as they are written. null:
// there is none.
export function orderOfBody(bytes, id) {
  const r = new Reader(bytes);
  const orders = r.child(scan(bytes).root, 'orders')?.children ?? [];
  const order = orders.find((o) => r.member(o, 'id') === id);
  return order === undefined ? null : bytes.subarray(order.start, order.end);
}
