// status_strip.js -- how the server does, in one line of numbers.

import { h, fill } from './dom.js';
import { momentText, spanText } from './time.js';
import { bytesText } from './words.js';

const number = (n) => n.toLocaleString('en');

function item(label, value, { href = null, kind = '', title = null } = {}) {
  const content = [h('span', { class: 'strip-value' }, value),
    h('span', { class: 'strip-label' }, label)];
  return h('li', { class: kind, title }, href === null ?
    h('span', null, content) : h('a', { href }, content));
}

// The newest scheduled backup; why there is none, or why it was not handed on.
function backupItem({ newest_at: newest, error, push_error: pushError }) {
  if (error !== null)
    return item('backup failed', newest === null ? 'none' : momentText(newest),
      { kind: 'bad', title: error });
  if (pushError !== null)
    return item('backup not handed on', momentText(newest),
      { kind: 'warn', title: pushError });
  return newest !== null && item('backup', momentText(newest));
}

export class StatusStrip {
  constructor() {
    this.node = h('ul', { class: 'strip', 'aria-label': 'Status' });
    this.last = '';
  }

  set({ counts, store, queue, clock, backup }) {
    const refused = Object.values(counts.refused ?? {})
      .reduce((sum, n) => sum + n, 0);
    const oldest = counts.pending_jobs > 0 &&
      counts.oldest_pending_ms !== null ?
      `, oldest ${spanText(counts.oldest_pending_ms)}` : '';
    const bad = store.health !== 'ready';
    const last = JSON.stringify([counts, store, queue, clock, backup]);
    if (last === this.last)
      return;
    this.last = last;
    fill(this.node,
      item('received since the start', number(counts.received)),
      item('duplicates', number(counts.duplicates)),
      item('refused', number(refused), { href: '#/rejections',
        kind: refused > 0 ? 'warn' : '' }),
      item(`pending${oldest}`, number(counts.pending_jobs),
        { href: '#/events?state=pending' }),
      item('dead', number(counts.dead_jobs), { href: '#/events?state=dead',
        kind: counts.dead_jobs > 0 ? 'bad' : '' }),
      bad ? item('store', store.health, { kind: 'bad' }) :
        item('store', bytesText(store.bytes + store.wal_bytes)),
      backup && backupItem(backup),
      counts.log_dropped_lines > 0 && item('log lines dropped',
        number(counts.log_dropped_lines), { kind: 'warn' }),
      clock !== 'ok' && item('clock', clock, { kind: 'bad' }));
  }
}
