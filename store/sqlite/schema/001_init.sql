-- The first schema. What the tables mean: store/DESIGN.md.
-- Times are ms since the epoch, UTC.

CREATE TABLE store (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	probes INTEGER NOT NULL,
	rejected_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO store (id, probes, rejected_bytes) VALUES (1, 0, 0);

CREATE TABLE handlers (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	first_seen INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	paused_at INTEGER,
	paused_by TEXT,
	paused_why TEXT
) STRICT;

CREATE TABLE events (
	id INTEGER PRIMARY KEY,
	event_id TEXT NOT NULL UNIQUE,
	type TEXT NOT NULL,
	brand TEXT,
	branch TEXT,
	signature BLOB NOT NULL CHECK (length(signature) = 32),
	secret TEXT NOT NULL,
	peer TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	body_size INTEGER NOT NULL,
	duplicates INTEGER NOT NULL DEFAULT 0,
	last_duplicate_at INTEGER,
	purged_at INTEGER
) STRICT;

CREATE TABLE bodies (
	event INTEGER PRIMARY KEY,
	body BLOB NOT NULL
) STRICT;

CREATE TABLE event_orders (
	event INTEGER NOT NULL,
	place INTEGER NOT NULL,
	order_id TEXT NOT NULL,
	status TEXT,
	updated_at TEXT,
	external_id TEXT,
	PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_orders_order ON event_orders (order_id, event);

CREATE TABLE jobs (
	id INTEGER PRIMARY KEY,
	event INTEGER NOT NULL,
	place INTEGER NOT NULL,
	handler INTEGER NOT NULL REFERENCES handlers (id),
	state TEXT NOT NULL
		CHECK (state IN ('ready', 'running', 'waiting', 'done', 'dead')),
	attempts INTEGER NOT NULL DEFAULT 0,
	due_at INTEGER NOT NULL DEFAULT 0,
	behind INTEGER NOT NULL CHECK (behind >= 0),
	finished_at INTEGER,
	outcome TEXT,
	replay_of INTEGER
) STRICT;
CREATE INDEX jobs_event ON jobs (event);
CREATE INDEX jobs_runnable ON jobs (handler, state, due_at, id)
	WHERE finished_at IS NULL AND behind = 0;

CREATE TABLE lanes (
	handler INTEGER NOT NULL,
	lane TEXT NOT NULL,
	job INTEGER NOT NULL,
	PRIMARY KEY (handler, lane, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
	job INTEGER NOT NULL,
	number INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	duration INTEGER NOT NULL,
	outcome TEXT,
	code INTEGER NOT NULL,
	answer BLOB,
	PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
	order_id TEXT PRIMARY KEY,
	brand TEXT,
	branch TEXT,
	external_id TEXT,
	status TEXT,
	updated_at TEXT,
	version_key BLOB NOT NULL,
	event INTEGER NOT NULL,
	place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_event ON orders (event);

CREATE TABLE carts (
	order_id TEXT PRIMARY KEY,
	version_key BLOB NOT NULL,
	event INTEGER NOT NULL,
	place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX carts_event ON carts (event);

CREATE TABLE rejections (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	peer TEXT NOT NULL,
	cause TEXT NOT NULL,
	diagnosis TEXT,
	headers TEXT,
	size INTEGER NOT NULL,
	body BLOB
) STRICT;

-- The views are for people and programs that read the file with SQL: stable.
-- SQLite's JSON functions take no BLOB, hence the CAST.

CREATE VIEW order_documents AS
SELECT o.order_id, o.brand, o.branch, o.external_id, o.status, o.updated_at,
	e.event_id, e.received_at,
	CASE WHEN json_valid(CAST(b.body AS TEXT))
		THEN CAST(b.body AS TEXT) -> ('$.orders[' || o.place || ']')
	END AS document,
	e.purged_at
FROM orders AS o
LEFT JOIN events AS e ON e.id = o.event
LEFT JOIN bodies AS b ON b.event = o.event;

CREATE VIEW cart_documents AS
SELECT c.order_id, e.brand, e.branch, eo.external_id, eo.status, eo.updated_at,
	e.event_id, e.received_at,
	CASE WHEN json_valid(CAST(b.body AS TEXT))
		THEN CAST(b.body AS TEXT) -> ('$.orders[' || c.place || ']')
	END AS document,
	e.purged_at
FROM carts AS c
LEFT JOIN events AS e ON e.id = c.event
LEFT JOIN event_orders AS eo ON eo.event = c.event AND eo.place = c.place
LEFT JOIN bodies AS b ON b.event = c.event;
