// kitchen_choice.js -- which branch a kitchen's screen is for: it is asked once,
// the address keeps it.

import { get } from './api.js';
import { h, button, fill, loading, notice } from './dom.js';
import { formatRoute } from './route.js';
import { serverNow } from './time.js';
import { countText } from './words.js';

const WEEK_MS = 7 * 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;
const ORDERS_MAX = 500;

export const ALL = '*'; // in the address: every branch

const iso = (ms) => new Date(ms).toISOString();

// [{branch, scope, open}]: those with open orders, and those of which something
// came in the last week (pure).
export function branchesOf(orders, heard) {
  const known = new Map();
  const at = (branch, scope) => {
    const key = JSON.stringify([scope, branch]);
    if (!known.has(key))
      known.set(key, { branch, scope, open: 0 });
    return known.get(key);
  };
  for (const { branch, scope } of orders) {
    if (branch)
      at(branch, scope ?? '').open++;
  }
  for (const { branch } of heard) {
    if (branch !== '' && branch !== '*' &&
        ![...known.values()].some((b) => b.branch === branch))
      at(branch, '');
  }
  return [...known.values()].sort((a, b) => b.open - a.open ||
    a.branch.localeCompare(b.branch, 'en', { numeric: true }));
}

export class KitchenChoice {
  constructor(app) {
    this.app = app;
    this.list = h('div', { class: 'kitchen-branches' });
    this.other = h('input', { type: 'text', id: 'other-branch',
      maxlength: 100, autocomplete: 'off', inputmode: 'numeric', on: {
        keydown: (e) => e.key === 'Enter' && this.goOther() } });
    this.node = h('div', { class: 'page-place' }, h('div', { class: 'page' },
      h('header', { class: 'page-head' }, h('h1', null,
        'A screen for the kitchen')),
      h('p', { class: 'dim' }, 'Which branch cooks here? The open orders of ' +
        'it are shown in large type. Keep the page that opens as a bookmark.'),
      this.list,
      h('p', { class: 'tools' }, h('label', { for: 'other-branch' },
        'Another branch'), this.other, button('Open', { class: 'quiet' },
        () => this.goOther()))));
    fill(this.list, loading('the branches'));
    this.load();
  }

  goOther() {
    const branch = this.other.value.trim();
    if (branch !== '')
      this.app.go({ view: 'kitchen', values: { branch } });
  }

  async load() {
    const now = serverNow();
    try {
      const [{ orders }, { branches }] = await Promise.all([
        get('/api/v1/board', { limit: ORDERS_MAX }),
        get('/api/v1/stats', { step: 'hour', from: iso(now - WEEK_MS +
          HOUR_MS), to: iso(now) })]);
      this.draw(branchesOf(orders, branches ?? []), orders.length);
    } catch (e) {
      fill(this.list, notice('bad', 'The branches could not be loaded',
        `${e.message}.`, button('Try again', { class: 'quiet' },
          () => this.load())));
    }
  }

  link({ branch, scope }, text, open) {
    return h('a', { class: 'kitchen-branch', href: formatRoute({
      view: 'kitchen', values: { branch, scope } }) },
    h('strong', null, text), h('span', { class: 'dim' },
      countText(open, 'open order')));
  }

  draw(branches, open) {
    fill(this.list, branches.map((b) => this.link(b, `Branch ${b.branch}` +
      (b.scope === '' ? '' : `, ${b.scope}`), b.open)),
    this.link({ branch: ALL }, 'All branches', open));
  }
}
