-- Jobs: how attempts begin and end, who moves up in a lane, what is done by hand.
-- The rules are those of store/sqlite/, where each says why.

-- An event as it is read, with its orders: see event_row.c.
CREATE TYPE event_row AS (
	id bigint,
	event_id text,
	scope text,
	type text,
	origin text,
	repeat_of bigint, -- 0: it is no repeat
	original text, -- the event_id of what it repeats
	brand text,
	branch text,
	signature bytea,
	secret text,
	peer text,
	received_at bigint,
	came_at bigint,
	body_size bigint,
	body bytea,
	places bigint[],
	order_ids text[],
	statuses text[],
	updated_ats text[],
	external_ids text[]
);

-- That event; its orders and its body are those of what it repeats. Of the
-- orders the one at that place, or (-1) all, but never more than orders_max
-- (NULL: all). It is inlined where it is used.
CREATE FUNCTION event_rows(event bigint, place bigint, orders_max bigint,
	with_body bool) RETURNS SETOF event_row LANGUAGE sql STABLE AS $$
SELECT e.id, e.event_id, e.scope, e.type, e.origin, coalesce(e.repeat_of, 0),
	(SELECT r.event_id FROM events AS r WHERE r.id = e.repeat_of),
	e.brand, e.branch, e.signature, e.secret, e.peer, e.received_at,
	coalesce(e.came_at, e.received_at), e.body_size,
	CASE WHEN event_rows.with_body THEN (SELECT b.body FROM bodies AS b
		WHERE b.event = coalesce(e.repeat_of, e.id)) END,
	x.places, x.order_ids, x.statuses, x.updated_ats, x.external_ids
FROM events AS e CROSS JOIN LATERAL (
	SELECT array_agg(y.place::bigint) AS places,
		array_agg(y.order_id::text) AS order_ids,
		array_agg(y.status) AS statuses,
		array_agg(y.updated_at) AS updated_ats,
		array_agg(y.external_id) AS external_ids
	FROM (SELECT eo.place, eo.order_id, eo.status, eo.updated_at,
			eo.external_id
		FROM event_orders AS eo
		WHERE eo.event = coalesce(e.repeat_of, e.id)
		AND eo.place >= event_rows.place AND eo.place <= CASE
			WHEN event_rows.place = -1 THEN 2147483647
			ELSE event_rows.place END
		ORDER BY eo.place LIMIT event_rows.orders_max) AS y
) AS x
WHERE e.id = event_rows.event
$$;

-- What jobs that wait and were not tried before are found by: alarms. They are
-- due behind no retry.
CREATE INDEX jobs_untried ON jobs (handler, owner, due_at, id)
	WHERE state = 'waiting' AND attempts = 0 AND finished_at IS NULL
		AND behind = 0;

-- What came of an operation: see job_result.c. `ord' is its number within the
-- call; what has no row went as it was asked, and nothing more is to be said.
--
--   runs       this job may run now, or (start) runs; with its event
--   due        one that moved up, or was looked for, is due then
--   is         the number that was asked for
--   already    the job has ended, since this one stands for it
--   not found  there is no such job
--   refused, lost   nothing was written, and why
CREATE TYPE job_result AS (
	ord bigint,
	what text,
	words text, -- why it was refused
	id bigint, -- of the job
	handler bigint,
	place bigint,
	attempts bigint,
	replay bool,
	guards bigint, -- 0: it is no alarm
	due_at bigint, -- of `due'
	event event_row
);

-- A plan is made once, maybe while next to nothing is there, and kept. So what is
-- found by its number must have no other way to be found: hash and merge joins
-- are off, and no condition beside the number is one that a partial index has
-- (finished_at IS NULL AND behind = 0; replay_of IS NOT NULL), since an index
-- that is all but empty then would be read from end to end for ever after.

-- -- The end of jobs --

-- These jobs have ended, by the operations `ords'; the statement that said so
-- came before. Those that are done (done_at: when; NULL: it is dead) need no
-- alarm any more, neither of their own nor of a job that they repeat: it is
-- cancelled, unless it runs (see cancel_needless). Then they leave their lanes.
-- Where one was the first, the next one's `behind' goes down by one, and who
-- comes to 0 by it is the receiver's, and a row of the result. Nothing is
-- counted again: what the locks of the orders do not cover (another lane's head
-- that another receiver ends) is in the row as it is when its lock is had.
CREATE FUNCTION end_jobs(receiver bigint, jobs bigint[], ords bigint[],
	done_at bigint[]) RETURNS SETOF job_result LANGUAGE plpgsql AS $$
DECLARE
	handlers bigint[]; -- of the lanes that were left, with
	orders text[];
	scopes text[];
	firsts bigint[]; -- the first job that left it
	left_by bigint[]; -- ords
	moved bigint[];
	moved_in bigint[]; -- in how many lanes
	moved_by bigint[]; -- ords
BEGIN
	IF EXISTS (SELECT FROM unnest(end_jobs.jobs, end_jobs.done_at)
			AS t (id, at)
		WHERE t.at IS NOT NULL AND (EXISTS (SELECT FROM jobs AS a
				WHERE a.guards = t.id AND a.finished_at IS NULL)
			OR (SELECT j.replay_of FROM jobs AS j
				WHERE j.id = t.id) IS NOT NULL)) THEN
		WITH RECURSIVE done (id, at) AS (
			SELECT t.id, t.at
			FROM unnest(end_jobs.jobs, end_jobs.done_at)
				AS t (id, at)
			WHERE t.at IS NOT NULL
			UNION
			SELECT (SELECT j.replay_of FROM jobs AS j
				WHERE j.id = done.id), done.at
			FROM done WHERE done.id IS NOT NULL
		), alarm AS MATERIALIZED (
			SELECT a.id, done.at FROM done JOIN jobs AS a
				ON a.guards = done.id AND a.finished_at IS NULL
			WHERE a.state <> 'running'
			ORDER BY a.id FOR NO KEY UPDATE OF a
		)
		UPDATE jobs AS j SET state = 'done', due_at = 0,
			finished_at = alarm.at, outcome = 'cancelled'
		FROM alarm WHERE j.id = alarm.id;
	END IF;

	WITH gone AS (
		DELETE FROM lanes AS l
		USING unnest(end_jobs.jobs, end_jobs.ords) AS t (id, ord)
		WHERE l.job = t.id
		RETURNING l.handler, l.lane, l.scope, l.job, t.ord
	)
	SELECT array_agg(g.handler), array_agg(g.lane::text),
		array_agg(g.scope::text), array_agg(g.first), array_agg(g.ord)
	INTO handlers, orders, scopes, firsts, left_by
	FROM (SELECT gone.handler, gone.lane, gone.scope,
			min(gone.job) AS first, max(gone.ord) AS ord
		FROM gone GROUP BY 1, 2, 3) AS g;
	IF handlers IS NULL THEN
		RETURN;
	END IF;
	SELECT array_agg(n.id), array_agg(n.n), array_agg(n.ord)
	INTO moved, moved_in, moved_by
	FROM (SELECT h.job AS id, count(*) AS n, max(g.ord) AS ord
		FROM unnest(handlers, orders, scopes, firsts, left_by)
			AS g (handler, lane, scope, first, ord)
		CROSS JOIN LATERAL (SELECT l.job FROM lanes AS l
			WHERE l.handler = g.handler AND l.lane = g.lane
			AND l.scope = g.scope ORDER BY l.job LIMIT 1) AS h
		WHERE h.job > g.first GROUP BY h.job) AS n;
	IF moved IS NULL THEN
		RETURN;
	END IF;

	WITH held AS MATERIALIZED (
		SELECT j.id, t.n, t.ord
		FROM unnest(moved, moved_in, moved_by) AS t (id, n, ord)
		JOIN jobs AS j ON j.id = t.id
		ORDER BY j.id FOR NO KEY UPDATE OF j
	), up AS (
		UPDATE jobs AS j SET behind = j.behind - held.n,
			owner = CASE WHEN j.behind = held.n
				THEN end_jobs.receiver::int ELSE j.owner END
		FROM held WHERE j.id = held.id
		RETURNING j.id, j.behind, held.ord
	)
	SELECT array_agg(up.id), array_agg(up.ord) INTO moved, moved_by
	FROM up WHERE up.behind = 0;
	RETURN QUERY SELECT t.ord, CASE j.due_at WHEN 0 THEN 'runs' ELSE 'due' END,
		NULL::text, j.id, j.handler, j.place::bigint,
		j.attempts::bigint, j.replay_of IS NOT NULL,
		coalesce(j.guards, 0), j.due_at, e
	FROM unnest(moved, moved_by) AS t (id, ord)
	JOIN jobs AS j ON j.id = t.id
	CROSS JOIN LATERAL event_rows(j.event, -1, NULL, false) AS e
	WHERE j.state IN ('ready', 'waiting')
	ORDER BY t.ord, t.id;
END
$$;

-- -- Attempts --

-- The rows of projections; the greatest version stays, whole. Of equal ones the
-- first.
CREATE FUNCTION write_orders(ords bigint[], are_carts bool[], order_ids text[],
	scopes text[], brands text[], branches text[], external_ids text[],
	statuses text[], updated_ats text[], keys bytea[], events bigint[],
	places bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF false = ANY (are_carts) THEN
		INSERT INTO orders (order_id, scope, brand, branch,
			external_id, status, updated_at, version_key, event,
			place)
		SELECT DISTINCT ON (1, 2) w.order_id COLLATE "C",
			w.scope COLLATE "C", w.brand, w.branch, w.external_id,
			w.status, w.updated_at, w.key, w.event, w.place::int
		FROM unnest(write_orders.ords, are_carts, order_ids, scopes,
			brands, branches, external_ids, statuses, updated_ats,
			keys, events, places) WITH ORDINALITY AS w (ord,
			is_cart, order_id, scope, brand, branch, external_id,
			status, updated_at, key, event, place, n)
		WHERE NOT w.is_cart
		ORDER BY 1, 2, w.key DESC, w.n
		ON CONFLICT (order_id, scope) DO UPDATE SET
			brand = excluded.brand, branch = excluded.branch,
			external_id = excluded.external_id,
			status = excluded.status,
			updated_at = excluded.updated_at,
			version_key = excluded.version_key,
			event = excluded.event, place = excluded.place
		WHERE excluded.version_key > orders.version_key;
	END IF;
	IF true = ANY (are_carts) THEN
		INSERT INTO carts (order_id, scope, version_key, event, place)
		SELECT DISTINCT ON (1, 2) w.order_id COLLATE "C",
			w.scope COLLATE "C", w.key, w.event, w.place::int
		FROM unnest(are_carts, order_ids, scopes, keys, events,
			places) WITH ORDINALITY AS w (is_cart, order_id, scope,
			key, event, place, n)
		WHERE w.is_cart
		ORDER BY 1, 2, w.key DESC, w.n
		ON CONFLICT (order_id, scope) DO UPDATE SET
			version_key = excluded.version_key,
			event = excluded.event, place = excluded.place
		WHERE excluded.version_key > carts.version_key;
	END IF;
END
$$;

-- These orders of the jobs' events are served, each by the first that did it.
CREATE FUNCTION note_served(jobs bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO served (handler, order_id, scope, job)
	SELECT j.handler, eo.order_id, eo.scope, j.id
	FROM unnest(note_served.jobs) WITH ORDINALITY AS t (id, ord)
	JOIN jobs AS j ON j.id = t.id JOIN events AS e ON e.id = j.event
	JOIN event_orders AS eo ON eo.event = coalesce(e.repeat_of, e.id)
		AND eo.place >= j.place AND eo.place <= CASE WHEN j.place = -1
			THEN 2147483647 ELSE j.place END
	ORDER BY 1, 2, 3, t.ord
	ON CONFLICT (handler, order_id, scope) DO NOTHING;
END
$$;

-- Alarms of which the attempt that ended is to be followed by another: they end
-- instead if what they guard, or what repeats that, is done. The locks
-- wait for a receiver that is about to say so; one that says so later finds
-- the alarm waiting, and cancels it itself. Who repeats a job has locked the last
-- that does, so none is added to those that are locked.
CREATE FUNCTION cancel_needless(alarms bigint[], ats bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	held bigint := 0;
	locked bigint;
BEGIN
	LOOP
		WITH guarded AS MATERIALIZED (
			SELECT g.id FROM jobs AS a
			CROSS JOIN LATERAL guarded_jobs(a.guards) AS g (id)
			WHERE a.id = ANY (cancel_needless.alarms)
		), k AS MATERIALIZED (
			SELECT j.id FROM jobs AS j
			WHERE j.id IN (SELECT guarded.id FROM guarded)
			ORDER BY j.id FOR SHARE
		) SELECT count(*) INTO locked FROM k;
		EXIT WHEN locked = held;
		held := locked;
	END LOOP;
	UPDATE jobs AS j SET state = 'done', due_at = 0, finished_at = t.at,
		outcome = 'cancelled'
	FROM unnest(cancel_needless.alarms, cancel_needless.ats) AS t (id, at)
	WHERE j.id = t.id AND EXISTS (SELECT 1
		FROM guarded_jobs(j.guards) AS g (id)
		JOIN jobs AS d ON d.id = g.id WHERE d.state = 'done');
END
$$;

-- How attempts ended: the jobs with the numbers of their attempts (0: none was
-- begun), the states they go to, and the attempts' rows. A job is the receiver's
-- only under that number; a job that no attempt was begun of also if it is
-- nobody's.
CREATE FUNCTION finish_jobs(receiver bigint, jobs bigint[], numbers bigint[],
	states text[], ats bigint[], dues bigint[], outcomes text[],
	recorded bool[], starts bigint[], durations bigint[], codes bigint[],
	answers bytea[], details text[], served bool[], w_ords bigint[],
	w_carts bool[], w_order_ids text[], w_scopes text[], w_brands text[],
	w_branches text[], w_external_ids text[], w_statuses text[],
	w_updated_ats text[], w_keys bytea[], w_events bigint[],
	w_places bigint[]) RETURNS SETOF job_result LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	taken bigint[]; -- ords
	ended bigint[]; -- jobs, with
	ended_ords bigint[];
	ended_done bigint[]; -- when it was done; NULL: it is dead
	alarms bigint[]; -- to be tried again, with
	alarms_at bigint[];
	done_served bigint[];
	w_left bool[];
BEGIN
	WITH f AS MATERIALIZED (
		SELECT t.* FROM unnest(finish_jobs.jobs, numbers, states, ats,
			dues, outcomes, recorded, starts, durations, codes,
			answers, details, finish_jobs.served) WITH ORDINALITY
			AS t (job, number, state, at, due, outcome, recorded,
			started, duration, code, answer, detail, served, ord)
		ORDER BY t.job
	), up AS (
		UPDATE jobs AS j SET state = f.state,
			attempts = j.attempts + (f.number = 0)::int,
			owner = finish_jobs.receiver::int,
			due_at = CASE f.state WHEN 'waiting' THEN f.due
				ELSE 0 END,
			finished_at = CASE WHEN f.state <> 'waiting'
				THEN f.at END,
			outcome = coalesce(f.outcome, j.outcome)
		FROM f WHERE j.id = f.job AND CASE WHEN f.number > 0
			THEN j.state = 'running' AND j.attempts = f.number
				AND j.owner = finish_jobs.receiver
			ELSE j.state IN ('ready', 'waiting')
				AND j.owner IN (0, finish_jobs.receiver) END
		RETURNING f.*, j.attempts AS counted, j.ordered, j.guards
	), old_attempt AS (
		UPDATE attempts AS a SET duration = up.duration,
			outcome = up.outcome, code = up.code,
			answer = up.answer, detail = up.detail
		FROM up WHERE up.number > 0
		AND a.job = up.job AND a.number = up.number
	), new_attempt AS (
		INSERT INTO attempts (job, number, started_at, duration,
			outcome, code, answer, detail)
		SELECT up.job, up.counted, up.started, up.duration, up.outcome,
			up.code, up.answer, up.detail
		FROM up WHERE up.number = 0 AND up.recorded
	)
	SELECT array_agg(up.ord),
		array_agg(up.job) FILTER (WHERE up.state <> 'waiting'),
		array_agg(up.ord) FILTER (WHERE up.state <> 'waiting'),
		array_agg(CASE up.state WHEN 'done' THEN up.at END)
			FILTER (WHERE up.state <> 'waiting'),
		array_agg(up.job) FILTER (WHERE up.state = 'waiting'
			AND up.guards IS NOT NULL),
		array_agg(up.at) FILTER (WHERE up.state = 'waiting'
			AND up.guards IS NOT NULL),
		array_agg(up.job ORDER BY up.ord)
			FILTER (WHERE up.state = 'done' AND up.served)
	INTO taken, ended, ended_ords, ended_done, alarms, alarms_at,
		done_served
	FROM up;

	IF coalesce(cardinality(taken), 0) < cardinality(finish_jobs.jobs) THEN
		RETURN QUERY SELECT t.ord, CASE WHEN j.id IS NULL
				THEN 'not found' ELSE 'lost' END,
			CASE WHEN j.finished_at IS NULL AND j.owner
				NOT IN (0, finish_jobs.receiver)
				THEN 'another receiver has taken over the job'
			ELSE 'the job has ended, or another attempt is under '
				'way' END,
			t.job, 0::bigint, 0::bigint, 0::bigint,
			false, 0::bigint, 0::bigint, NULL::event_row
		FROM unnest(finish_jobs.jobs) WITH ORDINALITY AS t (job, ord)
		LEFT JOIN jobs AS j ON j.id = t.job
		WHERE NOT t.ord = ANY (coalesce(taken, '{}'));
	END IF;
	IF alarms IS NOT NULL THEN
		PERFORM cancel_needless(alarms, alarms_at);
	END IF;
	IF cardinality(w_ords) > 0
		AND cardinality(taken) = cardinality(finish_jobs.jobs) THEN
		PERFORM write_orders(w_ords, w_carts, w_order_ids, w_scopes,
			w_brands, w_branches, w_external_ids, w_statuses,
			w_updated_ats, w_keys, w_events, w_places);
	ELSIF cardinality(w_ords) > 0 AND taken IS NOT NULL THEN
		PERFORM write_orders(w.ords, w.are_carts, w.order_ids,
			w.scopes, w.brands, w.branches, w.external_ids,
			w.statuses, w.updated_ats, w.keys, w.events, w.places)
		FROM (SELECT array_agg(x.ord) AS ords,
				array_agg(x.cart) AS are_carts,
				array_agg(x.order_id) AS order_ids,
				array_agg(x.scope) AS scopes,
				array_agg(x.brand) AS brands,
				array_agg(x.branch) AS branches,
				array_agg(x.external_id) AS external_ids,
				array_agg(x.status) AS statuses,
				array_agg(x.updated_at) AS updated_ats,
				array_agg(x.key) AS keys,
				array_agg(x.event) AS events,
				array_agg(x.place) AS places
			FROM unnest(w_ords, w_carts, w_order_ids, w_scopes,
				w_brands, w_branches, w_external_ids,
				w_statuses, w_updated_ats, w_keys, w_events,
				w_places) AS x (ord, cart, order_id, scope,
				brand, branch, external_id, status, updated_at,
				key, event, place)
			WHERE x.ord = ANY (taken)) AS w;
	END IF;
	IF done_served IS NOT NULL THEN
		PERFORM note_served(done_served);
	END IF;
	IF ended IS NOT NULL THEN
		RETURN QUERY SELECT r.ord, r.what, r.words, r.id, r.handler,
			r.place, r.attempts, r.replay, r.guards, r.due_at, r.event
		FROM end_jobs(finish_jobs.receiver, ended, ended_ords,
			ended_done) AS r;
	END IF;
END
$$;

-- Attempts of these jobs begin, at those times. skips: which of them need not
-- run, bits as enum store_skip has them; for that the orders of the job are
-- locked. Who finds a row locked waits: the answer is to be sure.
CREATE FUNCTION start_jobs(receiver bigint, jobs bigint[], skips bigint[],
	ats bigint[]) RETURNS SETOF job_result LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	begun bigint[]; -- ords
	skipped bigint[]; -- jobs, with
	skipped_ords bigint[];
	skipped_ats bigint[];
	skipped_by bigint[];
BEGIN
	WITH held AS MATERIALIZED (
		SELECT j.id, t.ord, t.at, j.event, j.place, j.handler,
			CASE WHEN j.replay_of IS NULL THEN t.skip ELSE 0 END
				AS skip
		FROM unnest(start_jobs.jobs, skips, ats) WITH ORDINALITY
			AS t (id, skip, at, ord)
		JOIN jobs AS j ON j.id = t.id
		WHERE j.state IN ('ready', 'waiting') AND j.behind = 0
		AND j.owner IN (0, start_jobs.receiver)
		ORDER BY j.id FOR NO KEY UPDATE OF j
	), judged AS MATERIALIZED (
		SELECT h.id, h.ord, h.at, CASE WHEN h.skip <> 0 THEN (
			SELECT coalesce(CASE WHEN h.skip & 2 <> 0
					AND e.repeat_of IS NOT NULL
				THEN (SELECT r.id FROM repeat_job(e.repeat_of,
					e.id, h.handler, h.place) AS r (id))
				END, CASE WHEN h.skip & 1 <> 0
				THEN (SELECT CASE WHEN count(*) = count(s.job)
					THEN (array_agg(s.job
						ORDER BY eo.place))[1] END
					FROM event_orders AS eo
					LEFT JOIN served AS s
					ON s.handler = h.handler
					AND s.order_id = eo.order_id
					AND s.scope = eo.scope
					WHERE eo.event =
						coalesce(e.repeat_of, e.id)
					AND eo.place >= h.place
					AND eo.place <= CASE WHEN h.place = -1
						THEN 2147483647 ELSE h.place END)
				END)
			FROM events AS e WHERE e.id = h.event) END AS other
		FROM held AS h
	), skip AS (
		UPDATE jobs AS j SET state = 'done', due_at = 0,
			finished_at = k.at,
			outcome = 'already: job ' || k.other
		FROM judged AS k WHERE j.id = k.id AND k.other IS NOT NULL
		RETURNING j.id, k.ord, k.at, k.other
	), begin AS (
		UPDATE jobs AS j SET state = 'running', due_at = 0,
			attempts = j.attempts + 1,
			owner = start_jobs.receiver::int
		FROM judged AS k WHERE j.id = k.id AND k.other IS NULL
		RETURNING j.id, j.attempts, k.ord, k.at
	), attempt AS (
		INSERT INTO attempts (job, number, started_at, duration, code)
		SELECT b.id, b.attempts, b.at, 0, 0 FROM begin AS b
	)
	SELECT (SELECT array_agg(b.ord) FROM begin AS b),
		array_agg(skip.id), array_agg(skip.ord), array_agg(skip.at),
		array_agg(skip.other)
	INTO begun, skipped, skipped_ords, skipped_ats, skipped_by FROM skip;

	IF begun IS NOT NULL THEN
		RETURN QUERY SELECT t.ord, 'runs', NULL::text, j.id, j.handler,
			j.place::bigint, j.attempts::bigint,
			j.replay_of IS NOT NULL, coalesce(j.guards, 0),
			0::bigint, e
		FROM unnest(begun) AS t (ord)
		JOIN jobs AS j ON j.id = start_jobs.jobs[t.ord]
		CROSS JOIN LATERAL event_rows(j.event, j.place::bigint, NULL,
			true) AS e;
	END IF;
	IF skipped IS NOT NULL THEN
		RETURN QUERY SELECT t.ord, 'already', NULL::text, t.job,
			0::bigint, 0::bigint, 0::bigint, false, 0::bigint,
			0::bigint, NULL::event_row
		FROM unnest(skipped_ords, skipped_by) AS t (ord, job);
		RETURN QUERY SELECT r.ord, r.what, r.words, r.id, r.handler,
			r.place, r.attempts, r.replay, r.guards, r.due_at, r.event
		FROM end_jobs(start_jobs.receiver, skipped, skipped_ords,
			skipped_ats) AS r;
	END IF;
	IF coalesce(cardinality(begun), 0) + coalesce(cardinality(skipped), 0)
		< cardinality(start_jobs.jobs) THEN
		RETURN QUERY SELECT t.ord, CASE WHEN j.id IS NULL
				THEN 'not found'
			WHEN j.finished_at IS NULL AND j.behind > 0
				THEN 'refused' ELSE 'lost' END,
			CASE WHEN j.finished_at IS NULL AND j.behind > 0
				THEN 'the job stands behind another of its order'
			WHEN j.finished_at IS NULL AND j.owner
				NOT IN (0, start_jobs.receiver)
				THEN 'another receiver has taken over the job'
			ELSE 'the job is in a state in which it cannot start'
			END, t.id, 0::bigint, 0::bigint, 0::bigint, false,
			0::bigint, 0::bigint, NULL::event_row
		FROM unnest(start_jobs.jobs) WITH ORDINALITY AS t (id, ord)
		LEFT JOIN jobs AS j ON j.id = t.id
		WHERE NOT t.ord = ANY (coalesce(begun, '{}'))
		AND NOT t.ord = ANY (coalesce(skipped_ords, '{}'));
	END IF;
END
$$;

-- -- What may run --

-- The jobs of that handler that may run at that moment, of this receiver and of
-- nobody; what was nobody's is this receiver's then. Up to `most' each of
-- those that are ready, oldest first; of those that wait and were never tried;
-- and of those that were, the first due first. What another receiver looks
-- at in this moment is left to it. And when the first comes due after that.
CREATE FUNCTION claim_jobs(receiver bigint, of_handler bigint, most bigint,
	now_at bigint) RETURNS SETOF job_result LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	listed bigint[];
BEGIN
	WITH free_ready AS MATERIALIZED (
		SELECT j.id FROM jobs AS j
		WHERE j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = 0
		AND j.state = 'ready' AND j.due_at = 0
		ORDER BY j.id LIMIT most FOR NO KEY UPDATE SKIP LOCKED
	), free_untried AS MATERIALIZED (
		SELECT j.id, j.due_at FROM jobs AS j
		WHERE j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = 0
		AND j.state = 'waiting' AND j.attempts = 0
		AND j.due_at <= now_at
		ORDER BY j.due_at, j.id LIMIT most
		FOR NO KEY UPDATE SKIP LOCKED
	), free_tried AS MATERIALIZED (
		SELECT j.id, j.due_at FROM jobs AS j
		WHERE j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = 0
		AND j.state = 'waiting' AND j.attempts > 0
		AND j.due_at <= now_at
		ORDER BY j.due_at, j.id LIMIT most
		FOR NO KEY UPDATE SKIP LOCKED
	), own_ready AS MATERIALIZED (
		SELECT j.id FROM jobs AS j
		WHERE claim_jobs.receiver <> 0
		AND j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = claim_jobs.receiver
		AND j.state = 'ready' AND j.due_at = 0
		ORDER BY j.id LIMIT most
	), own_untried AS MATERIALIZED (
		SELECT j.id, j.due_at FROM jobs AS j
		WHERE claim_jobs.receiver <> 0
		AND j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = claim_jobs.receiver
		AND j.state = 'waiting' AND j.attempts = 0
		AND j.due_at <= now_at
		ORDER BY j.due_at, j.id LIMIT most
	), own_tried AS MATERIALIZED (
		SELECT j.id, j.due_at FROM jobs AS j
		WHERE claim_jobs.receiver <> 0
		AND j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = claim_jobs.receiver
		AND j.state = 'waiting' AND j.attempts > 0
		AND j.due_at <= now_at
		ORDER BY j.due_at, j.id LIMIT most
	), found AS MATERIALIZED (
		(SELECT 1 AS class, r.id, 0::bigint AS due_at, r.free
		FROM (SELECT f.id, true AS free FROM free_ready AS f
			UNION ALL SELECT o.id, false FROM own_ready AS o) AS r
		ORDER BY r.id LIMIT most)
		UNION ALL
		(SELECT 2, u.id, u.due_at, u.free
		FROM (SELECT f.id, f.due_at, true AS free
			FROM free_untried AS f UNION ALL
			SELECT o.id, o.due_at, false FROM own_untried AS o) AS u
		ORDER BY u.due_at, u.id LIMIT most)
		UNION ALL
		(SELECT 3, t.id, t.due_at, t.free
		FROM (SELECT f.id, f.due_at, true AS free
			FROM free_tried AS f UNION ALL
			SELECT o.id, o.due_at, false FROM own_tried AS o) AS t
		ORDER BY t.due_at, t.id LIMIT most)
	), claimed AS (
		UPDATE jobs AS j SET owner = claim_jobs.receiver::int
		FROM found WHERE j.id = found.id AND found.free
		AND claim_jobs.receiver <> 0
	)
	SELECT array_agg(found.id ORDER BY found.class, found.due_at, found.id)
	INTO listed FROM found;

	RETURN QUERY SELECT 1::bigint, 'runs', NULL::text, j.id, j.handler,
		j.place::bigint, j.attempts::bigint, j.replay_of IS NOT NULL,
		coalesce(j.guards, 0), 0::bigint, e
	FROM unnest(listed) WITH ORDINALITY AS t (id, n)
	JOIN jobs AS j ON j.id = t.id
	CROSS JOIN LATERAL event_rows(j.event, -1, NULL, false) AS e
	ORDER BY t.n;
	RETURN QUERY SELECT 1::bigint, 'due', NULL::text, 0::bigint, 0::bigint,
		0::bigint, 0::bigint, false, 0::bigint, min(d.due_at),
		NULL::event_row
	FROM unnest(ARRAY[0, claim_jobs.receiver]) AS o (owner)
	CROSS JOIN LATERAL (SELECT j.due_at FROM jobs AS j
		WHERE j.finished_at IS NULL AND j.behind = 0
		AND j.handler = of_handler AND j.owner = o.owner
		AND j.state = 'waiting' AND j.due_at > now_at
		ORDER BY j.due_at LIMIT 1) AS d
	HAVING min(d.due_at) IS NOT NULL;
END
$$;

-- -- What is done by hand --
--
-- Whom it is done by need not have the handler of the job: what may run by
-- it stays nobody's, unless it was the receiver's before.

-- A new job like that one, which repeats the last of those that repeat it: each
-- on the way is locked, so that nobody adds one meanwhile. The body stays while
-- its event is locked: what purges locks that first.
CREATE FUNCTION replay_job(job bigint) RETURNS SETOF job_result
LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	old record;
	answer job_result;
	last bigint := replay_job.job;
	next bigint;
	made bigint;
	before bigint := 0;
BEGIN
	answer.ord := 1;
	PERFORM FROM jobs AS j WHERE j.id = replay_job.job FOR NO KEY UPDATE;
	SELECT j.event, j.place, j.handler, j.ordered, j.finished_at IS NULL
			AS is_open, j.attempts = 0 AND j.state = 'done'
			AND j.outcome LIKE 'superseded by place %' AS superseded,
		coalesce(e.repeat_of, e.id) AS source
	INTO old FROM jobs AS j JOIN events AS e ON e.id = j.event
	WHERE j.id = replay_job.job;
	IF NOT FOUND THEN
		answer.what := 'not found';
		RETURN NEXT answer;
		RETURN;
	END IF;
	LOOP
		SELECT j.id INTO next FROM jobs AS j WHERE j.replay_of = last
		ORDER BY j.id DESC LIMIT 1;
		EXIT WHEN next IS NULL;
		last := next;
		PERFORM FROM jobs AS j WHERE j.id = last FOR NO KEY UPDATE;
	END LOOP;
	PERFORM FROM events AS e WHERE e.id = old.source FOR KEY SHARE;

	answer.words := CASE
		WHEN old.is_open THEN
			'the job has not ended: there is nothing to replay'
		WHEN old.superseded THEN
			'the event carries a newer record of that order: replay '
			'the job that sent it'
		WHEN (SELECT j.finished_at IS NULL FROM jobs AS j
				WHERE j.id = last) THEN
			'the job is replayed already, as job ' || last ||
			', which has not ended'
		WHEN NOT EXISTS (SELECT FROM bodies AS b
				WHERE b.event = old.source) THEN
			'the body of the job''s event has been purged'
		END;
	IF answer.words IS NOT NULL THEN
		answer.what := 'refused';
		RETURN NEXT answer;
		RETURN;
	END IF;

	made := nextval('job_numbers');
	IF old.ordered THEN
		WITH entered AS (
			INSERT INTO lanes (handler, lane, scope, job)
			SELECT DISTINCT old.handler, eo.order_id, eo.scope, made
			FROM event_orders AS eo WHERE eo.event = old.source
			AND old.place IN (-1, eo.place)
			RETURNING lanes.lane, lanes.scope
		)
		SELECT count(*) INTO before FROM entered AS e
		WHERE EXISTS (SELECT FROM lanes AS l
			WHERE l.handler = old.handler AND l.lane = e.lane
			AND l.scope = e.scope);
	END IF;
	INSERT INTO jobs (id, event, place, handler, state, behind, ordered,
		replay_of)
	VALUES (made, old.event, old.place, old.handler, 'ready', before,
		old.ordered, last);
	answer.what := 'is';
	answer.id := made;
	RETURN NEXT answer;
	IF before = 0 THEN
		RETURN QUERY SELECT 1::bigint, 'runs', NULL::text, made,
			old.handler, old.place::bigint, 0::bigint, true,
			0::bigint, 0::bigint, e
		FROM event_rows(old.event, -1, NULL, false) AS e;
	END IF;
END
$$;

-- A job that waits is due now.
CREATE FUNCTION retry_job(receiver bigint, job bigint) RETURNS SETOF job_result
LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	waits record;
	answer job_result;
BEGIN
	answer.ord := 1;
	UPDATE jobs AS j SET due_at = 0, owner = CASE
		WHEN j.owner = retry_job.receiver THEN j.owner ELSE 0 END
	WHERE j.id = retry_job.job AND j.state = 'waiting'
	RETURNING j.id, j.handler, j.event, j.place, j.attempts, j.behind,
		j.replay_of, j.guards INTO waits;
	IF NOT FOUND THEN
		answer.what := CASE WHEN EXISTS (SELECT FROM jobs AS j
			WHERE j.id = retry_job.job) THEN 'refused'
			ELSE 'not found' END;
		answer.words := 'only a waiting job can be made due';
		RETURN NEXT answer;
		RETURN;
	END IF;
	answer.what := 'is';
	answer.id := waits.id;
	RETURN NEXT answer;
	IF waits.behind = 0 THEN
		RETURN QUERY SELECT 1::bigint, 'runs', NULL::text, waits.id,
			waits.handler, waits.place::bigint,
			waits.attempts::bigint, waits.replay_of IS NOT NULL,
			coalesce(waits.guards, 0), 0::bigint, e
		FROM event_rows(waits.event, waits.place::bigint, NULL, false)
			AS e;
	END IF;
END
$$;

-- Nothing more is to be done about that job, by the word `why' (NULL: none).
CREATE FUNCTION discard_job(job bigint, why text, at bigint)
RETURNS SETOF job_result LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	old record;
	answer job_result;
BEGIN
	answer.ord := 1;
	PERFORM FROM jobs AS j WHERE j.id = discard_job.job FOR NO KEY UPDATE;
	SELECT j.state, j.discarded_at IS NOT NULL OR EXISTS (SELECT
			FROM jobs AS k WHERE k.replay_of = j.id) AS settled
	INTO old FROM jobs AS j WHERE j.id = discard_job.job;
	IF NOT FOUND THEN
		answer.what := 'not found';
	ELSIF old.state IN ('running', 'done') THEN
		answer.what := 'refused';
		answer.words :=
			'a job that is running or done cannot be discarded';
	ELSIF old.state = 'dead' AND old.settled THEN
		answer.what := 'refused';
		answer.words := 'the job is discarded or replayed already';
	ELSE
		answer.what := 'is';
		answer.id := discard_job.job;
		UPDATE jobs AS j SET state = 'dead', due_at = 0,
			finished_at = coalesce(j.finished_at, discard_job.at),
			discarded_at = discard_job.at,
			outcome = 'discarded' || coalesce(': ' || why, '')
				|| CASE old.state WHEN 'dead' THEN
					coalesce('; it was: ' || j.outcome, '')
				ELSE '' END
		WHERE j.id = discard_job.job;
	END IF;
	RETURN NEXT answer;
	IF answer.what = 'is' AND old.state <> 'dead' THEN
		RETURN QUERY SELECT r.ord, r.what, r.words, r.id, r.handler,
			r.place, r.attempts, r.replay, r.guards, r.due_at, r.event
		FROM end_jobs(0, ARRAY[discard_job.job], ARRAY[1::bigint],
			ARRAY[NULL::bigint]) AS r;
	END IF;
END
$$;

-- The alarms of that handler's jobs end, but for those under way. Returns how
-- many did.
CREATE FUNCTION cancel_alarms(of_handler bigint, at bigint) RETURNS bigint
LANGUAGE sql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
WITH held AS MATERIALIZED (
	SELECT a.id FROM jobs AS a JOIN jobs AS g ON g.id = a.guards
	WHERE a.guards IS NOT NULL AND a.finished_at IS NULL
	AND a.state <> 'running' AND g.handler = of_handler
	ORDER BY a.id FOR NO KEY UPDATE OF a
), up AS (
	UPDATE jobs AS j SET state = 'done', due_at = 0,
		finished_at = cancel_alarms.at,
		outcome = 'cancelled: there is no deadline any more'
	FROM held WHERE j.id = held.id RETURNING 1
) SELECT count(*) FROM up
$$;

-- -- Handlers --

-- The number of the handler of that name, which was seen now. A number is
-- only taken for a new one.
CREATE FUNCTION register_handler(called text, at bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	number bigint;
BEGIN
	UPDATE handlers AS h SET last_seen = register_handler.at
	WHERE h.name = called RETURNING h.id INTO number;
	IF NOT FOUND THEN
		INSERT INTO handlers AS h (name, first_seen, last_seen)
		VALUES (called, register_handler.at, register_handler.at)
		ON CONFLICT (name) DO UPDATE SET
			last_seen = excluded.last_seen
		RETURNING h.id INTO number;
	END IF;
	RETURN number;
END
$$;

-- Pause that handler, or let it go on (at: NULL). Its number; NULL: there is no
-- such handler.
CREATE FUNCTION pause_handler(called text, at bigint, by_whom text, why text)
RETURNS bigint LANGUAGE sql AS $$
	UPDATE handlers AS h SET paused_at = pause_handler.at,
		paused_by = by_whom, paused_why = why
	WHERE h.name = called RETURNING h.id
$$;
