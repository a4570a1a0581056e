// receiver.js -- a klikit receiver in Node and Express, as a partner would
// write it after klikit's documentation: the JSON parser keeps the raw body,
// the signature is verified over it, known ids are ignored, the answer goes
// out, the work is done after it (here: the line that names the event).
//
//   node receiver.js SECRET-FILE          ids in memory; nothing survives
//   node receiver.js SECRET-FILE DB-FILE  one INSERT per event, synced
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const express = require('express');

const [secretFile, dbFile] = process.argv.slice(2);
const secret = fs.readFileSync(secretFile, 'utf8').replace(/\n$/, '');
const types = new Set(['klikit.order.created.v2',
	'klikit.order.status.updated', 'klikit.order.cart.updated']);

// Keep the event. Returns whether it is new.
function inMemory() {
	const seen = new Set();

	return (id) => {
		if (seen.has(id))
			return false;
		seen.add(id);
		return true;
	};
}

function inDatabase(path) {
	const Database = require('better-sqlite3');
	const db = new Database(path);

	db.pragma('journal_mode = WAL');
	db.pragma('synchronous = FULL');
	db.exec('CREATE TABLE events (id INTEGER PRIMARY KEY, ' +
		'event_id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, ' +
		'received_at INTEGER NOT NULL, body BLOB NOT NULL)');
	const insert = db.prepare('INSERT INTO events ' +
		'(event_id, type, received_at, body) VALUES (?, ?, ?, ?) ' +
		'ON CONFLICT (event_id) DO NOTHING');

	return (id, type, raw) =>
		insert.run(id, type, Date.now(), raw).changes === 1;
}

function isSigned(raw, signature) {
	const want = crypto.createHmac('sha256', secret).update(raw)
		.digest('hex');

	return signature.length === want.length &&
		crypto.timingSafeEqual(Buffer.from(signature),
			Buffer.from(want));
}

// The log is stderr, as klikitd's is: stdout says where it listens.
function work(type, body) {
	if (!types.has(type))
		console.warn(`unknown event type: ${type}`);
	console.error(`[${type}] brand=${body.brand_id} ` +
		`branch=${body.branch_id} orders=${(body.orders || []).length}`);
}

const keep = dbFile ? inDatabase(dbFile) : inMemory();
const app = express();

app.use(express.json({
	limit: '1mb',
	verify: (req, res, raw) => { req.raw = raw; },
}));
app.post('/webhooks/klikit', (req, res) => {
	const signature = req.get('x-klikit-signature');
	const id = req.get('x-klikit-event-id');
	const type = req.get('x-klikit-event-type');

	if (!signature || !id || !type)
		return res.status(400).json({ error: 'missing klikit headers' });
	if (!isSigned(req.raw, signature))
		return res.status(401).json({ error: 'invalid signature' });
	if (!keep(id, type, req.raw))
		return res.json({ status: 'duplicate-ignored' });
	res.json({ status: 'received' });
	setImmediate(work, type, req.body);
});

const server = app.listen(0, '127.0.0.1', () => {
	fs.writeSync(1, 'listening: http://127.0.0.1:' +
		`${server.address().port}\n`);
});
