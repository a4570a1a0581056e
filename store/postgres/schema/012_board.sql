-- What the jobs of an order say, for the board: the handlers of those that have
-- not ended, and of those that are dead now, with commas between; and how many
-- alarms rang that nobody has acknowledged.
CREATE FUNCTION board_jobs(of_order text, of_scope text, OUT pending text,
	OUT dead text, OUT alarms bigint) LANGUAGE sql STABLE AS $$
SELECT string_agg(DISTINCT h.name::text, ',') FILTER (
		WHERE j.guards IS NULL AND j.finished_at IS NULL),
	string_agg(DISTINCT h.name::text, ',') FILTER (
		WHERE j.guards IS NULL AND j.is_dead),
	count(*) FILTER (WHERE j.guards IS NOT NULL AND j.attempts > 0
		AND coalesce(j.outcome, '') NOT LIKE 'cancelled%'
		AND j.acknowledged_at IS NULL AND j.discarded_at IS NULL)
FROM (SELECT eo.event, eo.place FROM event_orders AS eo
	WHERE eo.order_id = of_order AND eo.scope = of_scope OFFSET 0) AS eo
CROSS JOIN LATERAL (SELECT j.handler, j.guards, j.finished_at, j.attempts,
		j.outcome, j.acknowledged_at, j.discarded_at,
		j.state = 'dead' AND j.discarded_at IS NULL
			AND (SELECT k.id FROM jobs AS k
				WHERE k.replay_of = j.id LIMIT 1) IS NULL
			AS is_dead
	FROM jobs AS j WHERE j.event = eo.event
	AND (j.place = -1 OR j.place = eo.place) OFFSET 0) AS j
CROSS JOIN LATERAL (SELECT h.name FROM handlers AS h
	WHERE h.id = j.handler OFFSET 0) AS h
$$;

-- The document of an order, unless the body is large.
CREATE FUNCTION board_document(of_event bigint, at_place bigint) RETURNS text
LANGUAGE sql STABLE AS $$
SELECT CASE WHEN length(b.body) <= 262144
	THEN order_document(b.body, at_place) END
FROM bodies AS b WHERE b.event = of_event
$$;
