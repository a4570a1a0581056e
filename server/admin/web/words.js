// words.js -- what codes mean, in plain words. klikit's own status codes are
// not among them: its documents contradict each other, so they stay numbers.

export const EVENT_TYPES = [
  'klikit.order.created.v2',
  'klikit.order.status.updated',
  'klikit.order.cart.updated',
];

const CAUSES = {
  signature: ['Wrong signature',
    'The signature does not belong to this body under any secret in force.'],
  headers_missing: ['klikit header missing',
    'One of x-klikit-signature, x-klikit-event-id and x-klikit-event-type ' +
    'is missing or empty.'],
  headers_invalid: ['klikit header not readable',
    'An event id or type is over 255 bytes, not printable ASCII, or klikitd\'s own.'],
  invalid_json: ['Not a JSON document',
    'The signature is right, but the body is neither a JSON object nor an ' +
    'array.'],
  too_many_orders: ['Too many orders',
    'The signature is right, but the body holds more orders than are taken.'],
  id_conflict: ['Known id, another body',
    'The signature is right, but an event of this id with another body is ' +
    'stored. klikit was told "duplicate"; this second body is kept here.'],
  not_for_endpoint: ['Not for this endpoint',
    'The signature is right, but the type, brand or branch is none that the ' +
    'endpoint takes. klikit was answered 403; the body is kept here.'],
};

export const CAUSE_NAMES = Object.keys(CAUSES);

export function causeTitle(cause) {
  return CAUSES[cause]?.[0] ?? cause;
}

export function causeText(cause) {
  return CAUSES[cause]?.[1] ?? '';
}

// Of an event's date.
export const DOUBTED = 'not to be trusted: the clock was not believed then';

const STATES = {
  done: 'done',
  pending: 'pending',
  dead: 'dead',
  none: 'no handler',
  ready: 'ready',
  running: 'running',
  waiting: 'waiting',
  discarded: 'discarded',
  replayed: 'replayed',
  rang: 'alarm rang',
  acknowledged: 'alarm acknowledged',
};

export function stateText(state) {
  return STATES[state] ?? state;
}

// How an attempt or a job ended, as it stands in the store.
export const outcomeText = (outcome) => outcome === 'unknown' ?
  'unknown: klikitd ended while it was under way' : outcome;

const STEPS = {
  received: 'Received',
  verified: 'Signature verified',
  stored: 'Stored on disk',
  acked: 'Acknowledged',
  unanswered: 'Not answered',
  attempt: 'Attempt',
  done: 'Done',
  dead: 'Dead',
  discarded: 'Discarded',
  rang: 'Alarm rang',
  acknowledged: 'Alarm acknowledged',
  not_needed: 'Alarm not needed',
  duplicate: 'Came again',
  purged: 'Body removed',
};

export function stepText(what) {
  return STEPS[what] ?? what;
}

// A remark of the server as a sentence; what begins with the name of a header
// keeps it as it is.
export function sentence(text) {
  const end = /[.!?]$/.test(text) ? '' : '.';
  const first = /^[a-z]+\b(?!-)/.test(text) ? text.charAt(0).toUpperCase() :
    text.charAt(0);
  return first + text.slice(1) + end;
}

export function countText(n, one, many) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many ?? `${one}s`}`;
}

export function bytesText(n) {
  if (n === null || n === undefined)
    return '';
  if (n < 1024)
    return `${n} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let i = -1;
  do {
    n /= 1024;
    i++;
  } while (n >= 1024 && i < units.length - 1);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
