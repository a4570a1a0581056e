-- What a purge removes, as store/sqlite/purge.c does. Who makes a job of an event
-- that is there holds the event, or a job of it, until its commit; so an event
-- is purged only once both are locked here, and it is looked at again.

-- Events of which nothing has yet to be done, nor of what repeats them. Each is
-- looked up by index (OFFSET 0 sees to that): few are asked for at a time.
CREATE VIEW ended_events AS
SELECT e.id, e.scope, e.received_at, coalesce(e.came_at, e.received_at)
	AS came_at, e.purged_at
FROM events AS e
WHERE NOT EXISTS (SELECT 1 FROM jobs AS j
	WHERE j.event = e.id AND j.finished_at IS NULL OFFSET 0)
AND NOT EXISTS (SELECT 1 FROM events AS re JOIN jobs AS k ON k.event = re.id
	WHERE re.repeat_of = e.id AND k.finished_at IS NULL OFFSET 0);

-- Of these events, which are locked, those that may be purged. Waits for nobody:
-- one of which somebody has a job just now is left out.
CREATE FUNCTION claim_events(candidates bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
	locked bigint[] := ARRAY(SELECT j.id FROM jobs AS j
		WHERE j.event = ANY (candidates) FOR UPDATE SKIP LOCKED);
BEGIN
	RETURN ARRAY(SELECT e.id FROM ended_events AS e WHERE e.id = ANY (candidates)
		AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.event = e.id
			AND j.id <> ALL (locked) OFFSET 0));
END $$;

-- Customers' data of these events goes; their ids and digests stay.
CREATE FUNCTION purge_bodies(numbers bigint[], at bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	of_them bigint[] := ARRAY(SELECT j.id FROM jobs AS j
		WHERE j.event = ANY (numbers));
BEGIN
	DELETE FROM bodies AS b WHERE b.event = ANY (numbers);
	UPDATE attempts AS a SET answer = NULL, detail = NULL
	WHERE a.job = ANY (of_them)
	AND (a.answer IS NOT NULL OR a.detail IS NOT NULL);
	UPDATE jobs AS j SET outcome = 'discarded' WHERE j.id = ANY (of_them)
	AND j.outcome LIKE 'discarded: %';
	UPDATE events AS e SET purged_at = purge_bodies.at
	WHERE e.id = ANY (numbers);
	RETURN cardinality(numbers);
END $$;

-- All that there is of these events goes; their bodies went before.
CREATE FUNCTION purge_ids(numbers bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	of_them bigint[] := ARRAY(SELECT j.id FROM jobs AS j
		WHERE j.event = ANY (numbers));
BEGIN
	DELETE FROM served AS s WHERE s.job = ANY (of_them);
	DELETE FROM attempts AS a WHERE a.job = ANY (of_them);
	DELETE FROM jobs AS j WHERE j.id = ANY (of_them);
	DELETE FROM event_orders AS eo WHERE eo.event = ANY (numbers);
	DELETE FROM events AS e WHERE e.id = ANY (numbers);
	RETURN cardinality(numbers);
END $$;

-- Up to `most' events of an order. Who asks for it is to hear that all are gone:
-- what another has locked is waited for, or asked for again.
CREATE FUNCTION purge_order(of_order text, of_scope text, at bigint,
	most bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	candidates bigint[] := ARRAY(SELECT e.id FROM ended_events AS e
		WHERE e.id = ANY (ARRAY(
			SELECT eo.event FROM event_orders AS eo
			WHERE eo.order_id = of_order
			UNION ALL
			SELECT re.id FROM event_orders AS ro
			JOIN events AS re ON re.repeat_of = ro.event
			WHERE ro.order_id = of_order))
		AND (of_scope IS NULL OR e.scope = of_scope)
		-- Thus, lest the index of all that are not purged is read.
		AND coalesce(e.purged_at, 0) = 0
		ORDER BY e.id LIMIT most FOR UPDATE);
	claimed bigint[] := claim_events(candidates);
BEGIN
	IF cardinality(candidates) > 0 AND cardinality(claimed) = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
			MESSAGE = 'what is to be purged is in use';
	END IF;
	RETURN purge_bodies(claimed, at);
END $$;

-- Up to `most' events and rejections that are dated from that moment on, and
-- before another, and that came in before a third by the steady clock: what has
-- the age of bodies, then what has that of ids. A moment before which that is 0:
-- nothing has that age. What others have locked is left for later.
CREATE FUNCTION purge_aged(since bigint, bodies_before bigint,
	bodies_came bigint, ids_before bigint, ids_came bigint, at bigint,
	most bigint, OUT events bigint, OUT rejections bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	refused bigint[];
BEGIN
	purge_aged.events := 0;
	purge_aged.rejections := 0;
	IF bodies_before <> 0 THEN
		purge_aged.events := purge_bodies(claim_events(ARRAY(
			SELECT e.id FROM ended_events AS e
			WHERE e.purged_at IS NULL AND e.received_at >= since
			AND e.received_at < bodies_before
			AND e.came_at < bodies_came
			ORDER BY e.received_at LIMIT most
			FOR UPDATE SKIP LOCKED)), purge_aged.at);
	END IF;
	IF ids_before <> 0 THEN
		-- As in SQLite, the newest of each stay.
		purge_aged.events := purge_aged.events + purge_ids(claim_events(
			ARRAY(SELECT e.id FROM ended_events AS e
			WHERE e.purged_at IS NOT NULL AND e.received_at >= since
			AND e.received_at < ids_before
			AND e.came_at < ids_came
			AND e.id < (SELECT max(x.id) FROM events AS x)
			AND e.id <> coalesce((SELECT j.event FROM jobs AS j
				ORDER BY j.id DESC LIMIT 1), 0)
			ORDER BY e.received_at LIMIT most - purge_aged.events
			FOR UPDATE SKIP LOCKED)));
	END IF;
	IF bodies_before <> 0 THEN
		refused := ARRAY(SELECT r.id FROM rejections AS r
			WHERE r.at >= since AND r.at < bodies_before
			AND coalesce(r.came_at, r.at) < bodies_came
			ORDER BY r.at LIMIT most - purge_aged.events);
	END IF;
	IF cardinality(refused) > 0 THEN
		PERFORM FROM store WHERE id = 1 FOR NO KEY UPDATE;
		purge_aged.rejections := remove_rejections(refused);
	END IF;
END $$;

-- One batch of a purge: of an order (or NULL), and by age. Moments before which
-- something came, by the steady clock, are 0 if it is not asked; else what a
-- clock that was ahead has dated after now goes by its true age, too.
CREATE FUNCTION purge(of_order text, of_scope text, bodies_before bigint,
	bodies_came bigint, ids_before bigint, ids_came bigint, at bigint,
	most bigint, OUT events bigint, OUT rejections bigint)
LANGUAGE plpgsql AS $$
DECLARE
	forever CONSTANT bigint := 9223372036854775807;
	before bigint := greatest(bodies_before, ids_before);
	came bigint := greatest(bodies_came, ids_came);
	steady bool := came <> 0;
	aged record;
BEGIN
	events := 0;
	rejections := 0;
	IF of_order IS NOT NULL THEN
		events := purge_order(of_order, of_scope, at, most);
	END IF;
	IF before = 0 THEN
		RETURN;
	END IF;
	IF NOT steady THEN
		came := forever;
		ids_came := forever;
	END IF;
	SELECT a.events, a.rejections INTO aged FROM purge_aged(-forever, before,
		came, ids_before, ids_came, at, most - events) AS a;
	events := events + aged.events;
	rejections := aged.rejections;
	IF steady THEN
		SELECT a.events, a.rejections INTO aged FROM purge_aged(at + 1,
			forever, came, CASE WHEN ids_before <> 0 THEN forever
			ELSE 0 END, ids_came, at, most - events - rejections)
			AS a;
		events := events + aged.events;
		rejections := rejections + aged.rejections;
	END IF;
END $$;

-- Remove up to `most' of these rejections. Returns how many are left of them.
CREATE FUNCTION purge_rejections(numbers bigint[], most bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM store WHERE id = 1 FOR NO KEY UPDATE;
	PERFORM remove_rejections(ARRAY(SELECT r.id FROM rejections AS r
		WHERE r.id = ANY (numbers) ORDER BY r.id LIMIT most));
	RETURN (SELECT count(*) FROM rejections AS r
		WHERE r.id = ANY (numbers));
END $$;

-- What comes after that one, to be looked at: up to so many rows, and bytes of
-- bodies (the last row may go beyond).
CREATE FUNCTION scan_rejections(after_number bigint, most bigint,
	bytes_most bigint) RETURNS TABLE (id bigint, size bigint, body bytea,
	headers text, diagnosis text) LANGUAGE sql STABLE AS $$
	SELECT x.id, x.size, x.body, x.headers, x.diagnosis
	FROM (SELECT r.id, r.size, r.body, r.headers, r.diagnosis,
			coalesce(sum(length(r.body)) OVER (ORDER BY r.id
			ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
			AS before
		FROM rejections AS r WHERE r.id > after_number
		ORDER BY r.id LIMIT most) AS x
	WHERE x.before < bytes_most ORDER BY x.id
$$;
