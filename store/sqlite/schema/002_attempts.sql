-- Attempts that begin, once per order, alarms, replays, purges.

-- A replay stands in the lanes in which the job it repeats stood.
ALTER TABLE jobs ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET ordered = 1 WHERE finished_at IS NULL
	AND id IN (SELECT job FROM lanes);

-- An alarm: the job that it guards.
ALTER TABLE jobs ADD COLUMN guards INTEGER;
CREATE INDEX jobs_guards ON jobs (guards)
	WHERE guards IS NOT NULL AND finished_at IS NULL;

CREATE INDEX jobs_replay_of ON jobs (replay_of) WHERE replay_of IS NOT NULL;

-- With jobs_runnable: every unfinished job, without one more index for all.
CREATE INDEX jobs_behind ON jobs (handler, id)
	WHERE finished_at IS NULL AND behind > 0;
CREATE INDEX jobs_replaying ON jobs (handler, event)
	WHERE replay_of IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_dead ON jobs (state, handler) WHERE state = 'dead';

-- Anew, with all that a count asks for, which adds nothing to its size.
DROP INDEX jobs_runnable;
CREATE INDEX jobs_runnable ON jobs (handler, state, due_at, id, behind,
	finished_at) WHERE finished_at IS NULL AND behind = 0;

-- The first job of a handler that did an order, for once_per_order.
CREATE TABLE served (
	handler INTEGER NOT NULL,
	order_id TEXT NOT NULL,
	job INTEGER NOT NULL,
	PRIMARY KEY (handler, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX served_job ON served (job);

-- What is old enough to be purged.
CREATE INDEX events_whole ON events (received_at) WHERE purged_at IS NULL;
CREATE INDEX events_purged ON events (received_at)
	WHERE purged_at IS NOT NULL;
CREATE INDEX rejections_at ON rejections (at);
