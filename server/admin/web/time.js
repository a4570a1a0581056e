// time.js -- moments and ages, by the server's clock, ticking; in the zone that
// zone.js says.

import { isUtc, onZone, partsOf, zoneShort } from './zone.js';

let ahead = 0; // of this browser's clock, ms

export function setServerNow(iso) {
  const at = Date.parse(iso);
  if (!Number.isNaN(at))
    ahead = at - Date.now();
}

export function serverNow() {
  return Date.now() + ahead;
}

// "12 s", "3 min", "2 h 5 min", "4 d".
export function spanText(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60)
    return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60)
    return `${min} min`;
  const hours = Math.floor(min / 60);
  if (hours < 24)
    return min % 60 === 0 ? `${hours} h` : `${hours} h ${min % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}

export function agoText(ms) {
  return ms < 5000 ? 'now' : `${spanText(ms)} ago`;
}

// How long it is until then.
export function inText(ms) {
  return ms < 1000 ? 'now' : `in ${spanText(ms)}`;
}

// "0.4 ms", "38 ms", "1.2 s": how long something took.
export function tookText(ms) {
  if (ms === null || ms === undefined)
    return '';
  if (ms < 1000)
    return `${ms} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : spanText(ms);
}

// The same of microseconds: "1.9 ms", "19 ms".
export function usText(us) {
  return us < 10000 ? `${(us / 1000).toFixed(1)} ms` :
    tookText(Math.round(us / 1000));
}

const two = (n) => String(n).padStart(2, '0');

export function clockText(date) {
  return partsOf(date).slice(3, 6).map(two).join(':');
}

export function dayText(date) {
  return partsOf(date).slice(0, 3).map(two).join('-');
}

// The time of day, with the date before it unless it is today.
export function momentText(iso, withMs = false) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime()))
    return String(iso);
  const ms = withMs ? `.${String(partsOf(date)[6]).padStart(3, '0')}` : '';
  const today = dayText(new Date(serverNow()));
  const day = dayText(date);
  return (day === today ? '' : `${day} `) + clockText(date) + ms;
}

// A moment whole, with its zone, and in UTC as the API and the log have it.
function wholeText(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime()))
    return String(iso);
  const shown = `${dayText(date)} ${clockText(date)} ${zoneShort(date)}`;
  return isUtc() ? shown : `${shown} = ${iso}`;
}

// A moment of an address: ms since the epoch, or as the API writes it. Returns
// ms, or null.
export function parseMoment(text) {
  const at = /^\d{11,}$/.test(text ?? '') ? Number(text) : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

// The same for a field of the type datetime-local, and back.
export function fieldOf(ms) {
  if (ms === null)
    return '';
  const date = new Date(ms);
  return `${dayText(date)}T${clockText(date)}`;
}

export function ofField(text) {
  const at = text === '' ? NaN :
    new Date(isUtc() ? `${text}Z` : text).getTime();
  return Number.isNaN(at) ? '' : String(at);
}

const FORMS = {
  ago: (at) => agoText(serverNow() - at),
  age: (at) => spanText(serverNow() - at),
  in: (at) => inText(at - serverNow()),
};

function tick(node) {
  const text = FORMS[node.dataset.form](Number(node.dataset.at));
  if (node.textContent !== text)
    node.textContent = text;
}

// An element that says how long ago iso was, and goes on saying it. form:
// 'ago' ("3 min ago"), 'age' ("3 min") or 'in' ("in 3 min").
export function ticking(iso, form) {
  const node = document.createElement('time');
  setTicking(node, iso, form);
  return node;
}

export function setTicking(node, iso, form) {
  const at = Date.parse(iso);
  node.dateTime = iso;
  node.title = wholeText(iso);
  node.dataset.form = form;
  node.dataset.at = at;
  tick(node);
}

// A moment, absolute, with its whole form as the title.
export function moment(iso, withMs = false) {
  const node = document.createElement('time');
  node.dateTime = iso;
  node.dataset.moment = withMs ? 'ms' : 's';
  show(node);
  return node;
}

function show(node) {
  node.title = wholeText(node.dateTime);
  if (node.dataset.moment !== undefined)
    node.textContent = momentText(node.dateTime, node.dataset.moment === 'ms');
}

// From now on all of setTicking() go on, each second that somebody looks.
export function startTicking() {
  setInterval(() => {
    if (!document.hidden)
      document.querySelectorAll('time[data-at]').forEach(tick);
  }, 1000);
  onZone(() => document.querySelectorAll('time').forEach(show));
}
