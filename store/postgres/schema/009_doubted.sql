-- It came in while its receiver did not believe its wall clock: received_at is
-- what that said. Few are, so append() knows nothing of it.
ALTER TABLE events ADD COLUMN date_doubted bool NOT NULL DEFAULT false;

-- Of what was appended in this transaction. An earlier event with the id of one
-- of them came in at another moment.
CREATE FUNCTION doubt_dates(event_ids text[], scopes text[], received bigint[],
	came bigint[]) RETURNS void LANGUAGE sql AS $$
	UPDATE events AS e SET date_doubted = true
	FROM unnest(event_ids, scopes, received, came)
		AS u (event_id, scope, received, came)
	WHERE e.event_id = u.event_id AND e.scope = u.scope
	AND e.received_at = u.received AND e.came_at IS NOT DISTINCT FROM u.came
	AND NOT e.date_doubted
$$;
