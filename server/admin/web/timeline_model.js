// timeline_model.js -- what became of an event, as spans of time to be drawn to
// scale (pure).

const ms = (iso) => iso === null || iso === undefined ? NaN : Date.parse(iso);

export const FAILED = new Set(['dead']);

// Did an attempt end well? Its outcome's first word says so.
function attemptKind(attempt) {
  if (attempt.outcome === null || attempt.outcome === undefined)
    return 'running';
  return attempt.outcome === 'done' ? 'good' : 'failed';
}

function jobSpans(job, now) {
  const spans = [];
  let last = NaN; // the end of the attempt before
  for (const attempt of job.history ?? []) {
    const from = ms(attempt.started_at);
    const kind = attemptKind(attempt);
    const to = kind === 'running' ? now : from + (attempt.duration_ms ?? 0);
    if (!Number.isNaN(last) && from > last)
      spans.push({ kind: 'wait', from: last, to: from });
    spans.push({ kind, from, to, number: attempt.number,
      outcome: attempt.outcome ?? 'under way' });
    last = to;
  }
  const due = ms(job.due_at);
  if (job.state === 'waiting' && !Number.isNaN(due)) {
    const from = Number.isNaN(last) ? now : last;
    spans.push({ kind: 'next', from, to: Math.max(due, from) });
  }
  const end = ms(job.finished_at);
  if (!Number.isNaN(end))
    spans.push({ kind: job.state === 'done' ? 'done' : 'dead', from: end,
      to: end });
  return spans;
}

// One lane for what klikitd did with the delivery, and one for each job:
// {start, end, lanes: [{name, spans: [{kind, from, to, ...}]}]}, ms.
export function lanesOf(event, now) {
  const start = ms(event.received_at);
  const acked = (event.timeline ?? []).find((t) => t.what === 'acked');
  const stored = (event.timeline ?? []).find((t) => t.what === 'stored');
  const taken = ms((acked ?? stored)?.at);
  const lanes = [{ name: 'klikit', spans: [{ kind: 'good', from: start,
    to: Number.isNaN(taken) ? start : taken, outcome: acked === undefined ?
      'received' : 'received and answered' }] }];
  for (const job of [...event.jobs ?? []].sort((a, b) => a.id - b.id))
    lanes.push({ name: job.handler, job: job.id, spans: jobSpans(job, now) });
  const ends = lanes.flatMap((lane) => lane.spans.map((s) => s.to));
  return { start, end: Math.max(start + 1, ...ends), lanes };
}

// "+40 s" since the moment before, of each but the first; null where there is
// nothing to say.
export function gaps(moments) {
  return moments.map((moment, i) => {
    const gap = i === 0 ? NaN : ms(moment.at) - ms(moments[i - 1].at);
    return gap > 0 ? gap : null;
  });
}

// What happens to a job next, and when, in words: {text, at: ISO or null}.
// handler: as the API has it, if it is known.
export function nextOf(job, handler) {
  const name = job.handler;
  const stopped = handler?.state === 'paused' || handler?.state === 'parked';
  switch (job.state) {
  case 'ready':
    return { at: null, text: stopped ? `${name} waits: nothing is sent to it ` +
      'now.' : `${name} gets it as soon as it is its turn.` };
  case 'running':
    return { at: null, text: `${name} is getting it now.` };
  case 'waiting':
    return { at: stopped ? null : job.due_at, text: stopped ?
      `${name} waits: nothing is sent to it now.` : job.attempts > 0 ?
        `${name} is tried again` : `${name} gets it` };
  case 'dead':
    return { at: null, text: `${name} is not tried again by itself: it is ` +
      'dead until somebody replays it.' };
  default:
    return null;
  }
}
