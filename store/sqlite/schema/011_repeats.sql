-- The repeats of an event: see store/sqlite/repeats.c. Most events are none,
-- and have no row in it.
CREATE INDEX events_repeat_of ON events (repeat_of) WHERE repeat_of IS NOT NULL;
