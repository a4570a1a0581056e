-- An alarm that rang is shown until somebody has acknowledged it. Those that rang
-- before there was that are taken as acknowledged, by nobody.
ALTER TABLE jobs ADD COLUMN acknowledged_at INTEGER;
ALTER TABLE jobs ADD COLUMN acknowledged_by TEXT;
UPDATE jobs SET acknowledged_at = finished_at
WHERE guards IS NOT NULL AND attempts > 0 AND finished_at IS NOT NULL;
CREATE INDEX jobs_rang ON jobs (acknowledged_at, id)
	WHERE guards IS NOT NULL AND attempts > 0;

-- The replay whose number is in the idempotency key; NULL: none is.
ALTER TABLE jobs ADD COLUMN key_of INTEGER;
