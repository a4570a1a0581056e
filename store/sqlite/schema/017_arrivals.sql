-- What the header fields of accepted deliveries said, but for what differs in
-- each: kept once for all events that have the same. id is made of its bytes.
-- used_at, came_at: of an event that has it; no other came more than an hour
-- later. shared: more than one has it.
CREATE TABLE header_sets (
	id INTEGER PRIMARY KEY,
	headers TEXT NOT NULL,
	used_at INTEGER NOT NULL,
	came_at INTEGER NOT NULL,
	shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1))
) STRICT;
ALTER TABLE events ADD COLUMN header_set INTEGER;
ALTER TABLE events ADD COLUMN own_headers TEXT;
-- How earlier events were answered: store/arrival.h.
ALTER TABLE events ADD COLUMN answers TEXT;
