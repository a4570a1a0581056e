// timeline.js -- what became of an event: to scale, and step by step.

import { h, fill } from './dom.js';
import { moment, serverNow, spanText, ticking, tookText } from './time.js';
import { lanesOf, gaps, nextOf } from './timeline_model.js';
import { outcomeText, stepText } from './words.js';

const WORDS = { good: 'went well', failed: 'failed', running: 'under way',
  wait: 'waited', next: 'waits for the next try', done: 'done', dead: 'ended' };

// How long, in what suits it: "3 ms", "1.2 s", "5 min".
const length = (ms) => ms < 60000 ? tookText(Math.round(ms)) : spanText(ms);

function spanNode(span, start, whole) {
  const node = h('span', { class: `span ${span.kind}`, title:
    `${span.number ? `attempt ${span.number}: ` : ''}${
      outcomeText(span.outcome) ??
      WORDS[span.kind]}${span.to > span.from ?
      `, ${length(span.to - span.from)}` : ''}` });
  node.style.left = `${100 * (span.from - start) / whole}%`;
  node.style.width = `${100 * (span.to - span.from) / whole}%`;
  return node;
}

// The same in words, for who does not see it.
function laneText({ name, spans }) {
  return `${name}: ${spans.map((s) => `${WORDS[s.kind]}${s.to > s.from ?
    ` ${length(s.to - s.from)}` : ''}`).join(', ') || 'nothing yet'}.`;
}

export function scaleNode(event) {
  const { start, end, lanes } = lanesOf(event, serverNow());
  const whole = end - start;
  const picture = h('div', { class: 'lanes', role: 'img', 'aria-label':
    `To scale, over ${length(whole)}. ${lanes.map(laneText).join(' ')}` },
  lanes.map((lane) => h('div', { class: 'lane' },
    h('span', { class: 'lane-name' }, lane.name),
    h('span', { class: 'lane-track' }, lane.spans.map((s) =>
      spanNode(s, start, whole))))),
  h('div', { class: 'lane axis' }, h('span', { class: 'lane-name' }),
    h('span', { class: 'lane-track' }, h('span', null, '0'),
      h('span', null, length(whole / 2)), h('span', null, length(whole)))));
  return picture;
}

function stepNode(entry, gap) {
  // A failed attempt says so behind its colon.
  const failed = entry.open || (entry.what === 'attempt' &&
    !/: (done|under way)$/.test(entry.detail ?? ''));
  return h('li', { class: `step ${entry.what}${failed ? ' failed' : ''}` },
    gap !== null && h('span', { class: 'step-gap' }, `${length(gap)} later`),
    h('span', { class: 'step-what' }, stepText(entry.what)),
    h('span', { class: 'step-at' }, entry.at === null ? '–' :
      moment(entry.at, true)),
    (entry.more || entry.detail) && h('span', { class: 'step-detail' },
      entry.more, entry.detail));
}

// moments: [{at, what, detail}], and of these what is known besides: more,
// nodes; open, nobody has seen to it.
export function stepsNode(moments) {
  const later = gaps(moments);
  return h('ol', { class: 'timeline' }, moments.map((entry, i) =>
    stepNode(entry, later[i])));
}

// What happens next, and when. jobs: the last of each handler and order.
export function nextNode(jobs, handlers) {
  const list = jobs.map((job) => nextOf(job,
    handlers.find((x) => x.name === job.handler))).filter((x, i, all) =>
    x !== null && all.findIndex((y) => y?.text === x.text &&
      y.at === x.at) === i);
  const node = h('ul', { class: 'next' });
  return fill(node, list.length === 0 ? h('li', null, jobs.length === 0 ?
    'Nothing: no handler takes it.' : 'Nothing more: it is done.') :
    list.map(({ text, at }) => h('li', null, text, at && [' at ', moment(at),
      h('span', { class: 'dim' }, ' (', ticking(at, 'in'), ')')],
    at && '.')));
}
