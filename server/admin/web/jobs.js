// jobs.js -- the jobs of an event with their attempts, and what can be done to
// them.

import { post } from './api.js';
import { h, button, fill, section } from './dom.js';
import { moment, tookText } from './time.js';
import { ask, toast } from './dialog.js';
import { askReplay } from './replay_dialog.js';
import { scan } from './json_scan.js';
import { markPersonal } from './personal.js';
import { rawText } from './json_view.js';
import { isOpenAlarm } from './events_model.js';
import { countText, outcomeText, stateText } from './words.js';

const ENDS = ['done', 'dead', 'discarded', 'replayed'];

// Of an alarm (it guards another job) nothing is to be repeated.
const isEnd = (job) => ENDS.includes(job.state) && job.guards === undefined;

// The newest job of each handler and order, which is the one to act on.
export function lastJobs(jobs) {
  const last = new Map();
  for (const job of jobs) {
    const key = `${job.handler}\0${job.place}`;
    if (!last.has(key) || last.get(key).id < job.id)
      last.set(key, job);
  }
  return [...last.values()];
}

// What a far side answered may repeat what it was sent.
function answerNode(text) {
  const bytes = new TextEncoder().encode(text);
  const scanned = scan(bytes);
  const spans = scanned.root?.children === undefined ? [] :
    markPersonal(scanned, bytes.length);
  return rawText(bytes, spans, false);
}

function attemptNode(attempt) {
  return h('li', { class: 'attempt' },
    h('span', { class: 'dim' }, `#${attempt.number}`),
    moment(attempt.started_at, true),
    h('span', { class: 'dim' }, tookText(attempt.duration_ms)),
    h('span', { class: 'outcome' },
      outcomeText(attempt.outcome) ?? 'under way'),
    attempt.code > 0 && h('span', { class: 'code' }, attempt.code),
    attempt.answer && h('details', null,
      h('summary', null, 'Answer'), answerNode(attempt.answer)));
}

// Do it, and say what came of it.
async function act(path, body, good) {
  try {
    const answer = await post(path, body);
    toast('ok', good(answer));
    return true;
  } catch (e) {
    toast('bad', `Not done: ${e.message}.`);
    return false;
  }
}

function replayText({ replayed, jobs }) {
  const refused = jobs.filter((j) => j.error !== undefined);
  const made = jobs.filter((j) => j.job !== undefined).map((j) => j.job);
  return [replayed > 0 && `Replayed as ${made.length === 1 ? 'job' : 'jobs'} ` +
    `${made.join(', ')}.`,
  ...refused.map((j) => `Job ${j.id}: ${j.error}.`)]
    .filter((t) => t).join(' ');
}

export class JobList {
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    this.opened = new Set(); // ids whose attempts are shown
    this.list = h('ul', { class: 'jobs' });
    this.all = button('', { class: 'primary', hidden: true },
      () => this.replay(this.failed()));
    this.node = section('Handlers', { class: 'part' });
    this.some = button('Replay …', { class: 'quiet', hidden: true,
      'aria-label': 'Choose handlers to replay for' }, () =>
      this.replay(this.ended(), this.failed()));
    this.node.append(h('div', { class: 'tools' }, this.all, this.some),
      this.list);
  }

  set(jobs) {
    this.jobs = [...jobs].sort((a, b) => b.id - a.id);
    const last = new Set(lastJobs(jobs).map((j) => j.id));
    const failed = this.failed().length;
    this.all.textContent = `Replay failed (${failed})`;
    this.all.hidden = failed === 0;
    this.some.hidden = this.ended().length < 2;
    this.all.parentElement.hidden = this.all.hidden && this.some.hidden;
    fill(this.list, this.jobs.length === 0 ?
      h('li', { class: 'dim' }, 'No handler takes events of this type.') :
      this.jobs.map((job) => this.jobNode(job, last.has(job.id))));
  }

  // What can be done again.
  ended() {
    return lastJobs(this.jobs).filter(isEnd);
  }

  // Of it what nobody has done.
  failed() {
    return this.ended().filter((job) => job.state === 'dead');
  }

  jobNode(job, isLast) {
    const place = job.place === null ? null : `order ${job.place + 1}`;
    const { state } = job;
    return h('li', { class: `job ${state}` },
      h('div', { class: 'job-head' },
        h('span', { class: `state ${state}` }, stateText(state)),
        h('strong', null, job.handler),
        h('span', { class: 'dim' }, `job ${job.id}`, place && `, ${place}`,
          job.replay_of ? `, replay of ${job.replay_of}` : ''),
        h('span', { class: 'gap' }),
        isLast ? this.actions(job) : state !== 'replayed' &&
          h('span', { class: 'dim' }, 'replayed')),
      job.outcome && job.outcome !== job.state && h('p', { class: 'outcome' },
        outcomeText(job.outcome)),
      job.state === 'waiting' && job.due_at && h('p', { class: 'dim' },
        'Next try at ', moment(job.due_at), '.'),
      this.attempts(job));
  }

  // What is written into tables of the store itself leaves no attempts.
  attempts({ id, history }) {
    if (history === undefined || history.length === 0)
      return null;
    const node = h('details', { open: this.opened.has(id), on: {
      toggle: () => {
        if (node.open)
          this.opened.add(id);
        else
          this.opened.delete(id);
      } } }, h('summary', null, countText(history.length, 'attempt')),
    h('ol', { class: 'attempts' }, history.map(attemptNode)));
    return node;
  }

  actions(job) {
    const discard = button('Discard', { class: 'quiet' },
      () => this.discard(job));
    if (isOpenAlarm(job))
      return button('Acknowledge', { class: 'danger' }, async () => {
        await this.app.alarms.acknowledge([job]);
        this.changed();
      });
    if (job.guards !== undefined && job.finished_at !== null)
      return null; // an alarm that has ended
    if (isEnd(job))
      return [button('Replay', { class: 'quiet', 'aria-label':
        `Replay for ${job.handler}` }, () => this.replay([job])),
      job.state === 'dead' && discard];
    return [
      job.state === 'waiting' && button('Try now', { class: 'quiet' }, () =>
        this.run(`/api/v1/jobs/${job.id}/retry`, {}, () =>
          `Job ${job.id} is tried now.`)),
      job.state !== 'running' && discard,
    ];
  }

  async run(path, body, good) {
    if (await act(path, body, good))
      this.changed();
  }

  // Of several jobs some are chosen; chosen: these are at first.
  async replay(jobs, chosen = jobs) {
    const answer = await askReplay(jobs, chosen);
    if (answer !== null)
      await this.run('/api/v1/jobs/replay', answer, replayText);
  }

  async discard(job) {
    const reason = await ask({
      title: `Discard job ${job.id}?`,
      text: [`${job.handler} will not get this event, unless it is replayed, ` +
        'and it is not counted as dead.'],
      field: { label: 'Reason', required: true,
        placeholder: 'the shop is closed' },
      confirm: 'Discard', danger: true });
    if (reason !== null)
      await this.run(`/api/v1/jobs/${job.id}/discard`, { reason }, () =>
        `Job ${job.id} is discarded.`);
  }
}
