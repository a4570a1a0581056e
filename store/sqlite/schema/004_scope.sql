-- Events get a scope and an origin, and an order's identity is (scope, id):
-- see store/DESIGN.md. What has an empty scope is found by its id alone, so
-- the id stands before the scope in every key.

DROP VIEW order_documents;
DROP VIEW cart_documents;

-- The index comes after the rows: sorted, each of its pages is written once.
CREATE TABLE events_new (
	id INTEGER PRIMARY KEY,
	event_id TEXT NOT NULL,
	scope TEXT NOT NULL DEFAULT '',
	type TEXT NOT NULL,
	origin TEXT NOT NULL DEFAULT 'klikit'
		CHECK (origin = 'klikit' OR origin = 'hub' OR
			origin = 'reconcile' OR origin = 'internal'),
	brand TEXT,
	branch TEXT,
	signature BLOB CHECK (length(signature) = 32),
	secret TEXT,
	peer TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	body_size INTEGER NOT NULL,
	duplicates INTEGER NOT NULL DEFAULT 0,
	last_duplicate_at INTEGER,
	purged_at INTEGER,
	repeat_of INTEGER
) STRICT;
INSERT INTO events_new (id, event_id, type, brand, branch, signature, secret,
	peer, received_at, body_size, duplicates, last_duplicate_at, purged_at)
SELECT id, event_id, type, brand, branch, signature, secret, peer,
	received_at, body_size, duplicates, last_duplicate_at, purged_at
FROM events ORDER BY id;
DROP TABLE events;
ALTER TABLE events_new RENAME TO events;
CREATE UNIQUE INDEX events_event_id ON events (event_id, scope);
CREATE INDEX events_whole ON events (received_at) WHERE purged_at IS NULL;
CREATE INDEX events_purged ON events (received_at)
	WHERE purged_at IS NOT NULL;

ALTER TABLE event_orders ADD COLUMN scope TEXT NOT NULL DEFAULT '';
DROP INDEX event_orders_order;
CREATE INDEX event_orders_order ON event_orders (order_id, scope, event);

CREATE TABLE lanes_new (
	handler INTEGER NOT NULL,
	lane TEXT NOT NULL,
	scope TEXT NOT NULL DEFAULT '',
	job INTEGER NOT NULL,
	PRIMARY KEY (handler, lane, scope, job)
) STRICT, WITHOUT ROWID;
INSERT INTO lanes_new (handler, lane, job)
SELECT handler, lane, job FROM lanes ORDER BY handler, lane, job;
DROP TABLE lanes;
ALTER TABLE lanes_new RENAME TO lanes;

CREATE TABLE served_new (
	handler INTEGER NOT NULL,
	order_id TEXT NOT NULL,
	scope TEXT NOT NULL DEFAULT '',
	job INTEGER NOT NULL,
	PRIMARY KEY (handler, order_id, scope)
) STRICT, WITHOUT ROWID;
INSERT INTO served_new (handler, order_id, job)
SELECT handler, order_id, job FROM served ORDER BY handler, order_id;
DROP TABLE served;
ALTER TABLE served_new RENAME TO served;
CREATE INDEX served_job ON served (job);

CREATE TABLE orders_new (
	order_id TEXT NOT NULL,
	scope TEXT NOT NULL DEFAULT '',
	brand TEXT,
	branch TEXT,
	external_id TEXT,
	status TEXT,
	updated_at TEXT,
	version_key BLOB NOT NULL,
	event INTEGER NOT NULL,
	place INTEGER NOT NULL,
	PRIMARY KEY (order_id, scope)
) STRICT, WITHOUT ROWID;
INSERT INTO orders_new (order_id, brand, branch, external_id, status,
	updated_at, version_key, event, place)
SELECT order_id, brand, branch, external_id, status, updated_at, version_key,
	event, place FROM orders ORDER BY order_id;
DROP TABLE orders;
ALTER TABLE orders_new RENAME TO orders;
CREATE INDEX orders_event ON orders (event);

CREATE TABLE carts_new (
	order_id TEXT NOT NULL,
	scope TEXT NOT NULL DEFAULT '',
	version_key BLOB NOT NULL,
	event INTEGER NOT NULL,
	place INTEGER NOT NULL,
	PRIMARY KEY (order_id, scope)
) STRICT, WITHOUT ROWID;
INSERT INTO carts_new (order_id, version_key, event, place)
SELECT order_id, version_key, event, place FROM carts ORDER BY order_id;
DROP TABLE carts;
ALTER TABLE carts_new RENAME TO carts;
CREATE INDEX carts_event ON carts (event);

-- As before, with the scope as one more column.

CREATE VIEW order_documents AS
SELECT o.order_id, o.brand, o.branch, o.external_id, o.status, o.updated_at,
	e.event_id, e.received_at,
	CASE WHEN json_valid(CAST(b.body AS TEXT))
		THEN CAST(b.body AS TEXT) -> ('$.orders[' || o.place || ']')
	END AS document,
	e.purged_at, o.scope
FROM orders AS o
LEFT JOIN events AS e ON e.id = o.event
LEFT JOIN bodies AS b ON b.event = o.event;

CREATE VIEW cart_documents AS
SELECT c.order_id, e.brand, e.branch, eo.external_id, eo.status, eo.updated_at,
	e.event_id, e.received_at,
	CASE WHEN json_valid(CAST(b.body AS TEXT))
		THEN CAST(b.body AS TEXT) -> ('$.orders[' || c.place || ']')
	END AS document,
	e.purged_at, c.scope
FROM carts AS c
LEFT JOIN events AS e ON e.id = c.event
LEFT JOIN event_orders AS eo ON eo.event = c.event AND eo.place = c.place
LEFT JOIN bodies AS b ON b.event = c.event;
