-- The ring of rejections, one for each class. What is kept of bodies is counted
-- in the table store, whose row is the lock of the ring too: who adds to it, or
-- removes from it, holds that row to the end of its transaction. So numbers
-- grow with commits, and those of one transaction have no gaps.

DO $$ BEGIN
	ALTER TABLE rejections ALTER body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN -- a server built without it
	ALTER TABLE rejections ALTER body SET STORAGE EXTERNAL;
END $$;

-- Add rejections, as the arrays say. One whose cause and digest are those of a
-- row, or of an earlier one of them, is counted there, and is no row of its
-- own. rows_max: so many of each class stay, and bytes_max of all bodies; for
-- these the oldest of the last class make room.
--
--   last     the number of the last row that came; 0: none came
--   came     how many rows came; those before the last have the numbers before
--   counted  rows that were there, and are of these, too
--   bytes    of the bodies that came
CREATE FUNCTION reject(rows_max bigint[], bytes_max bigint, classes bigint[],
	ats bigint[], cames bigint[], peers text[], causes text[], codes text[],
	diagnoses text[], headers text[], sizes bigint[], bodies bytea[],
	digests bytea[], repeated bigint[], unkept bigint[],
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
			not_kept, last_at)
		SELECT classes[new.i], ats[new.i], cames[new.i], peers[new.i],
			causes[new.i], codes[new.i], diagnoses[new.i],
			headers[new.i], sizes[new.i], bodies[new.i],
			digests[new.i], new.repeats, new.not_kept,
			CASE WHEN new.repeats > 0 THEN ats[new.newest] END
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

-- So many bytes of bodies came, in these classes: remove the oldest rows of each
-- that has more than it may; of the last class as long as there are more bytes.
CREATE FUNCTION trim_rejections(rows_max bigint[], bytes_max bigint,
	classes bigint[], came bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	total bigint := (SELECT s.rejected_bytes FROM store AS s
		WHERE s.id = 1) + came;
	last_class int := cardinality(rows_max) - 1;
	c int;
	old record;
BEGIN
	FOREACH c IN ARRAY classes LOOP
		WITH d AS (
			DELETE FROM rejections WHERE id = ANY (ARRAY(SELECT r.id
				FROM rejections AS r WHERE r.class = c
				ORDER BY r.id LIMIT greatest(0, (SELECT count(*)
					FROM rejections AS k WHERE k.class = c)
					- rows_max[c + 1])))
			RETURNING length(body) AS length
		)
		SELECT total - coalesce(sum(d.length), 0) INTO total FROM d;
	END LOOP;
	IF total > bytes_max AND last_class = ANY (classes) THEN
		FOR old IN SELECT r.id, coalesce(length(r.body), 0) AS length
			FROM rejections AS r WHERE r.class = last_class
			ORDER BY r.id
		LOOP
			EXIT WHEN total <= bytes_max;
			DELETE FROM rejections WHERE id = old.id;
			total := total - old.length;
		END LOOP;
	END IF;
	UPDATE store SET rejected_bytes = total
	WHERE id = 1 AND rejected_bytes <> total;
END $$;

-- Remove these, of which the ring is locked. Returns how many there were.
CREATE FUNCTION remove_rejections(numbers bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	removed bigint;
	bytes bigint;
BEGIN
	WITH d AS (
		DELETE FROM rejections WHERE id = ANY (numbers)
		RETURNING length(body) AS length
	)
	SELECT count(*), sum(d.length) INTO removed, bytes FROM d;
	UPDATE store SET rejected_bytes = rejected_bytes - bytes
	WHERE id = 1 AND bytes <> 0;
	RETURN removed;
END $$;
