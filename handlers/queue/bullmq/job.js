// job.js -- what both bridges share: an event as a job, the connection to Redis,
// options of the command line.
'use strict';

const fs = require('node:fs');
const { isUtf8 } = require('node:buffer');
const { parseArgs } = require('node:util');
const IORedis = require('ioredis');

const DAY_S = 24 * 60 * 60;

// Options that both have; each bridge has more.
const OPTIONS = {
  queue: { type: 'string' },
  redis: { type: 'string', default: 'redis://127.0.0.1:6379/0' },
  'password-file': { type: 'string' },
  'ca-file': { type: 'string' },
  prefix: { type: 'string', default: 'bull' },
  attempts: { type: 'string', default: '10' },
  keep: { type: 'string', default: String(DAY_S) },
  help: { type: 'boolean', short: 'h', default: false },
};

const HELP = `
  --queue NAME          the queue of BullMQ to fill; no ':' in it
  --redis URL           redis[s]://[USER@]HOST:PORT/DB of that queue
                        (redis://127.0.0.1:6379/0)
  --password-file FILE  its password; or the variable REDIS_PASSWORD
  --ca-file FILE        who may vouch for a rediss URL, in place of the
                        system's certificates
  --prefix WORD         BullMQ's own, the same as the workers' (bull)
  --attempts N          how often a worker may try a job (10), waiting 1 s,
                        2 s, 4 s and so on in between
  --keep SECONDS        how long an ended job is kept, and a repeat of its
                        event is no second job (86400, a day)`;

function die(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

// The options of a bridge; ends the process with one line if they are wrong.
function options(program, usage, more) {
  let values;
  try {
    ({ values } = parseArgs({ options: { ...OPTIONS, ...more } }));
  } catch (e) {
    die(`${program}: ${e.message.split('\n')[0]} (--help shows all options)`);
  }
  if (values.help) {
    process.stdout.write(`${usage}${HELP}\n`);
    process.exit(0);
  }
  if (!values.queue)
    die(`${program}: --queue is missing (--help shows all options)`);
  if (values.queue.includes(':'))
    die(`${program}: --queue: BullMQ takes no name with ':'`);
  for (const name of ['attempts', 'keep'])
    values[name] = number(program, name, values[name]);
  return values;
}

function number(program, name, text) {
  if (!/^[1-9][0-9]{0,8}$/.test(text))
    die(`${program}: --${name}: "${text}" is no whole number above 0`);
  return Number(text);
}

function readSecret(program, option, file) {
  try {
    const secret = fs.readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (secret === '')
      die(`${program}: --${option}: ${file} is empty`);
    return secret;
  } catch (e) {
    return die(`${program}: --${option}: ${e.message}`);
  }
}

// A connection that says when it is lost and when it is there again. What cannot
// be sent now fails at once.
function connect(program, values, more) {
  let url;
  try {
    url = new URL(values.redis);
  } catch {
    die(`${program}: --redis: "${values.redis}" is no URL`);
  }
  if (!['redis:', 'rediss:'].includes(url.protocol))
    die(`${program}: --redis: the URL must begin with redis:// or rediss://`);
  if (url.password)
    die(`${program}: --redis: others can see a password there; ` +
      'use --password-file or REDIS_PASSWORD');
  const settings = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    username: decodeURIComponent(url.username) || undefined,
    password: values['password-file'] ?
      readSecret(program, 'password-file', values['password-file']) :
      process.env.REDIS_PASSWORD,
    connectionName: program,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0, // what was sent fails with its connection
    retryStrategy: (times) => Math.min(times * 100, 2000),
    ...more,
  };
  if (url.protocol === 'rediss:') {
    settings.tls = { servername: settings.host };
    if (values['ca-file'])
      settings.tls.ca = readSecret(program, 'ca-file', values['ca-file']);
  }
  const redis = new IORedis(settings);
  let said = '';
  redis.on('error', (e) => {
    redis.trouble = e.message || e.code;
    if (redis.trouble !== said)
      process.stderr.write(`${program}: redis: ${redis.trouble}\n`);
    said = redis.trouble;
  });
  redis.on('ready', () => {
    process.stderr.write(`${program}: redis: connected\n`);
    said = '';
  });
  return redis;
}

// The body as text; as base64 if it is none.
function text(body) {
  return isUtf8(body) ? { body: body.toString() } :
    { body: body.toString('base64'), encoding: 'base64' };
}

// What Queue.addBulk() takes. The id comes from the idempotency key, so that a
// repeat is the same job: as long as BullMQ keeps that.
function jobOf(values, key, attributes, body) {
  const keep = { age: values.keep };
  return {
    name: attributes['klikit-event-type'] || 'event',
    data: { ...text(body), attributes },
    opts: {
      // BullMQ takes no ':' in an id, and no number.
      jobId: `k_${encodeURIComponent(key)}`,
      removeOnComplete: keep,
      removeOnFail: keep,
      attempts: values.attempts,
      backoff: { type: 'exponential', delay: 1000 },
    },
  };
}

module.exports = { connect, die, jobOf, number, options, readSecret };
