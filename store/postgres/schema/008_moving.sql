-- How klikitd migrate-store keeps everybody out. A database that is being filled
-- is no store until all of it is there, and one that was moved away is none any
-- more. What is raised here has the SQLSTATE KL002.

CREATE TABLE moving (
	id int PRIMARY KEY CHECK (id = 1),
	away bool NOT NULL, -- all of it is another store's now; else it is filled
	shift bigint -- of one that is filled: ms added to steady times
);

-- Raises if it is no store, or is just being moved away: see move_from().
CREATE FUNCTION refuse_moved() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	is_away bool;
BEGIN
	IF EXISTS (SELECT 1 FROM pg_locks WHERE granted
			AND relation = 'moving'::regclass
			AND mode = 'ShareRowExclusiveLock'
			AND pid <> pg_backend_pid()
			AND database = (SELECT oid FROM pg_database
				WHERE datname = current_database())) THEN
		RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE =
			'klikitd migrate-store is at work in it';
	END IF;
	SELECT away INTO is_away FROM moving;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE = CASE WHEN is_away
		THEN 'klikitd migrate-store has moved all of it to another '
			'store; use that one, or take this one back as it was '
			'then by klikitd migrate-store --reopen URL'
		ELSE format('klikitd migrate-store is under way or was cut short '
			'here, and not all is there; run it again, or DROP SCHEMA '
			'%I CASCADE', current_schema()) END;
END $$;

-- No receiver begins there. An INSERT waits for the lock that a move takes first
-- of all, and looks then.
CREATE FUNCTION receivers_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM refuse_moved();
	RETURN NULL;
END $$;
CREATE TRIGGER receivers_moved BEFORE INSERT ON receivers
	FOR EACH STATEMENT EXECUTE FUNCTION receivers_moved();

-- With receivers locked: raises if one of them lives. The others will not.
CREATE FUNCTION refuse_served() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	living receivers;
BEGIN
	UPDATE receivers SET dead = true
	WHERE NOT dead AND alive_until < clock_timestamp();
	SELECT * INTO living FROM receivers WHERE NOT dead LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE = format(
			'receiver %s serves it; stop every klikitd on it first; one '
			'that was killed counts for %s s more', living.name,
			ceil(extract(epoch FROM
				living.alive_until - clock_timestamp())));
	END IF;
END $$;

-- To be moved away: nobody else writes to it until this transaction ends. If it
-- ends without move_away(), nothing has changed. Returns whether it was moved
-- away before.
CREATE FUNCTION move_from() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	LOCK TABLE receivers, handlers, events, bodies, event_orders, jobs, lanes,
		attempts, served, orders, carts, rejections, store, moving
		IN SHARE ROW EXCLUSIVE MODE;
	IF EXISTS (SELECT 1 FROM moving WHERE NOT away) THEN
		PERFORM refuse_moved();
	END IF;
	PERFORM refuse_served();
	LOOP
		EXIT WHEN take_over(1000) = 0;
	END LOOP;
	RETURN EXISTS (SELECT 1 FROM moving);
EXCEPTION WHEN lock_not_available THEN
	RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE = 'somebody else is at '
		'work in it, another klikitd migrate-store perhaps; try again later';
END $$;

-- In the same transaction, at the end of it.
CREATE FUNCTION move_away() RETURNS void LANGUAGE sql AS $$
	INSERT INTO moving (id, away) VALUES (1, true) ON CONFLICT (id) DO NOTHING
$$;

-- To be filled, or filled further.
CREATE FUNCTION move_to() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	LOCK TABLE receivers IN SHARE ROW EXCLUSIVE MODE;
	IF EXISTS (SELECT 1 FROM moving WHERE away) THEN
		PERFORM refuse_moved();
	END IF;
	PERFORM refuse_served();
	IF EXISTS (SELECT 1 FROM moving) THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT 1 FROM handlers) OR EXISTS (SELECT 1 FROM events)
			OR EXISTS (SELECT 1 FROM jobs)
			OR EXISTS (SELECT 1 FROM rejections) THEN
		RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE = format(
			'a store is there already; name an empty database, or DROP '
			'SCHEMA %I CASCADE', current_schema());
	END IF;
	-- Needed at the end: better said now.
	IF NOT (SELECT bool_and(has_sequence_privilege(s, 'UPDATE'))
			FROM unnest(ARRAY['event_numbers', 'job_numbers',
				'handlers_id_seq', 'rejections_id_seq']) AS s) THEN
		RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE = format(
			'role %I may not set its sequences; as the owner of the '
			'database run: GRANT UPDATE ON ALL SEQUENCES IN SCHEMA %I TO '
			'%I', current_user, current_schema(), current_user);
	END IF;
	INSERT INTO moving (id, away) VALUES (1, false);
END $$;

-- What is to be added to times of a steady clock that is at `now'; the first
-- answer stays.
CREATE FUNCTION move_shift(now bigint) RETURNS bigint LANGUAGE sql AS $$
	UPDATE moving SET shift = coalesce(shift, clock_ms() - move_shift.now)
	RETURNING shift
$$;

-- It is filled: it is a store from now on.
CREATE FUNCTION move_done(rejected bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM moving WHERE NOT away;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'KL002',
			MESSAGE = 'somebody else has ended the move';
	END IF;
	-- Of no rows there is no greatest, and then nothing is set.
	PERFORM setval('event_numbers', (SELECT max(id) FROM events)),
		setval('job_numbers', (SELECT max(id) FROM jobs)),
		setval('handlers_id_seq', (SELECT max(id) FROM handlers)),
		setval('rejections_id_seq', (SELECT max(id) FROM rejections));
	UPDATE store SET rejected_bytes = rejected;
END $$;

-- What was moved away is a store again.
CREATE FUNCTION move_back() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM moving WHERE away;
	IF NOT FOUND THEN
		PERFORM refuse_moved();
		RAISE EXCEPTION USING ERRCODE = 'KL002', MESSAGE =
			'was not moved away; there is nothing to take back';
	END IF;
END $$;
