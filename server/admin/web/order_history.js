// order_history.js -- what became of an order, over all events that carried it,
// in the words of the log (pure).

import { isOpenAlarm } from './events_model.js';

// A job's end, as the timeline of its event has it; null: it has not ended.
function endOf(job) {
  if (job.finished_at === null)
    return null;
  const what = job.state === 'alarm not needed' ? 'not_needed' :
    ['dead', 'discarded', 'replayed'].includes(job.state) ? 'dead' : 'done';
  return { at: job.finished_at, what,
    detail: `job ${job.id} ${job.handler}: ${job.outcome ?? job.state}` };
}

function ofJob(job) {
  const moments = [endOf(job)];
  if (job.rang_at)
    moments.push({ at: job.rang_at, what: 'rang', open: isOpenAlarm(job),
      detail: `alarm ${job.id} by ${job.handler}: ${job.guarded ??
      'its handler'}, job ${job.guards}, had not done it in time` });
  if (job.acknowledged_at)
    moments.push({ at: job.acknowledged_at, what: 'acknowledged',
      detail: `alarm ${job.id} by ${job.acknowledged_by ||
        'nobody who is known'}` });
  if (job.discarded_at)
    moments.push({ at: job.discarded_at, what: 'discarded',
      detail: `job ${job.id} ${job.handler}` });
  return moments.filter((m) => m !== null);
}

// history: events as the API has them; id: of the order. {moments: [{at, what,
// detail}] by time; of 'received' with the event and its status of the order;
// jobs: those that are about it, each with a place of its own among all}.
export function historyOf(history, id) {
  const moments = [];
  const jobs = [];
  for (const event of history) {
    const order = (event.orders ?? []).find((o) => o.order_id === id);
    moments.push({ at: event.received_at, what: 'received', event,
      status: order?.status ?? null });
    if (event.duplicates > 0 && event.last_duplicate_at)
      moments.push({ at: event.last_duplicate_at, what: 'duplicate',
        detail: `the last of ${event.duplicates}, answered and not kept` });
    for (const job of event.jobs ?? []) {
      // One for each order of the body, or for all of it.
      if (job.place !== null && order !== undefined &&
          job.place !== order.place)
        continue;
      moments.push(...ofJob(job));
      jobs.push({ ...job, place: `${event.id} ${job.place}` });
    }
    if (event.purged_at)
      moments.push({ at: event.purged_at, what: 'purged',
        detail: 'the body is no longer kept' });
  }
  return { jobs, moments: moments.sort((a, b) =>
    Date.parse(a.at) - Date.parse(b.at)) };
}
