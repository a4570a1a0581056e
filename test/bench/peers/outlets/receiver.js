// receiver.js -- a klikit receiver in Node and Express that hands over: the
// signature is verified over the raw body, known ids (in memory) are ignored,
// the answer goes out, and then the event goes on, with the vendor's client.
//
//   node receiver.js SECRET-FILE KIND TARGET
//
// KIND is a name of `hands'; TARGET a URL, of sqs the endpoint's and the queue's.
//
// GET /confirmed says how many the far side has confirmed, and how many failed.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const express = require('express');

const [secretFile, kind, target] = process.argv.slice(2);
const secret = fs.readFileSync(secretFile, 'utf8').replace(/\n$/, '');
const seen = new Set();
let confirmed = 0, failed = 0;

// Each gives a function of (id, type, raw) whose promise is the confirmation.
const hands = {
	async redis() {
		const Redis = require('ioredis');
		const redis = new Redis(target);

		return (id, type, raw) => redis.xadd('orders', '*',
			'klikit-event-id', id, 'klikit-event-type', type,
			'body', raw);
	},

	async amqp() {
		const connection = await require('amqplib').connect(target);
		const channel = await connection.createConfirmChannel();

		return (id, type, raw) => new Promise((resolve, reject) =>
			channel.publish('', 'orders', raw, { persistent: true,
				mandatory: true, messageId: id, type },
			(error) => error ? reject(error) : resolve()));
	},

	async sqs() {
		const { SQSClient, SendMessageCommand } =
			require('@aws-sdk/client-sqs');
		const [endpoint, queue] = target.split(' ');
		const client = new SQSClient({ endpoint, region: 'us-east-1',
			useQueueUrlAsEndpoint: false,
			credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
		const text = (value) => ({ DataType: 'String', StringValue: value });

		return (id, type, raw) => client.send(new SendMessageCommand({
			QueueUrl: queue, MessageBody: raw.toString(),
			MessageAttributes: { 'klikit-event-id': text(id),
				'klikit-event-type': text(type) } }));
	},

	async forward() {
		const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

		return (id, type, raw) => new Promise((resolve, reject) => {
			const request = http.request(target, { method: 'POST', agent,
				headers: { 'Content-Type': 'application/json',
					'Content-Length': raw.length,
					'Idempotency-Key': id, 'x-klikit-event-type': type },
			}, (answer) => {
				answer.resume();
				answer.on('end', () => answer.statusCode === 200 ?
					resolve() : reject(new Error(answer.statusCode)));
			});
			request.on('error', reject);
			request.end(raw);
		});
	},
};

function isSigned(raw, signature) {
	const want = crypto.createHmac('sha256', secret).update(raw)
		.digest('hex');

	return signature.length === want.length &&
		crypto.timingSafeEqual(Buffer.from(signature),
			Buffer.from(want));
}

hands[kind]().then((hand) => {
	const app = express();

	app.use(express.json({
		limit: '1mb',
		verify: (req, res, raw) => { req.raw = raw; },
	}));
	app.get('/confirmed', (req, res) => res.json({ confirmed, failed }));
	app.post('/webhooks/klikit', (req, res) => {
		const signature = req.get('x-klikit-signature');
		const id = req.get('x-klikit-event-id');
		const type = req.get('x-klikit-event-type');

		if (!signature || !id || !type)
			return res.status(400).json({ error: 'missing headers' });
		if (!isSigned(req.raw, signature))
			return res.status(401).json({ error: 'invalid signature' });
		if (seen.has(id))
			return res.json({ status: 'duplicate-ignored' });
		seen.add(id);
		res.json({ status: 'received' });
		setImmediate(() => {
			console.error(`[${type}] brand=${req.body.brand_id} ` +
				`branch=${req.body.branch_id}`);
			hand(id, type, req.raw).then(() => { confirmed++; },
				(error) => { failed++; console.error(error.message); });
		});
	});
	const server = app.listen(0, '127.0.0.1', () => {
		fs.writeSync(1, 'listening: http://127.0.0.1:' +
			`${server.address().port}\n`);
	});
});
