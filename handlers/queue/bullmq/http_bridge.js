#!/usr/bin/env node
// http_bridge.js -- takes what klikitd's `type = forward` POSTs, and answers when
// it is a job in BullMQ: 200. Anything that may pass is 503, and klikitd tries
// again; the repeat is the same job.
'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const { Queue } = require('bullmq');
const { connect, die, jobOf, number, options, readSecret } =
  require('./job.js');

const PROGRAM = 'http_bridge';
const USAGE = `usage: http_bridge.js --queue NAME [OPTION...]

Listens for klikitd's \`type = forward\` and makes each event a job of BullMQ.

  --listen HOST:PORT    where (127.0.0.1:8090); port 0: any that is free
  --secret-file FILE    klikit's webhook secret, or that of sign_secret_file:
                        what is not signed with it is refused (401); or the
                        variable KLIKIT_WEBHOOK_SECRET
  --max-body BYTES      what is larger is refused with 413 (8388608)
  --timeout MS          how long Redis may take (4000): less than the handler's`;

const ATTRIBUTES = {
  'x-klikit-event-id': 'klikit-event-id',
  'x-klikit-event-type': 'klikit-event-type',
  'x-klikit-signature': 'klikit-signature',
  'idempotency-key': 'idempotency-key',
  'x-klikitd-attempt': 'klikitd-attempt',
  'x-klikitd-scope': 'klikitd-scope',
};

const values = options(PROGRAM, USAGE, {
  listen: { type: 'string', default: '127.0.0.1:8090' },
  'secret-file': { type: 'string' },
  'max-body': { type: 'string', default: '8388608' },
  timeout: { type: 'string', default: '4000' },
});
const maxBody = number(PROGRAM, 'max-body', values['max-body']);
const timeout = number(PROGRAM, 'timeout', values.timeout);
const secret = values['secret-file'] ?
  readSecret(PROGRAM, 'secret-file', values['secret-file']) :
  process.env.KLIKIT_WEBHOOK_SECRET;
const [, host, port] = /^(.+):(\d{1,5})$/.exec(values.listen) ||
  die(`${PROGRAM}: --listen: "${values.listen}" is no HOST:PORT`);

const redis = connect(PROGRAM, values, { commandTimeout: timeout });
const queue = new Queue(values.queue, {
  connection: redis, prefix: values.prefix,
});
queue.on('error', () => {}); // the connection has said it

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The whole body; one that is too large is not kept.
async function bodyOf(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length <= maxBody)
      parts.push(part);
  }
  if (length > maxBody)
    throw new Refused(413, `more than ${maxBody} bytes (--max-body)`);
  return Buffer.concat(parts);
}

function isSigned(body, signature) {
  const right = crypto.createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from(signature || '', 'hex');
  return given.length === right.length &&
    crypto.timingSafeEqual(given, right);
}

// The promise's value; an error after that time.
function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The id of the job that the request has become. Throws Refused if it has not.
async function take(request) {
  if (request.method !== 'POST')
    throw new Refused(405, 'POST is what klikitd sends');
  const body = await bodyOf(request);
  const key = request.headers['idempotency-key'];
  if (!key)
    throw new Refused(400, 'no header Idempotency-Key: klikitd sends one');
  if (secret && !isSigned(body, request.headers['x-klikit-signature']))
    throw new Refused(401, 'x-klikit-signature is not made with the secret');
  if (redis.status !== 'ready')
    throw new Refused(503, `redis: ${redis.trouble || 'not connected'}`);
  const attributes = {};
  for (const [header, name] of Object.entries(ATTRIBUTES)) {
    if (request.headers[header] !== undefined)
      attributes[name] = request.headers[header];
  }
  const { name, data, opts } = jobOf(values, key, attributes, body);
  try {
    await within(timeout, queue.add(name, data, opts));
  } catch (e) { // what it was may be over when klikitd tries again
    throw new Refused(503, `redis: ${e.message}`);
  }
  return opts.jobId;
}

function answer(response, status, said) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(said));
}

const server = http.createServer({ keepAliveTimeout: 65000 });
server.on('request', (request, response) => {
  take(request).then(
    (job) => answer(response, 200, { job }),
    (e) => {
      if (request.destroyed && !request.complete)
        return; // klikitd has gone, and will come again
      const status = e.status || 500;
      process.stderr.write(`${PROGRAM}: ${status}: ${e.message}\n`);
      answer(response, status, { error: e.message });
    });
});
server.on('error', (e) => die(`${PROGRAM}: --listen: ${e.message}`));
server.listen(Number(port), host.replace(/^\[|\]$/g, ''), () => {
  const at = server.address();
  const name = at.family === 'IPv6' ? `[${at.address}]` : at.address;
  process.stdout.write(`listening: http://${name}:${at.port}\n`);
});

// What has come is answered before it ends.
function stop() {
  server.close(() => {
    redis.disconnect();
    process.exit(0);
  });
  server.closeIdleConnections();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
