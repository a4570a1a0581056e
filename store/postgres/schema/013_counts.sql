-- What was counted, in each minute of a day and in each hour of 30 days:
-- store/counts.h. step is the length in ms, `at' its begin; numbers have blanks
-- between.
CREATE TABLE counts (
	step bigint NOT NULL,
	at bigint NOT NULL,
	kind text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	numbers text NOT NULL,
	peak bigint NOT NULL,
	PRIMARY KEY (step, at, kind, name)
);

-- The sum of two such texts, of which one may have fewer numbers.
CREATE FUNCTION sum_of_counts(one text, other text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(string_agg((coalesce(u.a, 0) + coalesce(u.b, 0))::text,
		' ' ORDER BY u.i), '')
	FROM unnest(string_to_array(one, ' ')::bigint[],
		string_to_array(other, ' ')::bigint[])
		WITH ORDINALITY AS u (a, b, i)
$$;

-- Add rows, one after the other; those of names beyond names_max of their time
-- and kind under the name of the rest. Then, for each step of kept, rows go that
-- are older than it is kept, or dated further ahead than `ahead': by the
-- database's clock, lest a receiver whose own is wrong removes what others
-- counted.
CREATE FUNCTION add_counts(steps bigint[], ats bigint[], kinds text[],
	names text[], numbers text[], peaks bigint[], names_max bigint[],
	rest text, kept_steps bigint[], kept_ms bigint[], ahead bigint)
RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	called text;
BEGIN
	-- Two receivers that add to the same rows never wait in a circle.
	PERFORM FROM store WHERE id = 1 FOR NO KEY UPDATE;

	FOR i IN 1..cardinality(steps) LOOP
		called := names[i];
		IF NOT EXISTS (SELECT FROM counts WHERE step = steps[i]
				AND at = ats[i] AND kind = kinds[i]
				AND name = names[i])
			AND (SELECT count(*) FROM counts WHERE step = steps[i]
				AND at = ats[i] AND kind = kinds[i])
				>= names_max[i] THEN
			called := rest;
		END IF;
		INSERT INTO counts AS c (step, at, kind, name, numbers, peak)
		VALUES (steps[i], ats[i], kinds[i], called,
			add_counts.numbers[i], peaks[i])
		ON CONFLICT (step, at, kind, name) DO UPDATE SET
			numbers = sum_of_counts(c.numbers, excluded.numbers),
			peak = greatest(c.peak, excluded.peak);
	END LOOP;

	FOR i IN 1..cardinality(kept_steps) LOOP
		DELETE FROM counts WHERE ctid = ANY (ARRAY(
			SELECT c.ctid FROM counts AS c
			WHERE c.step = kept_steps[i]
			AND c.at < clock_ms() - kept_ms[i]
			ORDER BY c.at LIMIT 500));
		DELETE FROM counts WHERE ctid = ANY (ARRAY(
			SELECT c.ctid FROM counts AS c
			WHERE c.step = kept_steps[i]
			AND c.at > clock_ms() + ahead
			ORDER BY c.at DESC LIMIT 500));
	END LOOP;
END $$;
