-- It came in while the wall clock was not believed: received_at is what that
-- said. See server/base/DESIGN.md, "Time".
ALTER TABLE events ADD COLUMN date_doubted INTEGER NOT NULL DEFAULT 0
	CHECK (date_doubted IN (0, 1));
