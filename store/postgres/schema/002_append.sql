-- What is appended: events with their bodies, orders, jobs and lanes. Before
-- append() the orders of its events were locked, by lock_orders().

-- Half of the log that way, and no slower; PostgreSQL's own way is slow.
DO $$ BEGIN
	ALTER TABLE bodies ALTER body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN -- a server built without it
	ALTER TABLE bodies ALTER body SET STORAGE EXTERNAL;
END $$;

-- The event that a new one repeats, or NULL: see repeats.c of SQLite, which has
-- the same rules. The last 64 events of its first order are looked at, newest
-- first; if there may be more, those of the next order. `since': not older, by
-- the steady clock. One whose orders have no time (`timed' is false) repeats
-- nothing if another version of any of its orders came in between.
CREATE FUNCTION repeated_event(of_orders text[], of_scope text,
	of_type text, digest bytea, of_secret text, content bytea, since bigint,
	timed bool) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
	size bigint := length(content);
	original bigint;
	looked bigint;
	others bool;
	o text;
BEGIN
	FOREACH o IN ARRAY of_orders LOOP
		SELECT max(x.event) FILTER (WHERE e.type = of_type
			AND coalesce(e.came_at, e.received_at) >= since
			AND e.purged_at IS NULL
			AND (e.signature = digest OR (e.secret <> of_secret
				AND e.body_size = size AND content =
				(SELECT b.body FROM bodies AS b
				WHERE b.event = e.id)))), count(*)
		INTO original, looked FROM (
			SELECT DISTINCT eo.event FROM event_orders AS eo
			WHERE eo.order_id = o AND eo.scope = of_scope
			ORDER BY eo.event DESC LIMIT 64
		) AS x JOIN events AS e ON e.id = x.event;
		EXIT WHEN original IS NOT NULL OR looked < 64;
	END LOOP;
	IF original IS NULL OR timed THEN
		RETURN original;
	END IF;
	FOREACH o IN ARRAY of_orders LOOP
		SELECT bool_or((e.signature = digest OR (e.secret <> of_secret
			AND e.body_size = size AND content =
			(SELECT b.body FROM bodies AS b
			WHERE b.event = e.id))) IS NOT TRUE)
		INTO others FROM (
			SELECT DISTINCT eo.event FROM event_orders AS eo
			WHERE eo.order_id = o AND eo.scope = of_scope
			AND eo.event > original
			ORDER BY eo.event DESC LIMIT 64
		) AS x JOIN events AS e ON e.id = x.event;
		IF others THEN
			RETURN NULL;
		END IF;
	END LOOP;
	RETURN original;
END $$;

-- Append events, each with what it has, as the arrays say; the first event has
-- the number 1. None may repeat another of them.
--
-- Of events: first_orders: the first order of each, if it may repeat another,
-- else NULL. since, timed: as above. content: NULL: there is none.
-- Of orders, jobs and lanes: of_event, of_job: the number of their event or job.
-- Of jobs: guarded: the number of the job that it guards, or 0.
-- may_note: so many duplicates are counted, the rest is only answered.
--
--   numbers    of the events: of a duplicate that of the earlier one
--   again      0: it is new, 1: a duplicate, 2: one with another body
--   originals  which event it repeats, or 0
--   jobs       their numbers; 0: none was made
--   behinds    in how many lanes another job stands before it
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
			body_size, repeat_of)
		SELECT append.numbers[u.i], u.event_id, u.scope, u.type,
			u.origin, u.brand, u.branch, u.digest, u.secret, u.peer,
			u.received, u.came, u.size,
			nullif(append.originals[u.i], 0)
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

-- Of those whose number is 0, which are there already: find the earlier one, see
-- whether it has another body, and count them there: the first 16 of an event,
-- then one a minute.
CREATE FUNCTION note_duplicates(may_note bigint, known bigint[],
	event_ids text[], scopes text[], digests bytea[], secrets text[],
	contents bytea[], received bigint[],
	OUT numbers bigint[], OUT again bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	noted bigint[];
	times bigint[];
	turns bigint[]; -- which duplicate of its event it is
BEGIN
	SELECT array_agg(CASE WHEN u.known <> 0 THEN u.known
			ELSE coalesce(e.id, 0) END ORDER BY u.i),
		array_agg(CASE WHEN u.known <> 0 THEN 0
			WHEN u.secret IS NOT NULL AND e.signature = u.digest
				THEN 1
			WHEN e.secret = u.secret THEN 2
			WHEN u.content = (SELECT b.body FROM bodies AS b
				WHERE b.event = coalesce(e.repeat_of, e.id))
				THEN 1 ELSE 2 END::bigint ORDER BY u.i)
	INTO note_duplicates.numbers, note_duplicates.again
	FROM unnest(known, event_ids, scopes, digests, secrets, contents)
		WITH ORDINALITY AS u (known, event_id, scope, digest, secret,
		content, i)
	LEFT JOIN events AS e ON u.known = 0 AND e.event_id = u.event_id
		AND e.scope = u.scope;
	IF 0 = ANY (note_duplicates.numbers) THEN
		RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
			MESSAGE = 'an event was purged while it came again';
	END IF;

	-- The rows are locked in one order. Those that are not to be counted are
	-- left alone: in a flood nobody waits for them.
	SELECT array_agg(x.id ORDER BY x.i), array_agg(x.at ORDER BY x.i),
		array_agg(x.turn ORDER BY x.i)
	INTO noted, times, turns
	FROM (SELECT u.id, u.at, u.i,
			row_number() OVER (PARTITION BY u.id ORDER BY u.i)
				AS turn
		FROM (SELECT t.id, t.at, t.i FROM unnest(
				note_duplicates.numbers, received,
				note_duplicates.again) WITH ORDINALITY
				AS t (id, at, again, i)
			WHERE t.again <> 0 ORDER BY t.i LIMIT may_note) AS u
	) AS x JOIN events AS e ON e.id = x.id
	WHERE e.duplicates < 16
		OR e.last_duplicate_at NOT BETWEEN x.at - 60000 AND x.at;
	IF noted IS NULL THEN
		RETURN;
	END IF;
	PERFORM FROM events WHERE id = ANY (noted)
		ORDER BY id FOR NO KEY UPDATE;
	FOR k IN 1 .. (SELECT max(t) FROM unnest(turns) AS t) LOOP
		UPDATE events AS e SET duplicates = e.duplicates + 1,
			last_duplicate_at = u.at
		FROM unnest(noted, times, turns) AS u (id, at, turn)
		WHERE e.id = u.id AND u.turn = k
		AND (e.duplicates < 16 OR
			e.last_duplicate_at NOT BETWEEN u.at - 60000 AND u.at);
	END LOOP;
END $$;

-- The first job, of that handler and place and of an earlier event with the same
-- original, that is done or has not ended: the job of a repeat, `event', has
-- nothing to do but what that one does. Of the repeats the newest 64 before it
-- are looked at. No row: there is none.
CREATE FUNCTION repeat_job(original bigint, of_event bigint, of_handler bigint,
	of_place bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
	SELECT j.id FROM jobs AS j WHERE j.event IN (
		SELECT original UNION ALL
		SELECT x.id FROM (SELECT e.id FROM events AS e
			WHERE e.repeat_of = original AND e.id < of_event
			ORDER BY e.id DESC LIMIT 64) AS x)
	AND j.handler = of_handler
	AND (j.place = of_place OR j.place = -1 OR of_place = -1)
	AND j.guards IS NULL
	AND (j.state = 'done' OR j.finished_at IS NULL)
	ORDER BY j.id LIMIT 1
$$;
