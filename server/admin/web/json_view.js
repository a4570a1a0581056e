// json_view.js -- a scanned body as a tree that folds.
//
// Built as far as it is looked at: what is folded has no elements yet, and a
// long body starts with its depths folded.

import { h, button } from './dom.js';
import { textOf } from './json_scan.js';
import { countText } from './words.js';

const LINES_OPEN = 2500; // built at once
const BATCH = 500;       // children of one container
const HIDDEN = '••••••';

class Tree {
  constructor(bytes, shown) {
    this.bytes = bytes;
    this.shown = shown;
    this.lines = 0;
  }

  scalar(node) {
    if (node.personal && !this.shown)
      return h('span', { class: 'j-hidden', title: 'customer data, hidden' },
        HIDDEN);
    return h('bdi', { class: `j-${node.kind}` }, textOf(this.bytes, node));
  }

  key(node) {
    if (node.key === null)
      return null;
    return [h('bdi', { class: 'j-key' }, textOf(this.bytes, node.key)), ': '];
  }

  // Lines of children [from, ...), and a button for what is left.
  children(node, box, from) {
    const end = Math.min(node.children.length, from + BATCH);
    for (let i = from; i < end; i++)
      box.append(this.line(node.children[i], i + 1 < node.children.length));
    if (end < node.children.length)
      box.append(button(`${node.children.length - end} more …`,
        { class: 'link j-more' }, (e) => {
          e.target.remove();
          this.children(node, box, end);
        }));
  }

  container(node, comma) {
    const marks = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
    const box = h('div', { class: 'j-kids', hidden: true });
    const count = h('span', { class: 'j-count' },
      countText(node.children.length, node.kind === 'object' ? 'field' :
        'element'), ` ${marks[1]}${comma ? ',' : ''}`);
    const end = h('div', { class: 'j-line', hidden: true },
      `${marks[1]}${comma ? ',' : ''}`);
    const fold = button('', { class: 'j-fold' }, () => {
      this.toggle(node, box, [fold, count, end]);
    });
    fold.setAttribute('aria-label', node.key === null ? node.kind :
      textOf(this.bytes, node.key));
    fold.setAttribute('aria-expanded', 'false');
    const line = h('div', null,
      h('div', { class: 'j-line' }, fold, this.key(node), marks[0], ' ',
        count), box, end);
    if (this.lines < LINES_OPEN)
      this.toggle(node, box, [fold, count, end]);
    return line;
  }

  toggle(node, box, [fold, count, end]) {
    const opens = box.hidden;
    box.hidden = !opens;
    end.hidden = !opens;
    count.hidden = opens;
    fold.setAttribute('aria-expanded', String(opens));
    if (opens && box.childNodes.length === 0)
      this.children(node, box, 0);
  }

  line(node, comma) {
    this.lines++;
    if (node.children?.length > 0)
      return this.container(node, comma);
    return h('div', { class: 'j-line' }, this.key(node),
      node.children === undefined ? this.scalar(node) :
        node.kind === 'object' ? '{}' : '[]', comma ? ',' : '');
  }
}

// scanned: of json_scan.js, marked by personal.js. Folded parts are built when
// they are opened.
export function jsonTree(bytes, scanned, shown) {
  const tree = new Tree(bytes, shown);
  const view = h('div', { class: 'json', translate: 'no' });
  if (scanned.root !== null)
    view.append(tree.line(scanned.root, false));
  if (scanned.failedAt !== null)
    view.append(h('p', { class: 'j-failed' }, scanned.root === null ?
      'This body is no JSON. Look at it raw or as hex.' :
      `From byte ${scanned.failedAt} on it is cut off, or no JSON. Raw and ` +
      'hex show all of it.'));
  return view;
}

// The body as it came, hidden spans replaced.
export function rawText(bytes, spans, shown) {
  const decoder = new TextDecoder();
  const view = h('pre', { class: 'raw', tabIndex: 0, translate: 'no' });
  let at = 0;
  for (const { start, end } of shown ? [] : spans) {
    view.append(decoder.decode(bytes.subarray(at, start)),
      h('span', { class: 'j-hidden' }, HIDDEN));
    at = end;
  }
  view.append(decoder.decode(bytes.subarray(at)));
  return view;
}
