-- What waits and was not tried before: alarms. They are due behind no retry.
CREATE INDEX jobs_untried ON jobs (handler, due_at, id)
	WHERE state = 'waiting' AND attempts = 0 AND finished_at IS NULL
		AND behind = 0;
