// receivers.js -- the receivers that share the store: what each of them counts,
// and all of them together.

import { h } from './dom.js';
import { moment } from './time.js';

const number = (n) => n.toLocaleString('en');
const COUNTED = ['received', 'repeats', 'duplicates', 'conflicts'];

// The counts of a status, which are one receiver's, made those of all that are
// alive. Pure.
export function countAll(counts, receivers) {
  const sum = { ...counts, refused: { ...counts.refused } };
  for (const { alive, own, counts: theirs } of receivers) {
    if (!alive || own || theirs === null)
      continue;
    for (const name of COUNTED)
      sum[name] += theirs[name];
    sum.refused.elsewhere = (sum.refused.elsewhere ?? 0) + theirs.refused;
  }
  return sum;
}

const cells = (tag, ...values) => values.map((value) => h(tag, null, value));

function row({ name, version, started_at, alive, own, counts }) {
  return h('tr', { class: alive ? null : 'gone' },
    h('th', { scope: 'row' }, h('bdi', null, name), own && ' (this one)'),
    cells('td', version, moment(started_at), alive ? 'alive' : 'gone',
      ...['received', 'duplicates', 'refused'].map((of) =>
        counts === null ? '–' : number(counts[of]))));
}

// A table of them; null where there is only this one.
export function receiversTable(receivers) {
  if (receivers.length < 2)
    return null;
  return h('section', { class: 'receivers', 'aria-label': 'Receivers' },
    h('h2', null, 'Receivers'),
    h('div', { class: 'wide' }, h('table', null,
      h('thead', null, h('tr', null, cells('th', 'name', 'version', 'since',
        'state', 'received', 'duplicates', 'refused'))),
      h('tbody', null, receivers.map(row)))));
}
