-- An alarm that rang is shown until somebody has acknowledged it. Those that rang
-- before there was that are taken as acknowledged, by nobody.
ALTER TABLE jobs ADD COLUMN acknowledged_at bigint;
ALTER TABLE jobs ADD COLUMN acknowledged_by text;
UPDATE jobs SET acknowledged_at = finished_at
WHERE guards IS NOT NULL AND attempts > 0 AND finished_at IS NOT NULL;
CREATE INDEX jobs_rang ON jobs (acknowledged_at, id)
	WHERE guards IS NOT NULL AND attempts > 0;

-- The replay whose number is in the idempotency key; NULL: none is.
ALTER TABLE jobs ADD COLUMN key_of bigint;

-- What a list shows of a job beside its row: the order that it is for, if that
-- is one; of an alarm whose it is, when it rang, and who has seen it. Numbers
-- are 0 where there is none.
CREATE FUNCTION job_facts(job bigint, OUT order_id text, OUT guards bigint,
	OUT guarded text, OUT rang_at bigint, OUT acknowledged_at bigint,
	OUT acknowledged_by text) LANGUAGE sql STABLE AS $$
SELECT (SELECT CASE count(*) WHEN 1 THEN max(o.order_id)::text END
	FROM (SELECT eo.order_id FROM event_orders AS eo
		WHERE eo.event = (SELECT coalesce(e.repeat_of, e.id)
			FROM events AS e WHERE e.id = j.event)
		AND eo.place >= j.place AND eo.place <= CASE j.place
			WHEN -1 THEN 2147483647 ELSE j.place END
		LIMIT 2) AS o),
	coalesce(j.guards, 0),
	(SELECT (SELECT h.name::text FROM handlers AS h WHERE h.id = g.handler)
		FROM jobs AS g WHERE g.id = j.guards),
	coalesce(CASE WHEN j.guards IS NOT NULL AND j.attempts > 0
		AND coalesce(j.outcome, '') NOT LIKE 'cancelled%' THEN
			(SELECT a.started_at FROM attempts AS a
			WHERE a.job = j.id AND a.number = 1) END, 0),
	coalesce(j.acknowledged_at, 0), j.acknowledged_by
FROM jobs AS j WHERE j.id = job_facts.job
$$;

-- The first jobs of an event, as arrays of one length; NULLs if there are none.
CREATE FUNCTION event_jobs(event bigint, jobs_max bigint, OUT ids bigint[],
	OUT places bigint[], OUT states text[], OUT attempts bigint[],
	OUT due_ats bigint[], OUT finished_ats bigint[],
	OUT discarded_ats bigint[], OUT replay_ofs bigint[],
	OUT replayed_bys bigint[], OUT guards bigint[], OUT rang_ats bigint[],
	OUT acknowledged_ats bigint[], OUT names text[], OUT outcomes text[],
	OUT order_ids text[], OUT guarded text[], OUT acknowledged_bys text[])
LANGUAGE sql STABLE AS $$
SELECT array_agg(j.id), array_agg(j.place::bigint), array_agg(j.state::text),
	array_agg(j.attempts::bigint), array_agg(j.due_at),
	array_agg(coalesce(j.finished_at, 0)),
	array_agg(coalesce(j.discarded_at, 0)),
	array_agg(coalesce(j.replay_of, 0)),
	array_agg(coalesce((WITH RECURSIVE r (id) AS (SELECT k.id
			FROM jobs AS k WHERE k.replay_of = j.id
		UNION SELECT k.id FROM r CROSS JOIN LATERAL (SELECT k.id
			FROM jobs AS k WHERE k.replay_of = r.id OFFSET 0) AS k)
		SELECT max(r.id) FROM r), 0)),
	array_agg(f.guards), array_agg(f.rang_at),
	array_agg(f.acknowledged_at),
	array_agg((SELECT h.name::text FROM handlers AS h
		WHERE h.id = j.handler)),
	array_agg(j.outcome || coalesce((SELECT ': ' || a.detail
		FROM attempts AS a WHERE a.job = j.id AND a.number = j.attempts
		AND a.outcome = j.outcome), '')),
	array_agg(f.order_id), array_agg(f.guarded),
	array_agg(f.acknowledged_by)
FROM (SELECT * FROM (SELECT j.id, j.place, j.handler, j.state, j.attempts,
		j.due_at, j.finished_at, j.discarded_at, j.replay_of, j.outcome
		FROM jobs AS j WHERE j.event = event_jobs.event OFFSET 0) AS j
	ORDER BY j.id LIMIT event_jobs.jobs_max) AS j
CROSS JOIN LATERAL job_facts(j.id) AS f
$$;

-- As before, but no alarm is replayed; and the new job's key is a new one, or
-- that of the job that it repeats.
CREATE FUNCTION replay_job(job bigint, anew bool) RETURNS SETOF job_result
LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	answer job_result;
BEGIN
	IF (SELECT j.guards IS NOT NULL FROM jobs AS j
			WHERE j.id = replay_job.job) THEN
		answer.ord := 1;
		answer.what := 'refused';
		answer.words := 'an alarm is not replayed: replay the job that '
			'it guards';
		RETURN NEXT answer;
		RETURN;
	END IF;
	FOR answer IN SELECT * FROM replay_job(replay_job.job) LOOP
		IF answer.what = 'is' THEN
			UPDATE jobs AS j SET key_of = CASE WHEN anew THEN j.id
				ELSE (SELECT l.key_of FROM jobs AS l
					WHERE l.id = j.replay_of) END
			WHERE j.id = answer.id;
		END IF;
		RETURN NEXT answer;
	END LOOP;
END
$$;

-- Somebody has seen that the alarm rang: it is not tried again.
CREATE FUNCTION acknowledge_alarm(job bigint, by_whom text, at bigint)
RETURNS SETOF job_result LANGUAGE plpgsql AS $$
DECLARE
	old record;
	answer job_result;
BEGIN
	answer.ord := 1;
	PERFORM FROM jobs AS j WHERE j.id = acknowledge_alarm.job
		FOR NO KEY UPDATE;
	SELECT j.state, coalesce(j.guards, 0) <> 0 AND j.attempts <> 0
		AND coalesce(j.outcome, '') NOT LIKE 'cancelled%'
		AND j.acknowledged_at IS NULL AND j.discarded_at IS NULL AS rings
	INTO old FROM jobs AS j WHERE j.id = acknowledge_alarm.job;
	IF NOT FOUND THEN
		answer.what := 'not found';
	ELSIF NOT old.rings THEN
		answer.what := 'refused';
		answer.words := 'it is no alarm that rang, or it was '
			'acknowledged already';
	ELSE
		answer.what := 'is';
		answer.id := acknowledge_alarm.job;
		UPDATE jobs AS j SET acknowledged_at = acknowledge_alarm.at,
			acknowledged_by = coalesce(by_whom, '')
		WHERE j.id = acknowledge_alarm.job;
		IF old.state = 'waiting' THEN
			UPDATE jobs AS j SET state = 'done', due_at = 0,
				finished_at = acknowledge_alarm.at,
				outcome = 'acknowledged'
			WHERE j.id = acknowledge_alarm.job;
		END IF;
	END IF;
	RETURN NEXT answer;
END
$$;

-- As before; nor is one tried again that somebody has acknowledged.
CREATE OR REPLACE FUNCTION cancel_needless(alarms bigint[], ats bigint[])
RETURNS void LANGUAGE plpgsql AS $$
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
	UPDATE jobs AS j SET state = 'done', due_at = 0, finished_at = t.at,
		outcome = 'acknowledged'
	FROM unnest(cancel_needless.alarms, cancel_needless.ats) AS t (id, at)
	WHERE j.id = t.id AND j.state = 'waiting'
	AND j.acknowledged_at IS NOT NULL;
END
$$;
