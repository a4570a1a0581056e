// help.js -- the keys, and the switch that turns them off.

import { h } from './dom.js';
import { show } from './dialog.js';

const KEYS_KEY = 'klikitd-keys';

const KEYS = [
  ['j  k', 'next, previous row'],
  ['Enter', 'open the row'],
  ['Esc', 'close what is open; leave the filter'],
  ['/', 'find'],
  ['p', 'freeze the list, let it go on'],
  ['1 … 5', 'now, events, orders, rejections, handlers'],
  ['?', 'this'],
];

// Single letters may be in the way of those who speak to their computer.
export function keysAreOn() {
  return localStorage.getItem(KEYS_KEY) !== 'off';
}

export function showHelp() {
  const on = h('input', { type: 'checkbox', checked: keysAreOn(), on: {
    change: (e) => localStorage.setItem(KEYS_KEY,
      e.target.checked ? 'on' : 'off') } });
  show('Keys',
    h('dl', { class: 'keys' }, KEYS.map(([key, what]) => h('div', null,
      h('dt', null, h('kbd', null, key)), h('dd', null, what)))),
    h('label', { class: 'check' }, on, ' Single keys are on'),
    h('p', null, h('a', { href: '#/start' }, 'How to send a test event')));
}
