-- What comes from outside goes with the bodies: of an attempt's outcome the
-- first line that a program printed, or where a far side pointed, is apart now.
-- In what older versions wrote the two cannot be told apart: all of it goes.

ALTER TABLE attempts ADD COLUMN detail TEXT;
UPDATE attempts SET detail = outcome,
	outcome = 'failed' || CASE code WHEN 0 THEN '' ELSE ', code ' || code END
WHERE outcome NOT IN ('done', 'unknown');
UPDATE attempts SET detail = NULL
WHERE detail IS NOT NULL AND job IN (SELECT j.id FROM jobs AS j
	JOIN events AS e ON e.id = j.event WHERE e.purged_at IS NOT NULL);

-- Without an attempt an outcome was always our own.
UPDATE jobs SET outcome = ifnull((SELECT a.outcome FROM attempts AS a
	WHERE a.job = jobs.id AND a.number = jobs.attempts), 'failed')
WHERE attempts > 0
	AND outcome NOT IN ('done', 'unknown', 'cancelled', 'discarded')
	AND outcome NOT LIKE 'discarded: %'
	AND outcome <> 'already: job ' || CAST(substr(outcome, 14) AS INTEGER);
-- What people wrote goes with the body, too.
UPDATE jobs SET outcome = 'discarded'
WHERE outcome LIKE 'discarded: %' AND event IN
	(SELECT id FROM events WHERE purged_at IS NOT NULL);
