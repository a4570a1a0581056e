-- Times that only pass: see store/base/times.h and server/base/steady.h.

-- What the clocks said when they were last looked at; steady_at 0: never.
-- believed_at: what wall_at should have been. in_step_at: the wall clock has
-- gone on evenly since then. boot_at is the time since the machine's start, and
-- `boot' the name of that start.
CREATE TABLE clock (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	steady_at INTEGER NOT NULL,
	wall_at INTEGER NOT NULL,
	believed_at INTEGER NOT NULL,
	in_step_at INTEGER NOT NULL,
	boot_at INTEGER NOT NULL,
	boot TEXT NOT NULL
) STRICT;
INSERT INTO clock (id, steady_at, wall_at, believed_at, in_step_at, boot_at,
	boot)
SELECT 1, at, at, at, at, 0, '' FROM (SELECT ifnull((SELECT received_at FROM events
	ORDER BY id DESC LIMIT 1), 0) AS at);

-- When it came in by the steady clock; NULL in older rows.
ALTER TABLE events ADD COLUMN came_at INTEGER;
ALTER TABLE rejections ADD COLUMN came_at INTEGER;
