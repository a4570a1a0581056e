// nodes.js -- small things that several views show in one way.

import { h } from './dom.js';
import { moment } from './time.js';

export function typeNodes(type) {
  return type.startsWith('klikit.') ?
    [h('span', { class: 'dim' }, 'klikit.'), type.slice(7)] : [type];
}

// klikit's status code, as it came.
export function codeNode(status) {
  return status === null || status === undefined ? null :
    h('span', { class: 'code', title: 'status, as klikit sent it' }, status);
}

// Money as it came, digit for digit; long numbers are seen in groups of three,
// and copied without.
export function moneyNode(text) {
  const [, sign, whole, rest] = /^(-?)(\d{4,})(\.\d+)?$/.exec(text ?? '') ?? [];
  if (whole === undefined)
    return text;
  const groups = whole.match(/\d{1,3}(?=(\d{3})*$)/g);
  return h('span', null, sign, groups.map((g) => h('span', { class: 'group3' },
    g)), rest);
}

// What there is of these, with points between.
export const joined = (nodes) => nodes.filter((n) => n)
  .flatMap((n, i) => i === 0 ? [n] : [' · ', n]);

// A date of klikit's in the zone of the page; what names no zone, as it came.
export function stampNode(text) {
  return /\dT\d.*(Z|[+-]\d\d:?\d\d)$/.test(text ?? '') &&
    !Number.isNaN(Date.parse(text)) ? moment(text) : h('bdi', null, text);
}

// The scope of an event or order, if it is not the usual one.
export function scopeNode({ scope }) {
  return scope ? h('bdi', { class: 'code', title: 'scope' }, scope) : null;
}

export function placeText(event) {
  return [event.brand, event.branch].filter((p) => p !== null &&
    p !== undefined).join(' / ');
}
