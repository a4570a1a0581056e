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
