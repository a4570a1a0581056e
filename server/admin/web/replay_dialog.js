// replay_dialog.js -- before a replay: for which handlers, and under which
// idempotency key.

import { ask, toast } from './dialog.js';
import { h } from './dom.js';
import { stateText } from './words.js';

const WHY_OLD_KEY = 'An outside system sees the same idempotency key as ' +
  'before: if it has done this already, it does nothing twice.';
const WHY_NEW_KEY = 'For one that answers the old key from its memory, and so ' +
  'swallows the replay. If it did do it the first time, it does it twice.';

function jobCheck(job, checked) {
  const box = h('input', { type: 'checkbox', checked, value: String(job.id) });
  return h('label', { class: 'check' }, box, h('span', null, h('bdi', null,
    job.handler), h('span', { class: 'dim' }, job.place === null ? '' :
    `, order ${job.place + 1}`, ` (${stateText(job.state)})`)));
}

// The choice of a new idempotency key: {content, chosen()}.
export function newKeyChoice() {
  const box = h('input', { type: 'checkbox' });
  return { chosen: () => box.checked, content: [
    h('label', { class: 'check' }, box, 'With a new idempotency key'),
    h('p', { class: 'small' }, WHY_NEW_KEY)] };
}

// Ask before all of these are replayed; said: what they are. Resolves to what
// is to be asked for with their ids, or to null.
export async function askReplayAll(name, count, said) {
  const newKey = newKeyChoice();
  const yes = await ask({ title: `Replay all to ${name}?`,
    text: [...said, 'Each goes to it once more, as a new job, the oldest ' +
      'first.', WHY_OLD_KEY],
    content: newKey.content, confirm: `Replay ${count}` });
  return yes === null ? null : { new_key: newKey.chosen() };
}

// Ask; resolves to what /api/v1/jobs/replay takes, or to null. Of several jobs
// those that are chosen are checked at first.
export async function askReplay(jobs, chosen) {
  const newKey = newKeyChoice();
  const checks = jobs.length === 1 ? [] :
    jobs.map((job) => jobCheck(job, chosen.includes(job)));
  const content = [checks.length > 0 && h('fieldset', { class: 'choices' },
    h('legend', null, 'For'), checks), ...newKey.content];
  const yes = await ask({ title: jobs.length === 1 ?
    `Replay for ${jobs[0].handler}?` : 'Replay for which handlers?',
  text: ['The event goes there once more, as a new job.', WHY_OLD_KEY],
  content, confirm: 'Replay' });
  const ids = checks.length === 0 ? [jobs[0].id] :
    checks.map((c) => c.querySelector('input')).filter((c) => c.checked)
      .map((c) => Number(c.value));
  if (yes !== null && ids.length === 0)
    toast('bad', 'No handler was chosen: nothing is replayed.');
  if (yes === null || ids.length === 0)
    return null;
  return { ids, new_key: newKey.chosen() };
}
