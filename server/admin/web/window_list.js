// window_list.js -- a long list of which only what is in sight has elements.
//
// Rows have one height, which the style sheet says (--row of the list). The
// element of the row that has the focus is kept wherever it is.

import { h } from './dom.js';

const BEYOND = 8; // rows above and below what is in sight

export class WindowList {
  // render(row) makes an <li>; open(row) is Enter or a click; end() is called
  // when the last rows are near.
  constructor({ label, render, end = () => {} }) {
    this.render = render;
    this.end = end;
    this.rows = [];
    this.nodes = new Map(); // key -> {node, rev}
    this.active = null;     // key of the row that j and k move from
    this.list = h('ol', { class: 'rows', 'aria-label': label });
    this.node = h('div', { class: 'scroller', on: {
      scroll: () => this.schedule() } }, this.list);
    this.resized = new ResizeObserver(() => {
      this.height = 0;
      this.schedule();
    });
    this.resized.observe(this.node);
    this.height = 0;
  }

  close() {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  // Show these. added: how many of them are new at the top: who has scrolled
  // down keeps what he looks at.
  set(rows, added = 0) {
    this.rows = rows;
    this.measure();
    if (added > 0 && this.node.scrollTop > 0) {
      this.list.style.height = `${rows.length * this.height}px`;
      this.node.scrollTop += added * this.height;
    }
    this.schedule();
  }

  get scrolled() {
    return this.node.scrollTop > this.height;
  }

  toTop() {
    this.node.scrollTop = 0;
    this.schedule();
  }

  schedule() {
    if (this.frame !== undefined)
      return;
    this.frame = requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  measure() {
    if (this.height === 0)
      this.height = parseFloat(getComputedStyle(this.list)
        .getPropertyValue('--row')) || 40;
  }

  place(i) {
    const row = this.rows[i];
    let known = this.nodes.get(row.key);
    if (known === undefined || known.rev !== row.rev) {
      const node = this.render(row);
      const hadFocus = known?.node.contains(document.activeElement);
      if (known !== undefined)
        known.node.replaceWith(node);
      else
        this.list.append(node);
      known = { node, rev: row.rev };
      this.nodes.set(row.key, known);
      if (hadFocus)
        this.focusIn(node);
    }
    const { node } = known;
    node.style.transform = `translateY(${i * this.height}px)`;
    node.setAttribute('aria-setsize', this.rows.length);
    node.setAttribute('aria-posinset', i + 1);
    node.classList.toggle('active', row.key === this.active);
  }

  // The reading order is the order of the elements: keep it that of the rows.
  order(keys) {
    let at = this.list.firstElementChild;
    for (const key of keys) {
      const { node } = this.nodes.get(key);
      if (node === at)
        at = at.nextElementSibling;
      else if (!node.contains(document.activeElement))
        this.list.insertBefore(node, at);
    }
  }

  draw() {
    this.measure();
    const { scrollTop, clientHeight } = this.node;
    const from = Math.max(0, Math.floor(scrollTop / this.height) - BEYOND);
    const to = Math.min(this.rows.length,
      Math.ceil((scrollTop + clientHeight) / this.height) + BEYOND);
    const keys = [];
    this.list.style.height = `${this.rows.length * this.height}px`;
    for (let i = from; i < to; i++) {
      this.place(i);
      keys.push(this.rows[i].key);
    }
    const wanted = new Set(keys);
    for (const [key, { node }] of this.nodes) {
      if (wanted.has(key) || (node.contains(document.activeElement) &&
          this.rows.some((row) => row.key === key)))
        continue;
      node.remove();
      this.nodes.delete(key);
    }
    this.order(keys);
    if (to > this.rows.length - 2 * BEYOND)
      this.end();
  }

  focusIn(node) {
    node.querySelector('a, button')?.focus({ preventScroll: true });
  }

  indexOf(key) {
    return this.rows.findIndex((row) => row.key === key);
  }

  mark(key) {
    this.active = key;
    this.schedule();
  }

  // Move the active row by n, into sight, and focus it. Returns its row.
  move(n) {
    if (this.rows.length === 0)
      return null;
    const at = this.indexOf(this.active);
    const to = at === -1 ? 0 :
      Math.min(this.rows.length - 1, Math.max(0, at + n));
    this.active = this.rows[to].key;
    this.show(to);
    this.draw();
    this.focusIn(this.nodes.get(this.active).node);
    return this.rows[to];
  }

  show(i) {
    const top = i * this.height;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop)
      this.node.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight)
      this.node.scrollTop = top + this.height - clientHeight;
  }
}
