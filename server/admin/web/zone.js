// zone.js -- in which zone times are shown: the viewer's, or UTC. One choice
// for the whole page, remembered.

import { h, setText } from './dom.js';

const ZONE_KEY = 'klikitd-zone';
const listeners = new Set();

export const isUtc = () => localStorage.getItem(ZONE_KEY) === 'utc';

// "Europe/Berlin"; "UTC".
export function zoneName() {
  return isUtc() ? 'UTC' :
    Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'local time';
}

// As short as it is known: "CEST", "GMT+2", "UTC".
export function zoneShort(date = new Date()) {
  if (isUtc())
    return 'UTC';
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
    .formatToParts(date);
  return parts.find((p) => p.type === 'timeZoneName')?.value ?? 'local';
}

// Year, month (from 1), day, hours, minutes, seconds, ms of a date as it is
// shown.
export function partsOf(date) {
  return isUtc() ? [date.getUTCFullYear(), date.getUTCMonth() + 1,
    date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(),
    date.getUTCSeconds(), date.getUTCMilliseconds()] :
    [date.getFullYear(), date.getMonth() + 1, date.getDate(),
      date.getHours(), date.getMinutes(), date.getSeconds(),
      date.getMilliseconds()];
}

// Be told when the other zone is chosen. Returns how to be told no more.
export function onZone(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// The switch, for the bar.
export function zoneSwitch() {
  const node = h('button', { type: 'button', id: 'zone', class: 'quiet zone' });
  const draw = () => {
    setText(node, zoneShort());
    const text = `Times are in ${zoneName()}. Show ${isUtc() ?
      'this browser’s zone' : 'UTC'}`;
    node.title = text;
    node.setAttribute('aria-label', text);
  };
  node.addEventListener('click', () => {
    localStorage.setItem(ZONE_KEY, isUtc() ? 'local' : 'utc');
    for (const listener of listeners)
      listener();
  });
  onZone(draw);
  draw();
  return node;
}
