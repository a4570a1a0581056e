-- The tables, in the schema that search_path names first. Times are ms since
-- the epoch, by the database's clock, which is the wall clock and the steady
-- one of all receivers. Texts that are keys are compared byte by byte.

-- A klikitd whose newest migration is below usable_from of any row must not go
-- on here; see schema.c.
CREATE TABLE migrations (
	number int PRIMARY KEY,
	usable_from int NOT NULL DEFAULT 1,
	taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	taken_by text NOT NULL -- the version of klikitd
);

-- What is counted for the store as a whole.
CREATE TABLE store (
	id int PRIMARY KEY CHECK (id = 1),
	rejected_bytes bigint NOT NULL
);
INSERT INTO store (id, rejected_bytes) VALUES (1, 0);

-- A run of a receiver. `batch' is the number of its last transaction, and how
-- one whose answer was lost is settled; `dead' once another has taken over;
-- `steady_since': since then no renewal of its lease was late.
CREATE TABLE receivers (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	version text NOT NULL,
	started_at bigint NOT NULL,
	lease_ms bigint NOT NULL,
	alive_until timestamptz NOT NULL,
	steady_since timestamptz NOT NULL DEFAULT clock_timestamp(),
	batch bigint NOT NULL DEFAULT 0,
	dead bool NOT NULL DEFAULT false,
	watching_until timestamptz -- somebody looks at its page
) WITH (fillfactor = 50);

-- JSON: what a receiver counts, for the pages of the others. Not in its row,
-- which each of its transactions writes anew.
CREATE UNLOGGED TABLE reports (
	receiver int PRIMARY KEY,
	report text NOT NULL
);

-- What a transaction of a receiver changed, while somebody watches at another.
CREATE UNLOGGED TABLE news (
	receiver int NOT NULL,
	batch bigint NOT NULL,
	events bigint[] NOT NULL,
	jobs bigint[] NOT NULL,
	rejections bigint[] NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (receiver, batch)
);

CREATE TABLE handlers (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	first_seen bigint NOT NULL,
	last_seen bigint NOT NULL,
	paused_at bigint,
	paused_by text,
	paused_why text
);

CREATE SEQUENCE event_numbers;
CREATE TABLE events (
	id bigint PRIMARY KEY,
	event_id text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	type text COLLATE "C" NOT NULL,
	origin text COLLATE "C" NOT NULL DEFAULT 'klikit'
		CHECK (origin = 'klikit' OR origin = 'hub' OR
			origin = 'reconcile' OR origin = 'internal'),
	brand text COLLATE "C",
	branch text COLLATE "C",
	signature bytea CHECK (length(signature) = 32),
	secret text COLLATE "C",
	peer text NOT NULL,
	received_at bigint NOT NULL,
	body_size bigint NOT NULL,
	duplicates bigint NOT NULL DEFAULT 0,
	last_duplicate_at bigint,
	purged_at bigint,
	repeat_of bigint,
	came_at bigint,
	UNIQUE (event_id, scope)
) WITH (fillfactor = 90);
CREATE INDEX events_whole ON events (received_at) WHERE purged_at IS NULL;
CREATE INDEX events_purged ON events (received_at)
	WHERE purged_at IS NOT NULL;
CREATE INDEX events_repeat_of ON events (repeat_of) WHERE repeat_of IS NOT NULL;

CREATE TABLE bodies (
	event bigint PRIMARY KEY,
	body bytea NOT NULL
);

CREATE TABLE event_orders (
	event bigint NOT NULL,
	place int NOT NULL,
	order_id text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	status text,
	updated_at text,
	external_id text,
	PRIMARY KEY (event, place)
);
CREATE INDEX event_orders_order ON event_orders (order_id, scope, event);

-- owner: the receiver whose commit made it runnable, or that found it; 0: none.
CREATE SEQUENCE job_numbers;
CREATE TABLE jobs (
	id bigint PRIMARY KEY,
	event bigint NOT NULL,
	place int NOT NULL,
	handler bigint NOT NULL,
	state text COLLATE "C" NOT NULL
		CHECK (state = 'ready' OR state = 'running' OR state = 'waiting'
			OR state = 'done' OR state = 'dead'),
	attempts int NOT NULL DEFAULT 0,
	due_at bigint NOT NULL DEFAULT 0,
	behind int NOT NULL DEFAULT 0 CHECK (behind >= 0),
	owner int NOT NULL DEFAULT 0,
	ordered bool NOT NULL DEFAULT false,
	finished_at bigint,
	outcome text,
	guards bigint,
	replay_of bigint,
	discarded_at bigint
) WITH (fillfactor = 70);
CREATE INDEX jobs_event ON jobs (event);
CREATE INDEX jobs_runnable ON jobs (handler, owner, state, due_at, id)
	WHERE finished_at IS NULL AND behind = 0;
CREATE INDEX jobs_behind ON jobs (handler, id)
	WHERE finished_at IS NULL AND behind > 0;
CREATE INDEX jobs_owned ON jobs (owner)
	WHERE finished_at IS NULL AND behind = 0 AND owner <> 0;
CREATE INDEX jobs_guards ON jobs (guards)
	WHERE guards IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_replay_of ON jobs (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX jobs_replaying ON jobs (handler, event)
	WHERE replay_of IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_dead ON jobs (handler, id)
	WHERE state = 'dead' AND discarded_at IS NULL;

CREATE TABLE lanes (
	handler bigint NOT NULL,
	lane text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	job bigint NOT NULL,
	PRIMARY KEY (handler, lane, scope, job)
);
CREATE INDEX lanes_job ON lanes (job);

-- A mutex for each order in whose lanes something stands, or has stood.
CREATE TABLE order_locks (
	order_id text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL,
	n int NOT NULL DEFAULT 0,
	PRIMARY KEY (order_id, scope)
) WITH (fillfactor = 70);

CREATE TABLE attempts (
	job bigint NOT NULL,
	number int NOT NULL,
	started_at bigint NOT NULL,
	duration bigint NOT NULL,
	outcome text,
	code int NOT NULL,
	answer bytea,
	detail text,
	PRIMARY KEY (job, number)
) WITH (fillfactor = 80);

CREATE TABLE served (
	handler bigint NOT NULL,
	order_id text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	job bigint NOT NULL,
	PRIMARY KEY (handler, order_id, scope)
);
CREATE INDEX served_job ON served (job);

CREATE TABLE orders (
	order_id text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	brand text COLLATE "C",
	branch text COLLATE "C",
	external_id text,
	status text COLLATE "C",
	updated_at text,
	version_key bytea NOT NULL,
	event bigint NOT NULL,
	place int NOT NULL,
	PRIMARY KEY (order_id, scope)
) WITH (fillfactor = 80);
CREATE INDEX orders_event ON orders (event);

CREATE TABLE carts (
	order_id text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL DEFAULT '',
	version_key bytea NOT NULL,
	event bigint NOT NULL,
	place int NOT NULL,
	PRIMARY KEY (order_id, scope)
) WITH (fillfactor = 80);
CREATE INDEX carts_event ON carts (event);

CREATE TABLE rejections (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at bigint NOT NULL,
	peer text NOT NULL,
	cause text COLLATE "C" NOT NULL,
	diagnosis text,
	headers text,
	size bigint NOT NULL,
	body bytea,
	code text COLLATE "C",
	came_at bigint,
	class int NOT NULL,
	digest bytea,
	repeats bigint NOT NULL DEFAULT 0,
	last_at bigint,
	not_kept bigint NOT NULL DEFAULT 0
);
CREATE INDEX rejections_at ON rejections (at);
CREATE INDEX rejections_class ON rejections (class, id);
CREATE INDEX rejections_digest ON rejections (digest) WHERE digest IS NOT NULL;

-- What is large is compressed fast, or not at all: pglz takes longer than the
-- disk saves.
DO $$ BEGIN
	ALTER TABLE bodies ALTER COLUMN body SET COMPRESSION lz4;
	ALTER TABLE attempts ALTER COLUMN answer SET COMPRESSION lz4;
	ALTER TABLE rejections ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
	ALTER TABLE bodies ALTER COLUMN body SET STORAGE EXTERNAL;
	ALTER TABLE attempts ALTER COLUMN answer SET STORAGE EXTERNAL;
	ALTER TABLE rejections ALTER COLUMN body SET STORAGE EXTERNAL;
END $$;
