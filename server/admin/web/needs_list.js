// needs_list.js -- what needs a person, each with what can be done about it.

import { part, post } from './api.js';
import { button, h } from './dom.js';
import { toast } from './dialog.js';
import { replayDead } from './handler_jobs.js';
import { formatRoute } from './route.js';
import { moment, ticking } from './time.js';
import { sentence } from './words.js';

const SHOWN_OF_A_KIND = 4; // the others are behind a button

const handlerPlace = (subject) => formatRoute({ view: 'handlers', id: subject });

// Where more is said about it.
const PLACES = {
  alarm: () => '#/alarms',
  handler_failing: handlerPlace,
  handler_paused: handlerPlace,
  job_dead: (subject) =>
    `#/events?state=dead&handler=${encodeURIComponent(subject)}`,
  rejections: () => '#/rejections',
  branch_silent: (subject) =>
    `#/events?branch=${encodeURIComponent(subject)}`,
};

// What can be done here, where the server's advice speaks of the terminal.
const ADVICE = {
  handler_failing: 'See that its far side runs and can be reached. What waits ' +
    'is sent by itself when it works again.',
  job_dead: 'Show has the reasons. Replay sends them once more.',
};

async function tell(done, run) {
  try {
    await run();
    toast('ok', done);
  } catch (e) {
    toast('bad', `Not done: ${e.message}.`);
  }
}

const resume = (name) => tell(`${name} goes on.`, () =>
  post(`/api/v1/handlers/${part(name)}/resume`, {}));

async function probe(url) {
  toast('ok', 'A signed test is on its way …');
  try {
    const { arrived, text } = await post('/api/v1/probe', { url });
    toast(arrived ? 'ok' : 'bad', sentence(text));
  } catch (e) {
    toast('bad', `Not done: ${e.message}.`);
  }
}

// The buttons of each kind: [text, what a reader of the screen hears, run].
const ACTS = {
  handler_paused: ({ subject }) => ['Resume', `Resume ${subject}`,
    () => resume(subject)],
  job_dead: ({ subject }) => ['Replay', `Replay the dead jobs of ${subject}`,
    () => replayDead(subject)],
  probe: (need, status) => status.probe && ['Try now',
    'Probe the public URL now', () => probe(status.probe.url)],
};

function needItem(need, status, done) {
  const { kind, subject, text, advice, since, next_try: nextTry } = need;
  const act = ACTS[kind]?.(need, status);
  const place = PLACES[kind]?.(subject);
  return h('li', { class: need.urgent ? 'need urgent' : 'need' },
    h('div', { class: 'need-words' },
      h('p', { class: 'need-text' }, h('bdi', null, kind === 'job_dead' ?
        `${subject}: ${text}` : text), '.'),
      h('p', { class: 'need-more' },
        since && h('span', null, 'Since ', moment(since), ' (',
          ticking(since, 'age'), '). '),
        nextTry && h('span', null, 'Next try ', ticking(nextTry, 'in'),
          '. '),
        ADVICE[kind] ?? advice)),
    h('div', { class: 'need-acts' },
      act && button(act[0], { class: 'primary', 'aria-label': act[1],
        'data-need': `${kind} ${subject}` }, async () => {
        await act[2]();
        done();
      }),
      place && h('a', { class: 'button', href: place,
        'aria-label': `Show ${text}` }, 'Show')));
}

// needs as of the status; done() after something was done about one; all: show
// each, else of a kind with many only the first ones.
export function needsList(needs, status, { all, more, done }) {
  const shown = {};
  const items = [];
  let left = 0;
  for (const need of needs) {
    shown[need.kind] = (shown[need.kind] ?? 0) + 1;
    if (all || shown[need.kind] <= SHOWN_OF_A_KIND)
      items.push(needItem(need, status, done));
    else
      left++;
  }
  return h('ul', { class: 'needs', 'aria-label': 'What needs you' }, items,
    left > 0 && h('li', { class: 'need-left' }, button(
      `Show ${left} more`, { class: 'quiet' }, more)));
}
