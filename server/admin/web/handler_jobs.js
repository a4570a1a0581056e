// handler_jobs.js -- what of one handler is dead, and why; and what can be done
// to all of it at once, which is shown before it is done.

import { get, post } from './api.js';
import { h, button, fill } from './dom.js';
import { formatRoute } from './route.js';
import { moment, momentText } from './time.js';
import { ask, toast } from './dialog.js';
import { askReplayAll } from './replay_dialog.js';
import { countText, outcomeText } from './words.js';

const PATH = '/api/v1/jobs';
const PAGE = 500;
const SHOWN = 50;
const ALL_MAX = 5000; // at once; then it is asked again

const deadOf = (handler, more) => get(PATH, { state: 'dead', handler,
  ...more });

// All that are dead, the newest first, and whether there are more.
async function allDead(handler) {
  const jobs = [];
  let before;
  do {
    const page = await deadOf(handler, { limit: PAGE, before });
    jobs.push(...page.jobs);
    before = page.next ?? undefined;
  } while (before !== undefined && jobs.length < ALL_MAX);
  return { jobs, more: before !== undefined };
}

// When its next job is tried, and why the newest that failed did: as the store
// has it, also after a restart.
export async function outlook(handler) {
  const [pending, dead] = await Promise.all([
    get(PATH, { state: 'pending', handler: handler.name, limit: SHOWN }),
    deadOf(handler.name, { limit: 1 })]);
  const due = pending.jobs.filter((j) => j.state === 'waiting' && j.due_at)
    .map((j) => j.due_at).sort();
  const failed = [...pending.jobs.filter((j) => j.attempts > 0 && j.outcome),
    ...dead.jobs].sort((a, b) => b.id - a.id);
  return { next: due[0] ?? null, failed: failed[0] ?? null };
}

function jobRow(job) {
  return h('li', { class: 'dead-job' },
    h('a', { href: formatRoute({ view: 'events', id: job.event_id,
      values: { in: job.scope ?? '' } }) }, h('bdi', null, job.event_id)),
    h('span', { class: 'dim' }, moment(job.finished_at), ` · job ${job.id} · `,
      countText(job.attempts, 'attempt')),
    h('span', { class: 'outcome' }, outcomeText(job.outcome) ?? 'no outcome'));
}

// What would be touched, in words.
function preview(jobs, more) {
  const at = jobs.map((j) => j.finished_at).sort();
  return [`${countText(jobs.length, 'dead job')}${more ? ', the newest of them' :
    ''}: the oldest died at ${momentText(at[0])}, the newest at ${
    momentText(at.at(-1))}.`];
}

// Do something to each, the oldest first. Returns how many were refused.
async function each(path, jobs, body) {
  const ids = jobs.map((j) => j.id).sort((a, b) => a - b);
  let refused = 0;
  for (let i = 0; i < ids.length; i += PAGE) {
    const answer = await post(`${PATH}/${path}`, { ids: ids.slice(i, i + PAGE),
      ...body });
    refused += answer.jobs.filter((j) => j.error !== undefined).length;
  }
  return refused;
}

// The same, and say so.
async function run(path, jobs, body, done) {
  try {
    const refused = await each(path, jobs, body);
    toast(refused === 0 ? 'ok' : 'bad', `${countText(jobs.length - refused,
      'job')} ${done}.${refused === 0 ? '' : ` ${refused} not: see ` +
      'their events.'}`);
  } catch (e) {
    toast('bad', `Not all was done: ${e.message}.`);
  }
}

// As allDead(); null, and said, if there are none or they cannot be had.
async function findDead(handler) {
  try {
    const found = await allDead(handler);
    if (found.jobs.length > 0)
      return found;
    toast('ok', 'None is dead any more.');
  } catch (e) {
    toast('bad', `Not done: ${e.message}.`);
  }
  return null;
}

// Ask, and replay all that is dead for a handler. Resolves to whether something
// may have been done.
export async function replayDead(handler) {
  const found = await findDead(handler);
  const how = found && await askReplayAll(handler, found.jobs.length,
    preview(found.jobs, found.more));
  if (how !== null)
    await run('replay', found.jobs, how, 'replayed');
  return how !== null;
}

export class DeadJobs {
  // changed() is called after something was done.
  constructor(handler, changed) {
    this.name = handler;
    this.changed = changed;
    this.list = h('ul', { class: 'dead-jobs' });
    this.summary = h('summary');
    this.node = h('details', { class: 'dead-all', on: { toggle: () =>
      this.node.open && this.load() } }, this.summary,
    h('div', { class: 'tools' },
      button('Replay all …', { class: 'quiet', 'aria-label':
        `Replay all dead jobs of ${handler}` }, () => this.replay()),
      button('Discard all …', { class: 'quiet', 'aria-label':
        `Discard all dead jobs of ${handler}` }, () => this.discard())),
    this.list);
  }

  set(count) {
    this.node.hidden = count === 0;
    this.summary.textContent = countText(count, 'dead job');
    if (this.node.open && count !== this.count)
      this.load();
    this.count = count;
  }

  async load() {
    try {
      const { jobs, next } = await deadOf(this.name, { limit: SHOWN });
      fill(this.list, jobs.map(jobRow), next !== null && h('li',
        { class: 'dim' }, `The newest ${jobs.length} of them.`));
    } catch (e) {
      fill(this.list, h('li', { class: 'bad' }, `${e.message}.`));
    }
  }

  async replay() {
    if (await replayDead(this.name))
      this.changed();
  }

  async discard() {
    const found = await findDead(this.name);
    if (found === null)
      return;
    const reason = await ask({ title: `Discard all of ${this.name}?`,
      text: [...preview(found.jobs, found.more), 'They are not counted as ' +
        'dead any more, and are not sent unless they are replayed.'],
      field: { label: 'Reason', required: true,
        placeholder: 'the shop was closed' },
      confirm: `Discard ${found.jobs.length}`, danger: true });
    if (reason === null)
      return;
    await run('discard', found.jobs, { reason }, 'discarded');
    this.changed();
  }
}
