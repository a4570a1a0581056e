-- The views are for people and programs that read the database with SQL:
-- stable, and the same as those of store/sqlite/schema/004_scope.sql.

-- The order at that place of a body, as it was written there; NULL if the body
-- is no JSON, or has none. A body may be anything: it never fails the query.
CREATE FUNCTION order_document(body bytea, place bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	written text;
	found text;
BEGIN
	IF place < 0 THEN
		RETURN NULL; -- else it would be counted from the end
	END IF;
	written := convert_from(body, 'UTF8');
	BEGIN
		-- Of several members of that name the first counts.
		SELECT m.value -> order_document.place::int INTO found
		FROM json_each(written::json) WITH ORDINALITY AS m (key, value, at)
		WHERE m.key = 'orders' ORDER BY m.at LIMIT 1;
		RETURN found;
	EXCEPTION WHEN data_exception THEN
		IF position(E'\U0010FFFE' IN written) > 0
				OR position(E'\U0010FFFF' IN written) > 0
				OR position(E'\\u' IN written) = 0 THEN
			RETURN NULL;
		END IF;
	END;
	-- JSON may have \u0000, or half of a pair of surrogates, which are no
	-- text here: all escapes of the kind are put aside.
	PERFORM written::json;
	written := replace(replace(written, E'\\\\', E'\U0010FFFE'), E'\\u',
		E'\U0010FFFF');
	SELECT m.value -> order_document.place::int INTO found
	FROM json_each(written::json) WITH ORDINALITY AS m (key, value, at)
	WHERE m.key = 'orders' ORDER BY m.at LIMIT 1;
	RETURN replace(replace(found, E'\U0010FFFF', E'\\u'), E'\U0010FFFE',
		E'\\\\');
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
	RETURN NULL;
END $$;

CREATE VIEW order_documents AS
SELECT o.order_id, o.brand, o.branch, o.external_id, o.status, o.updated_at,
	e.event_id, e.received_at, order_document(b.body, o.place) AS document,
	e.purged_at, o.scope
FROM orders AS o
LEFT JOIN events AS e ON e.id = o.event
LEFT JOIN bodies AS b ON b.event = o.event;

CREATE VIEW cart_documents AS
SELECT c.order_id, e.brand, e.branch, eo.external_id, eo.status, eo.updated_at,
	e.event_id, e.received_at, order_document(b.body, c.place) AS document,
	e.purged_at, c.scope
FROM carts AS c
LEFT JOIN events AS e ON e.id = c.event
LEFT JOIN event_orders AS eo ON eo.event = c.event AND eo.place = c.place
LEFT JOIN bodies AS b ON b.event = c.event;
