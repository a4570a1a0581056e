// handlers.js -- each handler: what is pending for it, why it failed, what is
// dead; stopping it and letting it go on.

import { get, post, part } from './api.js';
import { h, button, fill, notice, loading } from './dom.js';
import { formatRoute } from './route.js';
import { ticking, moment, usText } from './time.js';
import { ask, toast } from './dialog.js';
import { receiversTable } from './receivers.js';
import { DeadJobs, outlook } from './handler_jobs.js';
import { outcomeText } from './words.js';

const AGAIN_MS = 1000; // messages come many at a time
const PATH = '/api/v1/handlers';

const figure = (label, ...value) => h('div', { class: 'figure' },
  h('dt', null, label), h('dd', null, ...value));

const REMARKS = {
  parked: 'It is not in the configuration: what is pending waits until it is ' +
    'there again.',
  probing: 'Its calls keep failing: one is tried now and then, until one ' +
    'succeeds.',
};

// How each state looks.
const LOOKS = { active: 'done', probing: 'dead', paused: 'pending',
  parked: 'pending' };

/** How often its attempts succeeded in a time, and how long calls took. */
export function ratesText({ done, failed, dead, p50_ms: p50, p95_ms: p95 }) {
  const n = done + failed + dead;
  if (n === 0)
    return 'no attempt';
  const took = (ms) => usText(Math.round(ms * 1000));
  return `${Math.floor(done * 1000 / n) / 10} % of ${n.toLocaleString('en')} ` +
    `${n === 1 ? 'attempt' : 'attempts'} succeeded` + (p50 === null ? '' :
    `; calls took ${took(p50)} in the median, one in twenty more than ` +
      `${took(p95)}`);
}

export class HandlersView {
  constructor(app, route) {
    this.title = 'Handlers';
    this.app = app;
    this.wanted = route.id; // the one to be brought in sight
    this.dead = new Map();     // name -> DeadJobs
    this.outlooks = new Map(); // name -> what outlook() said
    this.box = h('div', { class: 'handlers' });
    this.node = h('div', { class: 'page-place' }, h('div', { class: 'page' },
      h('header', { class: 'page-head' }, h('h1', null, 'Handlers')),
      this.box));
    fill(this.box, loading('handlers'));
    this.load();
  }

  async load() {
    try {
      this.handlers = (await get(PATH)).handlers;
      this.receivers = (await get('/api/v1/receivers')).receivers;
    } catch (e) {
      if (this.handlers === undefined)
        fill(this.box, notice('bad', 'The handlers could not be loaded',
          `${e.message}.`, button('Try again', { class: 'quiet' },
            () => this.load())));
      return;
    }
    this.draw();
    this.look();
  }

  // What the list of handlers does not say.
  async look() {
    const asked = this.handlers.filter((x) => x.pending > 0 || x.dead > 0);
    for (const handler of asked) {
      try {
        this.outlooks.set(handler.name, await outlook(handler));
      } catch {
        return; // it is said without
      }
    }
    this.draw();
  }

  // Kept from one drawing to the next, open as it is.
  deadOf(handler) {
    const { name } = handler;
    if (!this.dead.has(name))
      this.dead.set(name, new DeadJobs(name, () => this.load()));
    const dead = this.dead.get(name);
    dead.set(handler.dead);
    return dead.node;
  }

  // Why its newest attempt failed; known to the store, also of before a start.
  lastError(handler) {
    const stored = this.outlooks.get(handler.name)?.failed;
    if (handler.last_error !== null)
      return handler.last_error === handler.paused_why ? null :
        h('p', { class: 'last-error' }, 'Its last attempt failed at ',
          moment(handler.last_error_at), ': ',
          h('bdi', null, handler.last_error));
    return stored && h('p', { class: 'last-error' },
      `Its newest job that has failed, ${stored.id}: `,
      h('bdi', null, outcomeText(stored.outcome)));
  }

  draw() {
    const focused = this.box.contains(document.activeElement) ?
      document.activeElement : null;
    fill(this.box, this.handlers.length === 0 ?
      notice('empty', 'No handler is configured') :
      this.handlers.map((handler) => this.card(handler)),
    receiversTable(this.receivers ?? []));
    this.reveal();
    // What is kept was out of the page for a moment; what is not has a successor.
    if (focused !== null)
      (focused.isConnected ? focused : [...this.box.querySelectorAll(
        '[data-handler], [data-name]')].find((b) => b.dataset.handler ===
        focused.dataset.handler && b.dataset.name === focused.dataset.name))
        ?.focus({ preventScroll: true });
  }

  // Once: who reads on is not called back.
  reveal() {
    const wanted = [...this.box.children].find((node) =>
      node.dataset.name === this.wanted);
    wanted?.scrollIntoView();
    wanted?.focus({ preventScroll: true });
    if (wanted !== undefined)
      this.wanted = null;
  }

  card(handler) {
    const paused = handler.state === 'paused';
    const { state } = handler;
    return h('section', { class: paused ? 'handler paused' : 'handler',
      'aria-label': handler.name, 'data-name': handler.name, tabIndex: -1 },
    h('header', null, h('h2', null, handler.name),
      h('span', { class: `state ${LOOKS[state]}` }, state),
      handler.type && h('span', { class: 'dim' }, handler.type),
      h('span', { class: 'gap' }),
      paused ? button('Resume', { class: 'primary', 'data-handler':
        handler.name, 'aria-label': `Resume ${handler.name}` },
      () => this.resume(handler)) :
        button('Stop sending', { class: 'quiet', 'data-handler': handler.name,
          'aria-label': `Stop sending to ${handler.name}` },
        () => this.pause(handler))),
    paused && h('p', { class: 'remark' }, 'Since ', moment(handler.paused_at),
      ` by ${handler.paused_by}`, handler.paused_why &&
        [': ', h('bdi', null, handler.paused_why)]),
    REMARKS[state] && h('p', { class: 'remark' }, REMARKS[state]),
    handler.target !== null && h('p', { class: 'target' }, 'To ',
      h('bdi', null, handler.target),
      handler.connected === false && ' (not connected)'),
    handler.takes && h('p', { class: 'target' }, 'Takes ',
      h('bdi', null, handler.takes.replace(/^events \*/, 'every event'))),
    this.lastError(handler),
    h('dl', { class: 'figures' },
      figure('pending', handler.pending),
      figure('oldest', handler.oldest === null ? '–' :
        ticking(handler.oldest, 'age')),
      figure('next try', !paused && this.outlooks.get(handler.name)?.next ?
        ticking(this.outlooks.get(handler.name).next, 'in') : '–'),
      figure('dead', handler.dead === 0 ? '0' :
        h('a', { href: formatRoute({ view: 'events', values: { state: 'dead',
          handler: handler.name } }), class: 'bad' }, handler.dead))),
    handler.last_day && h('dl', { class: 'rates' },
      h('dt', null, '1 h'), h('dd', null, ratesText(handler.last_hour)),
      h('dt', null, '24 h'), h('dd', null, ratesText(handler.last_day))),
    this.deadOf(handler));
  }

  async pause(handler) {
    const why = await ask({
      title: `Stop sending to ${handler.name}?`,
      text: ['Events are received and kept all the same; this handler gets ' +
        'them when it goes on. It outlasts restarts.'],
      field: { label: 'Reason', required: true,
        placeholder: 'new printer' },
      confirm: 'Stop sending' });
    if (why !== null)
      await this.act(handler, 'pause', { why }, 'is paused');
  }

  async resume(handler) {
    await this.act(handler, 'resume', {}, 'goes on');
  }

  async act(handler, what, body, done) {
    try {
      await post(`${PATH}/${part(handler.name)}/${what}`, body);
      toast('ok', `${handler.name} ${done}.`);
    } catch (e) {
      toast('bad', `Not done: ${e.message}.`);
    }
    await this.load();
  }

  message(kind, data) {
    if (kind === 'handler' && this.handlers !== undefined) {
      const i = this.handlers.findIndex((x) => x.name === data.name);
      if (i === -1)
        this.handlers.push(data);
      else
        this.handlers[i] = { ...data, // what only the list has stays
          last_hour: this.handlers[i].last_hour,
          last_day: this.handlers[i].last_day };
      this.draw();
    } else if (kind === 'job' || kind === 'event')
      this.soon ??= setTimeout(() => {
        this.soon = undefined;
        this.load();
      }, AGAIN_MS);
  }

  update(route) {
    this.wanted = route.id;
    this.reveal();
  }

  reset() {
    this.load();
  }

  close() {
    clearTimeout(this.soon);
  }
}
