-- What the header fields of accepted deliveries said, but for what differs in
-- each: kept once for all events that have the same. id is made of its bytes.
-- used_at, came_at: of an event that has it; no other came more than an hour
-- later. shared: more than one has it.
CREATE TABLE header_sets (
	id bigint PRIMARY KEY,
	headers text NOT NULL,
	used_at bigint NOT NULL,
	came_at bigint NOT NULL,
	shared bool NOT NULL DEFAULT false
);
ALTER TABLE events ADD COLUMN header_set bigint;
ALTER TABLE events ADD COLUMN own_headers text;
-- How earlier events were answered: store/arrival.h.
ALTER TABLE events ADD COLUMN answers text;

-- Keep the sets of events that were made, which repeat nothing. One that is there,
-- shared, and was used within the hour is left alone: nobody waits for it. In one
-- order, so that two receivers do not wait for each other.
CREATE FUNCTION keep_headers(numbers bigint[], originals bigint[],
	sets bigint[], texts text[], received bigint[], came bigint[])
RETURNS void LANGUAGE sql AS $$
	INSERT INTO header_sets AS h (id, headers, used_at, came_at, shared)
	SELECT x.id, x.headers, x.used, x.came, x.n > 1
	FROM (SELECT u.id, max(u.headers) AS headers,
			count(*) FILTER (WHERE u.made) AS n,
			max(u.used) FILTER (WHERE u.made) AS used,
			max(u.came) FILTER (WHERE u.made) AS came
		FROM (SELECT t.id, t.headers, t.received AS used,
				coalesce(t.came, t.received) AS came,
				t.number <> 0 AND t.original = 0 AS made
			FROM unnest(sets, texts, received, came, numbers,
				originals) AS t (id, headers, received, came,
				number, original)
			WHERE t.id IS NOT NULL) AS u GROUP BY u.id) AS x
	WHERE x.n > 0 AND x.headers IS NOT NULL AND NOT EXISTS (
		SELECT FROM header_sets AS k WHERE k.id = x.id AND k.shared
		AND x.used - k.used_at < 3600000
		AND x.came - k.came_at < 3600000)
	ORDER BY x.id
	ON CONFLICT (id) DO UPDATE SET shared = true,
		used_at = greatest(h.used_at, excluded.used_at),
		came_at = greatest(h.came_at, excluded.came_at)
$$;

-- See 002_append.sql and 010_endpoints.sql. Of events: sets: NULL: none is kept.
-- set_texts: what it says, of the first event of a set, else NULL. own_texts:
-- header fields of its own. answer_texts: how others were answered.
DROP FUNCTION append(
	bigint, bigint, text[], text[], text[], text[], text[], text[],
	bytea[], text[], text[], bigint[], bigint[], bigint[], bytea[],
	text[], bigint[], bool[], bigint[], bigint[], text[], text[],
	text[], text[], text[], bigint[], bigint[], bigint[], text[],
	bigint[], bool[], bigint[], text[], bigint[], text[], text[],
	text[]);
CREATE FUNCTION append(receiver bigint, may_note bigint,
	event_ids text[], scopes text[], types text[], origins text[],
	brands text[], branches text[], digests bytea[], secrets text[],
	peers text[], received bigint[], came bigint[], sizes bigint[],
	contents bytea[], first_orders text[], since bigint[], timed bool[],
	order_events bigint[], order_places bigint[], order_ids text[],
	order_scopes text[], statuses text[], updated text[], externals text[],
	job_events bigint[], handlers bigint[], places bigint[], states text[],
	dues bigint[], ordered bool[], guarded bigint[], outcomes text[],
	lane_jobs bigint[], lanes text[], lane_scopes text[],
	endpoints text[] DEFAULT NULL,
	sets bigint[] DEFAULT NULL, set_texts text[] DEFAULT NULL,
	own_texts text[] DEFAULT NULL, answer_texts text[] DEFAULT NULL,
	OUT numbers bigint[], OUT again bigint[], OUT originals bigint[],
	OUT jobs bigint[], OUT behinds bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	n int := cardinality(event_ids);
	maybe bigint[]; -- events that may repeat another
	made bigint[];
	i int;
BEGIN
	-- Instead of a reference: that would lock a handler's row each time.
	i := (SELECT u.id FROM unnest(handlers) AS u (id) WHERE NOT EXISTS
		(SELECT FROM handlers AS h WHERE h.id = u.id) LIMIT 1);
	IF i IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation',
			MESSAGE = format('there is no handler %s', i);
	END IF;

	-- In the order of arrival. Most orders have no earlier event, or few.
	SELECT ARRAY(SELECT nextval('event_numbers')
			FROM generate_series(1, n)),
		ARRAY(SELECT u.i FROM unnest(first_orders, scopes, event_ids,
				digests, secrets, sizes) WITH ORDINALITY
				AS u (o, scope, id, digest, secret, size, i)
			CROSS JOIN LATERAL (SELECT count(*) AS looked,
				bool_or(e.event_id <> u.id
				AND (e.signature = u.digest
				OR (e.secret <> u.secret
					AND e.body_size = u.size))) AS same
				FROM (SELECT DISTINCT eo.event
					FROM event_orders AS eo
					WHERE eo.order_id = u.o
					AND eo.scope = u.scope
					ORDER BY eo.event DESC LIMIT 64) AS x
				JOIN events AS e ON e.id = x.event) AS w
			WHERE u.o IS NOT NULL AND (w.same OR w.looked = 64))
	INTO append.numbers, maybe;
	append.originals := array_fill(0::bigint, ARRAY[n]);
	append.again := append.originals;
	FOREACH i IN ARRAY maybe LOOP
		-- What is repeated is not purged before the commit. If it was
		-- meanwhile, it is not repeated.
		LOOP
			append.originals[i] := coalesce(repeated_event(
				ARRAY(SELECT u.o FROM unnest(order_events,
					order_ids) WITH ORDINALITY
					AS u (e, o, at) WHERE u.e = i
					ORDER BY u.at), scopes[i], types[i],
				digests[i], secrets[i], contents[i], since[i],
				timed[i]), 0);
			EXIT WHEN append.originals[i] = 0;
			PERFORM FROM events WHERE id = append.originals[i]
				AND purged_at IS NULL FOR KEY SHARE;
			EXIT WHEN FOUND;
		END LOOP;
	END LOOP;

	-- Sorted, so that two that append the same never wait for each other.
	WITH e AS (
		INSERT INTO events (id, event_id, scope, type, origin, brand,
			branch, signature, secret, peer, received_at, came_at,
			body_size, repeat_of, endpoint, header_set, own_headers,
			answers)
		SELECT append.numbers[u.i], u.event_id, u.scope, u.type,
			u.origin, u.brand, u.branch, u.digest, u.secret, u.peer,
			u.received, u.came, u.size,
			nullif(append.originals[u.i], 0), endpoints[u.i],
			-- Repeats anybody can make, who has seen a delivery.
			CASE WHEN append.originals[u.i] = 0 THEN sets[u.i] END,
			CASE WHEN append.originals[u.i] = 0
				THEN own_texts[u.i] END,
			answer_texts[u.i]
		FROM unnest(event_ids, scopes, types, origins, brands, branches,
			digests, secrets, peers, received, came, sizes)
			WITH ORDINALITY AS u (event_id, scope, type, origin,
			brand, branch, digest, secret, peer, received, came,
			size, i)
		ORDER BY u.event_id COLLATE "C", u.scope COLLATE "C", u.i
		ON CONFLICT (event_id, scope) DO NOTHING RETURNING id
	) SELECT array_agg(e.id) INTO made FROM e;
	IF cardinality(made) IS DISTINCT FROM n THEN
		-- Those that are there already have the number 0 for now.
		SELECT array_agg(CASE WHEN u.id = ANY (made)
			THEN u.id ELSE 0 END ORDER BY u.i) INTO append.numbers
		FROM unnest(append.numbers) WITH ORDINALITY AS u (id, i);
	END IF;

	IF made IS NOT NULL THEN
		PERFORM keep_headers(append.numbers, append.originals, sets,
			set_texts, received, came);
		-- An alarm of a repeat is not needed if its job will have
		-- nothing to do. Of a lane the first is who comes first here,
		-- unless one stands there already.
		SELECT ARRAY(SELECT CASE WHEN append.numbers[u.e] = 0
				OR (u.g <> 0 AND append.originals[u.e] <> 0
				AND EXISTS (SELECT repeat_job(
					append.originals[u.e],
					append.numbers[u.e], handlers[u.g],
					places[u.g])))
				THEN 0 ELSE nextval('job_numbers') END
			FROM unnest(job_events, guarded) AS u (e, g)),
			ARRAY(SELECT sum(x.before)::bigint FROM (
				SELECT u.job, CASE WHEN row_number() OVER (
					PARTITION BY u.handler, u.lane, u.scope
					ORDER BY u.job) > 1
					OR EXISTS (SELECT 1 FROM lanes AS l
						WHERE l.handler = u.handler
						AND l.lane = u.lane
						AND l.scope = u.scope)
					THEN 1 ELSE 0 END AS before
				FROM (SELECT DISTINCT t.job,
					handlers[t.job] AS handler, t.lane,
					t.scope FROM unnest(lane_jobs, lanes,
						lane_scopes) AS t (job, lane,
						scope)
					WHERE append.numbers[
						job_events[t.job]] <> 0) AS u
				UNION ALL
				SELECT job, 0 FROM generate_series(1,
					cardinality(job_events)) AS job
			) AS x GROUP BY x.job ORDER BY x.job)
		INTO append.jobs, append.behinds;

		WITH b AS (
			INSERT INTO bodies (event, body)
			SELECT u.id, coalesce(contents[u.i], '')
			FROM unnest(append.numbers) WITH ORDINALITY
				AS u (id, i)
			WHERE u.id <> 0 AND append.originals[u.i] = 0
		), o AS (
			INSERT INTO event_orders (event, place, order_id, scope,
				status, updated_at, external_id)
			SELECT append.numbers[u.e], u.place, u.order_id,
				u.scope, u.status, u.updated, u.external
			FROM unnest(order_events, order_places, order_ids,
				order_scopes, statuses, updated, externals)
				AS u (e, place, order_id, scope, status,
				updated, external)
			WHERE append.numbers[u.e] <> 0
			AND append.originals[u.e] = 0
		), l AS (
			INSERT INTO lanes (handler, lane, scope, job)
			SELECT DISTINCT handlers[u.job], u.lane, u.scope,
				append.jobs[u.job]
			FROM unnest(lane_jobs, lanes, lane_scopes)
				AS u (job, lane, scope)
			WHERE append.jobs[u.job] <> 0
		)
		INSERT INTO jobs (id, event, place, handler, state, due_at,
			behind, owner, ordered, finished_at, outcome, guards)
		SELECT append.jobs[u.i], append.numbers[u.e], u.place,
			u.handler, u.state, u.due, append.behinds[u.i],
			CASE WHEN u.state IN ('done', 'dead') OR u.due <> 0
				OR append.behinds[u.i] <> 0
				THEN 0 ELSE receiver END,
			u.ordered,
			CASE WHEN u.state IN ('done', 'dead')
				THEN received[u.e] END,
			u.outcome, append.jobs[nullif(u.g, 0)]
		FROM unnest(job_events, places, handlers, states, dues, ordered,
			guarded, outcomes) WITH ORDINALITY
			AS u (e, place, handler, state, due, ordered, g,
			outcome, i)
		WHERE append.jobs[u.i] <> 0;
	END IF;
	IF cardinality(made) IS DISTINCT FROM n THEN
		SELECT d.numbers, d.again INTO append.numbers, append.again
		FROM note_duplicates(may_note, append.numbers, event_ids,
			scopes, digests, secrets, contents, received) AS d;
	END IF;
END $$;

-- As in 005_purge.sql; header fields go with the bodies.
CREATE OR REPLACE FUNCTION purge_bodies(numbers bigint[], at bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	of_them bigint[] := ARRAY(SELECT j.id FROM jobs AS j
		WHERE j.event = ANY (numbers));
	sets bigint[] := ARRAY(SELECT e.header_set FROM events AS e
		WHERE e.id = ANY (numbers) AND e.header_set IS NOT NULL);
BEGIN
	DELETE FROM bodies AS b WHERE b.event = ANY (numbers);
	UPDATE attempts AS a SET answer = NULL, detail = NULL
	WHERE a.job = ANY (of_them)
	AND (a.answer IS NOT NULL OR a.detail IS NOT NULL);
	UPDATE jobs AS j SET outcome = 'discarded' WHERE j.id = ANY (of_them)
	AND j.outcome LIKE 'discarded: %';
	DELETE FROM header_sets AS h WHERE h.id = ANY (sets) AND NOT h.shared;
	UPDATE events AS e SET purged_at = purge_bodies.at, header_set = NULL,
		own_headers = NULL
	WHERE e.id = ANY (numbers);
	RETURN cardinality(numbers);
END $$;

-- Up to `most' events and rejections that are dated from that moment on, and
-- before another, and that came in before a third by the steady clock: what has
-- the age of bodies, then what has that of ids. A moment before which that is 0:
-- nothing has that age. What others have locked is left for later.
CREATE OR REPLACE FUNCTION purge_aged(since bigint, bodies_before bigint,
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
		-- The last event that has it came at most an hour after used_at.
		DELETE FROM header_sets AS h WHERE h.id = ANY (ARRAY(
			SELECT s.id FROM header_sets AS s
			WHERE s.used_at >= since
			AND s.used_at < bodies_before - 3600000
			AND s.came_at < bodies_came - 3600000
			ORDER BY s.id LIMIT 1000 FOR UPDATE SKIP LOCKED));
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
