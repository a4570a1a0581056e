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
		alive_until = clock_timestamp() + lease_ms * interval '1 ms',
		steady_since = CASE WHEN alive_until - clock_timestamp()
			BETWEEN lease_ms * interval '0.5 ms'
			AND lease_ms * interval '1 ms'
			THEN steady_since ELSE clock_timestamp() END
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

-- Starts that were committed though their caller heard of a failure: the jobs
-- that r still has under way are as they were before, and due now.
CREATE FUNCTION give_back(r bigint, started bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	WITH p AS MATERIALIZED (
		SELECT id, attempts, guards FROM jobs
		WHERE id = ANY (started) AND state = 'running' AND owner = r
		ORDER BY id FOR NO KEY UPDATE
	), a AS (
		DELETE FROM attempts AS t USING p
		WHERE t.job = p.id AND t.number = p.attempts
		AND t.outcome IS NULL
	)
	UPDATE jobs AS j SET attempts = p.attempts - 1, due_at = 0,
		state = CASE WHEN p.attempts = 1 AND p.guards IS NULL
			THEN 'ready' ELSE 'waiting' END
	FROM p WHERE j.id = p.id;
END $$;

-- Receivers whose lease is over are dead from now on: their next transaction is
-- refused. One that is in the middle of a transaction is not waited for. Returns
-- how many.
--
-- Whoever has only just lost its database together with all others is not to be
-- reaped, nor is anybody whose clock has jumped: r must have renewed its own
-- lease in time, again and again, for as long as a lease. While it starts it
-- cannot know that: then the database must have been up, and their lease have
-- been over, for twice that long.
CREATE FUNCTION reap(r bigint, starting bool) RETURNS bigint LANGUAGE sql AS $$
	WITH x AS (
		UPDATE receivers SET dead = true WHERE id IN (
			SELECT o.id FROM receivers AS m JOIN receivers AS o
			ON NOT o.dead AND o.id <> m.id
			WHERE m.id = r AND NOT m.dead AND CASE WHEN starting
			THEN greatest(pg_postmaster_start_time(), o.alive_until)
				< clock_timestamp()
					- o.lease_ms * interval '2 ms'
			ELSE o.alive_until < clock_timestamp()
				AND m.steady_since < clock_timestamp()
					- o.lease_ms * interval '1 ms'
				AND m.alive_until > clock_timestamp()
					+ m.lease_ms * interval '0.5 ms' END
			FOR UPDATE OF o SKIP LOCKED)
		RETURNING 1
	) SELECT count(*) FROM x
$$;

-- Take up to so many jobs away from receivers that are dead, or of which there
-- is no row: nobody owns them then. Of what ran, nobody knows how far its call
-- came: the attempt is `unknown', and the job is due at once. An alarm that ran
-- ends instead if the job that it guards was done meanwhile. Waits for nobody.
-- Returns how many jobs were taken.
CREATE FUNCTION take_over(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	gone bigint[];
	slice bigint[];
	guarded bigint[];
	locked bigint[];
	taken bigint;
BEGIN
	-- One step for each owner, along the index. Which ones are gone is found
	-- first: a row that changes hands meanwhile is then not taken.
	WITH RECURSIVE o (owner) AS (
		(SELECT j.owner FROM jobs AS j WHERE j.finished_at IS NULL
		AND j.behind = 0 AND j.owner <> 0 ORDER BY j.owner LIMIT 1)
		UNION ALL
		SELECT (SELECT j.owner FROM jobs AS j
			WHERE j.finished_at IS NULL AND j.behind = 0
			AND j.owner <> 0 AND j.owner > o.owner
			ORDER BY j.owner LIMIT 1)
		FROM o WHERE o.owner IS NOT NULL
	) SELECT array_agg(o.owner) INTO gone FROM o WHERE o.owner IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM receivers AS r
		WHERE r.id = o.owner AND NOT r.dead);
	IF gone IS NULL THEN
		RETURN 0;
	END IF;

	slice := ARRAY(SELECT id FROM jobs WHERE finished_at IS NULL
		AND behind = 0 AND owner <> 0 AND owner = ANY (gone)
		LIMIT most FOR NO KEY UPDATE SKIP LOCKED);
	-- The guarded jobs and their replays must not end while their alarms are
	-- looked at. An alarm for which that is not sure now is left for later.
	guarded := ARRAY(SELECT g FROM (SELECT guarded_jobs(guards) AS g
		FROM jobs WHERE id = ANY (slice) AND state = 'running'
		AND guards IS NOT NULL) AS x);
	locked := ARRAY(SELECT id FROM jobs WHERE id = ANY (guarded)
		ORDER BY id FOR SHARE SKIP LOCKED);

	WITH p AS MATERIALIZED (
		SELECT j.id, j.state = 'running' AS ran, j.attempts,
			j.state = 'running' AND j.guards IS NOT NULL
			AND EXISTS (SELECT 1 FROM jobs AS d
				WHERE d.id IN (SELECT guarded_jobs(j.guards))
				AND d.state = 'done') AS needless
		FROM jobs AS j WHERE j.id = ANY (slice)
		AND (j.state <> 'running' OR j.guards IS NULL
			OR NOT EXISTS (SELECT 1 FROM jobs AS d
				WHERE d.id IN (SELECT guarded_jobs(j.guards))
				AND d.id <> ALL (locked)))
	), a AS (
		UPDATE attempts AS t SET outcome = 'unknown' FROM p
		WHERE p.ran AND t.job = p.id AND t.number = p.attempts
		AND t.outcome IS NULL
	), u AS (
		UPDATE jobs AS j SET owner = 0,
			state = CASE WHEN p.needless THEN 'done'
				WHEN p.ran THEN 'waiting' ELSE j.state END,
			due_at = CASE WHEN p.ran THEN 0 ELSE j.due_at END,
			finished_at = CASE WHEN p.needless THEN clock_ms() END,
			outcome = CASE WHEN p.needless THEN 'cancelled'
				WHEN p.ran THEN 'unknown' ELSE j.outcome END
		FROM p WHERE j.id = p.id RETURNING 1
	) SELECT count(*) INTO taken FROM u;
	RETURN taken;
END $$;

-- That job, and all that repeat it.
CREATE FUNCTION guarded_jobs(job bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE AS $$
	WITH RECURSIVE r (id) AS (
		SELECT g.id FROM jobs AS g WHERE g.id = guarded_jobs.job
		UNION
		SELECT k.id FROM r JOIN jobs AS k ON k.replay_of = r.id
	) SELECT id FROM r
$$;

-- What transaction b of receiver r changed, for those that watch.
CREATE FUNCTION publish_news(r bigint, b bigint, of_events bigint[],
	of_jobs bigint[], of_rejections bigint[]) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO news (receiver, batch, events, jobs, rejections)
	VALUES (r, b, of_events, of_jobs, of_rejections)
	ON CONFLICT DO NOTHING
$$;

-- Now and then, whether r is busy or idle. b: the number of a transaction, which
-- renews the lease (else 0: it is only looked whether r lives). ours: the
-- handlers that r runs. seen: up to which transaction of which receiver the news
-- were read. counts: a new report, or NULL.
--
--   taken     jobs of receivers that are gone that nobody owns now
--   runnable  some job that may run for our handlers is nobody's
--   pauses    changes when a handler is paused or goes on
--   watched   somebody watches at another receiver: publish_news() is due
--   readers, read_batches: seen, with what is new
--   events, jobs, rejections: what others changed; lost: more than `most' each
CREATE FUNCTION tick(r bigint, b bigint, ours bigint[], watching bool,
	seen bigint[], seen_batches bigint[], counts text, most bigint,
	OUT taken bigint, OUT runnable bool, OUT pauses bigint,
	OUT watched bool, OUT readers bigint[], OUT read_batches bigint[],
	OUT events bigint[], OUT jobs bigint[], OUT rejections bigint[],
	OUT lost bool)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	IF b > 0 THEN
		PERFORM beat(r, b);
	ELSIF NOT EXISTS (SELECT 1 FROM receivers AS x
			WHERE x.id = r AND NOT x.dead) THEN
		PERFORM beat(r, 0); -- raises, and says why
	END IF;
	PERFORM reap(r, false);
	tick.taken := take_over(1000);
	IF counts IS NOT NULL THEN
		INSERT INTO reports (receiver, report) VALUES (r, counts)
		ON CONFLICT (receiver) DO UPDATE SET report = excluded.report;
	END IF;

	tick.runnable := EXISTS (SELECT 1 FROM handlers AS h
		WHERE h.id = ANY (ours) AND h.paused_at IS NULL AND (
			EXISTS (SELECT 1 FROM jobs AS j
			WHERE j.finished_at IS NULL AND j.behind = 0
			AND j.handler = h.id AND j.owner = 0
			AND j.state = 'ready')
			OR EXISTS (SELECT 1 FROM jobs AS j
			WHERE j.finished_at IS NULL AND j.behind = 0
			AND j.handler = h.id AND j.owner = 0
			AND j.state = 'waiting' AND j.due_at <= clock_ms())));
	tick.pauses := (SELECT coalesce(sum(hashtextextended(
		h.id || ' ' || h.paused_at, 0) % 1000000007), 0)::bigint
		FROM handlers AS h WHERE h.paused_at IS NOT NULL);

	UPDATE receivers SET watching_until = CASE WHEN watching
		THEN clock_timestamp() + interval '5 s' END
	WHERE id = r AND CASE WHEN watching THEN watching_until IS NULL
		OR watching_until < clock_timestamp() + interval '2 s'
		ELSE watching_until IS NOT NULL END;
	tick.watched := EXISTS (SELECT 1 FROM receivers AS x WHERE x.id <> r
		AND NOT x.dead AND x.watching_until > clock_timestamp());
	tick.lost := false;
	IF NOT watching THEN
		RETURN;
	END IF;

	-- One statement, one snapshot: no transaction falls between two looks.
	WITH s AS (
		SELECT s.receiver, s.batch
		FROM unnest(seen, seen_batches) AS s (receiver, batch)
	), n AS MATERIALIZED (
		SELECT n.receiver, n.batch, n.events, n.jobs, n.rejections
		FROM news AS n LEFT JOIN s ON s.receiver = n.receiver
		WHERE n.receiver <> r AND n.batch > coalesce(s.batch, 0)
	), m AS (
		SELECT x.receiver, max(x.batch) AS batch
		FROM (SELECT receiver, batch FROM n UNION ALL
			SELECT receiver, batch FROM s) AS x
		WHERE EXISTS (SELECT 1 FROM receivers AS c
			WHERE c.id = x.receiver)
		GROUP BY x.receiver
	)
	SELECT (SELECT array_agg(m.receiver::bigint ORDER BY m.receiver) FROM m),
		(SELECT array_agg(m.batch ORDER BY m.receiver) FROM m),
		ARRAY(SELECT DISTINCT unnest(n.events) FROM n LIMIT most + 1),
		ARRAY(SELECT DISTINCT unnest(n.jobs) FROM n LIMIT most + 1),
		ARRAY(SELECT DISTINCT unnest(n.rejections) FROM n
			LIMIT most + 1)
	INTO tick.readers, tick.read_batches, tick.events, tick.jobs,
		tick.rejections;
	tick.lost := cardinality(tick.events) > most
		OR cardinality(tick.jobs) > most
		OR cardinality(tick.rejections) > most;
END $$;

-- Remove what nobody needs: of up to `most' locks of orders after that one
-- those in whose lanes nothing stands (the next delivery makes another); news
-- that all have read, receivers that have been dead for a day. Returns the last
-- order that was looked at, NULL after the last of all. A statement alone in
-- its transaction, since it locks orders in any order; it waits for nobody.
CREATE FUNCTION sweep(r bigint, INOUT after_order text, INOUT after_scope text,
	most bigint) LANGUAGE plpgsql AS $$
DECLARE
	ends record;
	places tid[];
BEGIN
	SELECT last_value(x.order_id) OVER () AS order_id,
		last_value(x.scope) OVER () AS scope, count(*) OVER () AS n
	INTO ends FROM (SELECT order_id, scope FROM order_locks
		WHERE (order_id, scope) > (coalesce(after_order, ''),
			coalesce(after_scope, ''))
		ORDER BY order_id, scope LIMIT most) AS x;
	-- By the rows' places: a join would be planned while there are none.
	places := ARRAY(SELECT o.ctid FROM order_locks AS o
		WHERE (o.order_id, o.scope) > (coalesce(after_order, ''),
			coalesce(after_scope, ''))
		AND (o.order_id, o.scope) <= (ends.order_id, ends.scope)
		AND NOT EXISTS (SELECT 1 FROM handlers AS h
			CROSS JOIN LATERAL (SELECT 1 FROM lanes AS l
				WHERE l.handler = h.id AND l.lane = o.order_id
				AND l.scope = o.scope LIMIT 1) AS x)
		FOR UPDATE OF o SKIP LOCKED);
	DELETE FROM order_locks WHERE ctid = ANY (places);
	after_order := CASE WHEN ends.n = most THEN ends.order_id END;
	after_scope := CASE WHEN ends.n = most THEN ends.scope END;

	DELETE FROM news WHERE receiver = r
		AND at < clock_timestamp() - interval '10 s';
	places := ARRAY(SELECT n.ctid FROM news AS n
		WHERE n.at < clock_timestamp() - interval '1 min'
		FOR UPDATE SKIP LOCKED);
	DELETE FROM news WHERE ctid = ANY (places);
	DELETE FROM receivers WHERE id IN (SELECT id FROM receivers
		WHERE dead AND alive_until < clock_timestamp() - interval '1 day'
		FOR UPDATE SKIP LOCKED);
	DELETE FROM reports WHERE receiver IN (SELECT p.receiver
		FROM reports AS p WHERE NOT EXISTS (SELECT 1
			FROM receivers AS c WHERE c.id = p.receiver AND NOT c.dead)
		FOR UPDATE SKIP LOCKED);
END $$;

-- r writes nothing more: up to so many of its jobs are given to all others.
-- Again until it returns 0; then there is no row of r any more.
CREATE FUNCTION leave(r bigint, most bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	taken bigint;
BEGIN
	UPDATE receivers SET dead = true WHERE id = r AND NOT dead;
	taken := take_over(most);
	IF taken = 0 THEN
		DELETE FROM reports WHERE receiver = r;
		DELETE FROM news WHERE receiver = r;
		DELETE FROM receivers WHERE id = r;
	END IF;
	RETURN taken;
END $$;

-- The first of what is wrong with the counters, or NULL; and what to do. All is
-- read in the snapshot of the statement that calls it.
CREATE FUNCTION find_fault() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	said text;
BEGIN
	SELECT format('job %s counts %s orders in which another stands before it, '
		'but there are %s; stop all klikitd, run SELECT '
		'%I.recount_jobs() in psql, then start them',
		x.id, x.behind, x.really, current_schema())
	INTO said FROM (
		SELECT j.id, j.behind, (SELECT count(*) FROM lanes AS l
			WHERE l.job = j.id AND EXISTS (SELECT 1 FROM lanes AS k
				WHERE k.handler = l.handler AND k.lane = l.lane
				AND k.scope = l.scope AND k.job < l.job)) AS really
		FROM jobs AS j WHERE j.finished_at IS NULL
	) AS x WHERE x.behind <> x.really LIMIT 1;
	IF said IS NOT NULL THEN
		RETURN said;
	END IF;

	SELECT format('job %s has ended, but still stands in the lane of order '
		'%s; stop all klikitd, run SELECT %I.recount_jobs() in psql, '
		'then start them', l.job, l.lane, current_schema())
	INTO said FROM lanes AS l WHERE NOT EXISTS (SELECT 1 FROM jobs AS j
		WHERE j.id = l.job AND j.finished_at IS NULL) LIMIT 1;
	IF said IS NOT NULL THEN
		RETURN said;
	END IF;

	SELECT format('%s; restore a backup that is whole', x.fault)
	INTO said FROM (
		(SELECT format('job %s is of event %s, which is not there',
			j.id, j.event) AS fault FROM jobs AS j WHERE NOT EXISTS
			(SELECT 1 FROM events AS e WHERE e.id = j.event) LIMIT 1)
		UNION ALL
		(SELECT format('there is a body of event %s, but no such event',
			b.event) FROM bodies AS b WHERE NOT EXISTS
			(SELECT 1 FROM events AS e WHERE e.id = b.event) LIMIT 1)
		UNION ALL
		(SELECT format('event %s has no body', e.id)
			FROM events AS e WHERE e.purged_at IS NULL
			AND e.repeat_of IS NULL AND NOT EXISTS
			(SELECT 1 FROM bodies AS b WHERE b.event = e.id) LIMIT 1)
		UNION ALL
		(SELECT format('order %s is of event %s, which is not there',
			o.order_id, o.event) FROM event_orders AS o
			WHERE NOT EXISTS
			(SELECT 1 FROM events AS e WHERE e.id = o.event) LIMIT 1)
		UNION ALL
		(SELECT format('there is an attempt of job %s, but no such job',
			a.job) FROM attempts AS a WHERE NOT EXISTS
			(SELECT 1 FROM jobs AS j WHERE j.id = a.job) LIMIT 1)
		UNION ALL
		(SELECT format('job %s is of handler %s, which is not there',
			j.id, j.handler) FROM jobs AS j
			WHERE NOT EXISTS (SELECT 1 FROM handlers AS h
				WHERE h.id = j.handler) LIMIT 1)
	) AS x LIMIT 1;
	IF said IS NOT NULL THEN
		RETURN said;
	END IF;

	SELECT format('the next %s will get a number that is taken: %s; stop all '
		'klikitd, run SELECT setval(''%I.%I'', %s) in psql, then start '
		'them', x.what, x.last, current_schema(), x.numbers, x.newest)
	INTO said FROM (
		SELECT 'event' AS what, 'event_numbers' AS numbers,
			(SELECT max(id) FROM events) AS newest,
			(SELECT last_value FROM event_numbers) AS last
		UNION ALL
		SELECT 'job', 'job_numbers', (SELECT max(id) FROM jobs),
			(SELECT last_value FROM job_numbers)
		UNION ALL
		SELECT 'rejection', 'rejections_id_seq',
			(SELECT max(id) FROM rejections),
			(SELECT last_value FROM rejections_id_seq)
		UNION ALL
		SELECT 'receiver', 'receivers_id_seq',
			(SELECT max(id) FROM receivers),
			(SELECT last_value FROM receivers_id_seq)
		UNION ALL
		SELECT 'handler', 'handlers_id_seq',
			(SELECT max(id) FROM handlers),
			(SELECT last_value FROM handlers_id_seq)
	) AS x WHERE x.last < x.newest LIMIT 1;
	IF said IS NOT NULL THEN
		RETURN said;
	END IF;

	SELECT format('job %s is under way, but no receiver has it; stop all '
		'klikitd, run UPDATE %I.jobs SET state = ''waiting'', due_at = 0 '
		'WHERE id = %s in psql, then start them', j.id,
		current_schema(), j.id)
	INTO said FROM jobs AS j JOIN handlers AS h ON h.id = j.handler
	WHERE j.finished_at IS NULL AND j.behind = 0 AND j.owner = 0
	AND j.state = 'running' LIMIT 1;
	IF said IS NOT NULL THEN
		RETURN said;
	END IF;

	SELECT format('receiver %s (%s) has been gone since %s, but still owns '
		'job %s; start a klikitd, which takes its jobs over within a '
		'minute', c.id, c.name, c.alive_until, j.id)
	INTO said FROM receivers AS c JOIN jobs AS j ON j.owner = c.id
	WHERE j.finished_at IS NULL AND j.behind = 0 AND j.owner <> 0
	AND c.alive_until < now() - 4 * c.lease_ms * interval '1 ms'
		- interval '1 min' LIMIT 1;
	RETURN said;
END $$;

-- After damage: what stands before what is counted anew, and lanes are left
-- that nothing stands in. Nothing else may write meanwhile.
CREATE FUNCTION recount_jobs() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	changed bigint;
BEGIN
	LOCK TABLE jobs, lanes IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM lanes AS l WHERE NOT EXISTS (SELECT 1 FROM jobs AS j
		WHERE j.id = l.job AND j.finished_at IS NULL);
	UPDATE jobs AS j SET behind = x.really FROM (
		SELECT q.id, (SELECT count(*) FROM lanes AS l
			WHERE l.job = q.id AND EXISTS (SELECT 1 FROM lanes AS k
				WHERE k.handler = l.handler AND k.lane = l.lane
				AND k.scope = l.scope AND k.job < l.job)) AS really
		FROM jobs AS q WHERE q.finished_at IS NULL
	) AS x WHERE x.id = j.id AND j.behind <> x.really;
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END $$;
