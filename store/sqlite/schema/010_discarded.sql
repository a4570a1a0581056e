-- Dead jobs of which somebody has said that nothing more is to be done.
ALTER TABLE jobs ADD COLUMN discarded_at INTEGER;
UPDATE jobs SET discarded_at = finished_at WHERE state = 'dead'
	AND (outcome = 'discarded' OR outcome LIKE 'discarded: %');

-- What is dead now: see IS_DEAD in sql.c.
DROP INDEX jobs_dead;
CREATE INDEX jobs_dead ON jobs (state, handler)
	WHERE state = 'dead' AND discarded_at IS NULL;
