// nodes.js -- small things that several views show in one way.

import { h } from './dom.js';

export function typeNodes(type) {
  return type.startsWith('klikit.') ?
    [h('span', { class: 'dim' }, 'klikit.'), type.slice(7)] : [type];
}

// klikit's status code, as it came.
export function codeNode(status) {
  return status === null || status === undefined ? null :
    h('span', { class: 'code', title: 'status, as klikit sent it' }, status);
}

// The scope of an event or order, if it is not the usual one.
export function scopeNode({ scope }) {
  return scope ? h('bdi', { class: 'code', title: 'scope' }, scope) : null;
}

export function placeText(event) {
  return [event.brand, event.branch].filter((p) => p !== null &&
    p !== undefined).join(' / ');
}
