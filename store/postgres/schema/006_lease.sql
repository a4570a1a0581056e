-- Receivers: the lease of each, the fence before each of its transactions, the
-- locks of orders, and how the jobs of one that is gone go to the others.
--
-- Each statement of a VOLATILE function has a snapshot of its own, so what is
-- read after lock_orders() is newer than the locks.

CREATE FUNCTION clock_ms() RETURNS bigint LANGUAGE sql AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- A new run of a receiver. Returns its number.
CREATE FUNCTION register_receiver(called text, runs text, lease bigint)
RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO receivers (name, version, started_at, lease_ms, alive_until)
	VALUES (called, runs, clock_ms(), lease,
		clock_timestamp() + lease * interval '1 ms')
	RETURNING id::bigint
$$;

-- The first statement of each transaction of receiver r: b is the transaction's
-- number, one more than that of the last. Renews the lease. Raises KL001 if r
-- is not to write any more, which aborts the whole transaction.
CREATE FUNCTION beat(r bigint, b bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	stored receivers;
BEGIN
	UPDATE receivers SET batch = b,
		alive_until = clock_timestamp() + lease_ms * interval '1 ms'
	WHERE id = r AND batch = b - 1 AND NOT dead;
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT * INTO stored FROM receivers WHERE id = r;
	RAISE EXCEPTION USING ERRCODE = 'KL001', MESSAGE = CASE
		WHEN stored.id IS NULL OR stored.dead THEN
			'the lease of this receiver was over, and another has '
			'taken over its jobs'
		ELSE format('this receiver''s transaction %s does not follow '
			'%s, the last that is stored', b, stored.batch) END;
END $$;

-- Lock these orders, and those of these jobs: the orders in whose lanes a job
-- stands; of one that has ended, those in whose lanes a replay of it would
-- stand; of an alarm, those of the job that it guards. All in one order, so
-- that two transactions never wait for each other. A row is made for an order
-- that has none.
CREATE FUNCTION lock_orders(order_ids text[], scopes text[], of_jobs bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO order_locks (order_id, scope)
	SELECT o.order_id, o.scope FROM (
		SELECT x.order_id, x.scope
		FROM unnest(order_ids, scopes) AS x (order_id, scope)
		UNION
		SELECT l.lane, l.scope FROM lanes AS l WHERE l.job = ANY (of_jobs)
		UNION
		SELECT eo.order_id, eo.scope
		FROM jobs AS j JOIN events AS e ON e.id = j.event
		JOIN event_orders AS eo ON eo.event = coalesce(e.repeat_of, e.id)
		WHERE j.id = ANY (of_jobs)
		AND (j.finished_at IS NOT NULL OR j.guards IS NOT NULL)
		AND (j.place = -1 OR j.place = eo.place)
	) AS o ORDER BY o.order_id COLLATE "C", o.scope COLLATE "C"
	ON CONFLICT (order_id, scope) DO UPDATE SET n = 0 WHERE false;
END $$;
