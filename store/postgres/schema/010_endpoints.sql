-- Through which endpoint it came; NULL: through none, or before they had names.
ALTER TABLE events ADD COLUMN endpoint text;
ALTER TABLE rejections ADD COLUMN endpoint text;

-- The same functions as before with that in them. A klikitd of before calls them
-- without it.
ALTER TYPE event_row ADD ATTRIBUTE endpoint text;

CREATE OR REPLACE FUNCTION event_rows(event bigint, place bigint, orders_max bigint,
	with_body bool) RETURNS SETOF event_row LANGUAGE sql STABLE AS $$
SELECT e.id, e.event_id, e.scope, e.type, e.origin, coalesce(e.repeat_of, 0),
	(SELECT r.event_id FROM events AS r WHERE r.id = e.repeat_of),
	e.brand, e.branch, e.signature, e.secret, e.peer, e.received_at,
	coalesce(e.came_at, e.received_at), e.body_size,
	CASE WHEN event_rows.with_body THEN (SELECT b.body FROM bodies AS b
		WHERE b.event = coalesce(e.repeat_of, e.id)) END,
	x.places, x.order_ids, x.statuses, x.updated_ats, x.external_ids,
	e.endpoint
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

-- See 002_append.sql. endpoints: of events; NULL: of none.
DROP FUNCTION append(
	bigint, bigint, text[], text[], text[], text[], text[], text[],
	bytea[], text[], text[], bigint[], bigint[], bigint[], bytea[],
	text[], bigint[], bool[], bigint[], bigint[], text[], text[],
	text[], text[], text[], bigint[], bigint[], bigint[], text[],
	bigint[], bool[], bigint[], text[], bigint[], text[], text[]);
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
			body_size, repeat_of, endpoint)
		SELECT append.numbers[u.i], u.event_id, u.scope, u.type,
			u.origin, u.brand, u.branch, u.digest, u.secret, u.peer,
			u.received, u.came, u.size,
			nullif(append.originals[u.i], 0), endpoints[u.i]
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

-- See 004_rejections.sql. endpoints: as above.
DROP FUNCTION reject(
	bigint[], bigint, bigint[], bigint[], bigint[], text[], text[],
	text[], text[], text[], bigint[], bytea[], bytea[], bigint[],
	bigint[]);
CREATE FUNCTION reject(rows_max bigint[], bytes_max bigint, classes bigint[],
	ats bigint[], cames bigint[], peers text[], causes text[], codes text[],
	diagnoses text[], headers text[], sizes bigint[], bodies bytea[],
	digests bytea[], repeated bigint[], unkept bigint[],
	endpoints text[] DEFAULT NULL,
	OUT last bigint, OUT came bigint, OUT counted bigint[],
	OUT bytes bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	changed bigint[]; -- classes
BEGIN
	PERFORM FROM store WHERE id = 1 FOR NO KEY UPDATE;

	WITH u AS MATERIALIZED (
		SELECT u.i, u.cause, u.digest, (SELECT min(r.id)
			FROM rejections AS r WHERE r.digest = u.digest
			AND r.cause = u.cause) AS id
		FROM unnest(causes, digests) WITH ORDINALITY
			AS u (cause, digest, i)
		WHERE u.digest IS NOT NULL
	), again AS (
		UPDATE rejections AS r SET repeats = r.repeats + a.repeats,
			last_at = ats[a.newest],
			not_kept = r.not_kept + a.not_kept
		FROM (SELECT u.id, sum(1 + repeated[u.i])::bigint AS repeats,
				sum(unkept[u.i])::bigint AS not_kept,
				max(u.i) AS newest
			FROM u WHERE u.id IS NOT NULL GROUP BY u.id) AS a
		WHERE r.id = a.id AND r.id = ANY (ARRAY(SELECT u.id FROM u))
		RETURNING r.id
	), new AS (
		SELECT min(u.i) AS i, max(u.i) AS newest, count(*) AS n,
			sum(repeated[u.i])::bigint + count(*) - 1 AS repeats,
			sum(unkept[u.i])::bigint AS not_kept
		FROM u WHERE u.id IS NULL GROUP BY u.digest, u.cause
		UNION ALL
		SELECT x.i, x.i, 1, repeated[x.i], unkept[x.i]
		FROM unnest(digests) WITH ORDINALITY AS x (digest, i)
		WHERE x.digest IS NULL
	), rows AS (
		INSERT INTO rejections (class, at, came_at, peer, cause, code,
			diagnosis, headers, size, body, digest, repeats,
			not_kept, last_at, endpoint)
		SELECT classes[new.i], ats[new.i], cames[new.i], peers[new.i],
			causes[new.i], codes[new.i], diagnoses[new.i],
			headers[new.i], sizes[new.i], bodies[new.i],
			digests[new.i], new.repeats, new.not_kept,
			CASE WHEN new.repeats > 0 THEN ats[new.newest] END,
			endpoints[new.i]
		FROM new ORDER BY new.i
		RETURNING id, class, coalesce(length(body), 0) AS length
	)
	SELECT coalesce(max(rows.id), 0), count(*),
		coalesce(sum(rows.length), 0)::bigint,
		ARRAY(SELECT again.id FROM again),
		array_agg(DISTINCT rows.class::bigint)
	INTO reject.last, reject.came, reject.bytes, reject.counted, changed
	FROM rows;
	IF reject.came > 0 THEN
		PERFORM trim_rejections(rows_max, bytes_max, changed,
			reject.bytes);
	END IF;
END $$;
