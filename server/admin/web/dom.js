// dom.js -- elements made from text, never from markup.
//
// Everything that came from outside passes through h() or setText(), as text
// nodes. What could run is refused here, once for all: handlers in attributes,
// inline styles, links to anywhere but this page and this server.

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden',
  'tabIndex', 'selected', 'open', 'scrollTop']);

function isSafeLink(url) {
  return url.startsWith('#') || (url.startsWith('/') &&
    !url.startsWith('//')) || url.startsWith('blob:');
}

function setAttribute(node, name, value) {
  if (name.startsWith('on') || name === 'style' || name === 'srcdoc')
    throw new Error(`${name}: not by attribute`);
  if ((name === 'href' || name === 'src') && !isSafeLink(value))
    throw new Error(`${name}: not a place of this page`);
  node.setAttribute(name, value);
}

// h('a', {class: 'x', href: '#/', on: {click: fn}}, 'text', node, ...).
// null and false: no such attribute, no such child.
export function h(tag, attributes, ...children) {
  return make(document.createElement(tag), attributes, children);
}

const SVG = 'http://www.w3.org/2000/svg';

// The same for a part of a picture.
export function svg(tag, attributes, ...children) {
  return make(document.createElementNS(SVG, tag), attributes, children);
}

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false &&
        !PROPERTIES.has(name))
      continue;
    if (name === 'on') {
      for (const [type, listener] of Object.entries(value))
        node.addEventListener(type, listener);
    } else if (PROPERTIES.has(name))
      node[name] = value;
    else
      setAttribute(node, name, value === true ? '' : String(value));
  }
  return add(node, children);
}

export function add(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false)
      continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

// Write a text only if it is another one: readers of the screen, and
// selections, are not disturbed.
export function setText(node, text) {
  if (node.textContent !== text)
    node.textContent = text;
}

export function button(text, attributes, run) {
  return h('button', { type: 'button', ...attributes, on: { click: run } },
    text);
}

// A fact of a list of facts; nothing if there is no value.
export function fact(name, ...value) {
  if (value.every((v) => v === null || v === undefined || v === ''))
    return null;
  return h('div', { class: 'fact' }, h('dt', null, name),
    h('dd', null, ...value));
}

export function section(title, attributes, ...children) {
  return h('section', attributes, h('h2', null, title), ...children);
}

// What is said when there is nothing to show, or not yet.
export function notice(kind, title, ...more) {
  return h('div', { class: `notice ${kind}` },
    h('p', { class: 'notice-title' }, title),
    more.map((m) => m instanceof Node ? m : h('p', null, m)));
}

// A line that takes the place of what is being loaded.
export function loading(what) {
  return h('div', { class: 'notice loading', 'aria-busy': 'true' },
    h('p', { class: 'notice-title' }, `Loading ${what} …`));
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No permission, or no secure context: the old way.
    const area = h('textarea', { class: 'unseen', 'aria-hidden': 'true' });
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
