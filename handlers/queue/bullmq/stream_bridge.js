#!/usr/bin/env node
// stream_bridge.js -- takes events from the Redis stream that klikitd's
// `type = redis` fills, and acknowledges each when it is a job in BullMQ. One
// that was being handed over when a bridge died is handed over again: it is the
// same job.
'use strict';

const os = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const { Queue } = require('bullmq');
const { connect, die, jobOf, number, options } = require('./job.js');

const PROGRAM = 'stream_bridge';
const USAGE = `usage: stream_bridge.js --queue NAME --stream NAME [OPTION...]

Reads klikitd's stream as one consumer of a group, and makes each entry a job
of BullMQ in the same Redis. Several may run.

  --stream NAME         the key \`stream\` of klikitd's handler
  --group NAME          the consumer group; it is made if it is missing, and
                        begins with the oldest entry (bullmq)
  --consumer NAME       this one of them (HOST-PID)
  --claim MS            entries that another consumer has had for so long
                        without an end are taken over (60000)
  --batch N             entries at once (100)
  --delete              delete what was handed over: if nobody else reads the
                        stream. Without it, it grows until someone trims it`;

const values = options(PROGRAM, USAGE, {
  stream: { type: 'string' },
  group: { type: 'string', default: 'bullmq' },
  consumer: { type: 'string', default: `${os.hostname()}-${process.pid}` },
  claim: { type: 'string', default: '60000' },
  batch: { type: 'string', default: '100' },
  delete: { type: 'boolean', default: false },
});
if (!values.stream)
  die(`${PROGRAM}: --stream is missing (--help shows all options)`);
const { stream, group, consumer } = values;
const claim = number(PROGRAM, 'claim', values.claim);
const batch = number(PROGRAM, 'batch', values.batch);
const BLOCK_MS = Math.min(claim, 5000);
const PAUSE_MS = 500; // after what failed

const redis = connect(PROGRAM, values, {});
const queue = new Queue(values.queue, {
  connection: redis, prefix: values.prefix,
});
queue.on('error', () => {}); // the connection has said it
const reader = redis.duplicate(); // waits for entries: nothing else does there
reader.on('error', () => {}); // the same Redis

function say(text) {
  process.stderr.write(`${PROGRAM}: ${text}\n`);
}

// [name, value, ...] of an entry: its body, and the rest as text.
function fieldsOf(flat) {
  const attributes = {};
  let body = Buffer.alloc(0);
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i].toString();
    if (name === 'body')
      body = flat[i + 1];
    else
      attributes[name] = flat[i + 1].toString();
  }
  return { attributes, body };
}

function jobOfEntry([id, flat]) {
  const { attributes, body } = fieldsOf(flat);
  // Without a key it is not klikitd's: the entry alone says what a repeat is.
  const key = attributes['idempotency-key'] || `${stream} ${id}`;
  return jobOf(values, key, attributes, body);
}

// Hand entries over, then acknowledge them. One that is null, or has no fields,
// was deleted from the stream before: there is nothing left to hand over.
async function handOver(entries, gone = 0) {
  const whole = entries.filter((entry) => entry && entry[1]);
  const ids = entries.filter((entry) => entry).map(([id]) => id);
  gone += entries.length - whole.length;
  if (gone > 0)
    say(`${gone} entries were deleted from the stream before they were ` +
      'handed over: is it trimmed too short?');
  if (whole.length > 0)
    await queue.addBulk(whole.map(jobOfEntry));
  if (ids.length > 0)
    await redis.xack(stream, group, ...ids);
  if (ids.length > 0 && values.delete)
    await redis.xdel(stream, ...ids);
}

async function makeGroup() {
  try {
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  } catch (e) {
    if (!e.message.startsWith('BUSYGROUP'))
      throw e;
  }
}

// Entries of this consumer: what it had before ('0'), or new ones ('>').
async function read(from) {
  const block = from === '>' ? ['BLOCK', BLOCK_MS] : [];
  const got = await reader.xreadgroupBuffer('GROUP', group, consumer, 'COUNT',
    batch, ...block, 'STREAMS', stream, from);
  return got ? got[0][1] : [];
}

// Take over what dead consumers left; from an entry on. Returns the next one.
async function takeOver(from) {
  const [next, entries, deleted = []] = await redis.xautoclaimBuffer(stream,
    group, consumer, claim, from, 'COUNT', batch);
  await handOver(entries, deleted.length); // Redis 6 has null for these
  return next.toString();
}

let ending = false;
let claimed = 0; // when it was last looked for what others left

async function round() {
  if (Date.now() - claimed >= claim) {
    let from = '0-0';
    do {
      from = await takeOver(from);
    } while (from !== '0-0' && !ending);
    claimed = Date.now();
  }
  await handOver(await read('>'));
}

async function begin() {
  await makeGroup();
  let left;
  while ((left = await read('0')).length > 0)
    await handOver(left);
}

async function run() {
  let begun = false;
  let said = '';
  while (!ending) {
    try {
      if (redis.status !== 'ready' || reader.status !== 'ready')
        throw new Error(redis.trouble || 'not connected yet');
      if (!begun)
        await begin();
      if (!begun)
        process.stdout.write(`reading: ${stream}\n`);
      begun = true;
      await round();
      said = '';
    } catch (e) {
      begun = false; // the group may have gone with the data
      if (e.message !== said && !ending && redis.status === 'ready')
        say(e.message);
      said = e.message;
      await sleep(ending ? 0 : PAUSE_MS);
    }
  }
  process.exit(0);
}

// What was read is handed over first.
function stop() {
  ending = true;
  reader.disconnect();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
run();
