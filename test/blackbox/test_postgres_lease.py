"""The lease, the fence and the locks of store/postgres/schema/006_lease.sql,
asked directly: what no receiver does on purpose is done here by hand."""

import contextlib
import random
import threading

import pytest

import unpacked
from conftest import ROOT, SEED

pytestmark = pytest.mark.once

SCHEMA = ROOT / "store" / "postgres" / "schema"
SESSION = ("-c search_path=klikitd,pg_temp -c enable_seqscan=off "
           "-c plan_cache_mode=force_generic_plan")
LEASE_MS = 60000  # nobody's is over unless a test says so


class Session:
    """A connection: what it is called with is run there."""

    def __init__(self, database):
        self.conn = database.connect("klikitd", options=SESSION)
        self.cursor = self.conn.cursor()

    def __call__(self, sql, *values):
        self.cursor.execute(sql, values or None)
        return self.cursor.fetchall() if self.cursor.description else []


class Tables:
    """A database with klikitd's tables, and rows for them."""

    def __init__(self, database):
        self.database = database
        self.sessions = []
        database("CREATE SCHEMA klikitd AUTHORIZATION klikitd")
        self.session = self.connect()
        for path in sorted(SCHEMA.glob("*.sql")):
            self(path.read_text())

    def __call__(self, sql, *values):
        return self.session(sql, *values)

    def one(self, sql, *values):
        (value,), = self(sql, *values)
        return value

    def connect(self):
        self.sessions.append(Session(self.database))
        return self.sessions[-1]

    def begin(self):
        """Another session, in a transaction."""
        session = self.connect()
        session("BEGIN")
        return session

    def receiver(self):
        return self.one("SELECT register_receiver('h', '1', %s)", LEASE_MS)

    def expire(self, receiver):
        """Its lease is over since a minute."""
        self("UPDATE receivers SET alive_until = now() - interval '1 min' "
             "WHERE id = %s", receiver)

    def age(self, receiver):
        """It has renewed its lease in time, ever since long ago."""
        self("UPDATE receivers SET steady_since = now() - interval '1 h' "
             "WHERE id = %s", receiver)

    def event(self, *orders):
        number = self.one(
            "INSERT INTO events (id, event_id, type, peer, received_at, "
            "body_size) SELECT n, 'e' || n, 't', 'p', 1, 1 "
            "FROM nextval('event_numbers') AS n RETURNING id")
        self("INSERT INTO bodies VALUES (%s, 'x')", number)
        for place, order in enumerate(orders):
            self("INSERT INTO event_orders (event, place, order_id) "
                 "VALUES (%s, %s, %s)", number, place, order)
        return number

    def job(self, state, owner=0, event=None, **more):
        event = event or self.event("o")
        more = {"attempts": int(state != "ready"), "handler": 1, **more}
        self("INSERT INTO handlers (name, first_seen, last_seen) "
             "VALUES ('kitchen', 1, 1) ON CONFLICT DO NOTHING")
        number = self.one(
            "INSERT INTO jobs (id, event, place, state, owner, finished_at, "
            f"{', '.join(more)}) SELECT nextval('job_numbers'), %s, -1, %s, "
            f"%s, %s{', %s' * len(more)} RETURNING id", event, state, owner,
            1 if state in ("done", "dead") else None, *more.values())
        if state == "running":
            self("INSERT INTO attempts (job, number, started_at, duration, "
                 "code) VALUES (%s, %s, 1, 0, 0)", number, more["attempts"])
        return number

    def look(self, *jobs):
        """State, owner and outcome of each."""
        return [self("SELECT state, owner, outcome FROM jobs WHERE id = %s",
                     job)[0] for job in jobs]

    def close(self):
        for session in self.sessions:
            session.conn.close()


@pytest.fixture
def tables(postgres):
    made = Tables(postgres)
    yield made
    made.close()


@contextlib.contextmanager
def refused(words):
    """By the fence."""
    errors = unpacked.module("psycopg2").Error
    with pytest.raises(errors, match=words) as caught:
        yield
    assert caught.value.pgcode == "KL001"


# -- The fence --

def test_a_receivers_transactions_are_counted(tables):
    one, two = tables.receiver(), tables.receiver()
    for batch in (1, 2, 3):
        tables("SELECT beat(%s, %s)", one, batch)
    for wrong in (1, 3, 5, 0):
        with refused(f"transaction {wrong} does not follow 3"):
            tables("SELECT beat(%s, %s)", one, wrong)
    tables("SELECT beat(%s, 4)", one)
    tables("SELECT beat(%s, 1)", two)


def test_who_is_dead_or_was_never_there_writes_nothing(tables):
    one = tables.receiver()
    tables("SELECT beat(%s, 1)", one)
    tables("UPDATE receivers SET dead = true")
    for receiver in (one, one + 1):
        with refused("the lease of this receiver was over"):
            tables("SELECT beat(%s, 2)", receiver)
        with refused("the lease of this receiver was over"):
            tables("SELECT tick(%s, 0, '{}', false, '{}', '{}', NULL, 9)",
                   receiver)


def test_a_beat_renews_the_lease(tables):
    one = tables.receiver()
    tables.expire(one)
    tables("SELECT beat(%s, 1)", one)  # late, but nobody has noticed
    assert tables("SELECT dead, alive_until > now() + interval '50 s', "
                  "steady_since > now() - interval '5 s' FROM receivers") == [
                      (False, True, True)]
    tables.age(one)
    tables("SELECT beat(%s, 2)", one)  # in time
    assert tables.one("SELECT steady_since < now() - interval '50 min' "
                      "FROM receivers")
    tables("UPDATE receivers SET alive_until = now() + interval '1 h'")
    tables("SELECT beat(%s, 3)", one)  # the clock was put back
    assert tables.one("SELECT steady_since > now() - interval '5 s' "
                      "FROM receivers")


# -- Who is gone --

def dead(tables):
    return [number for number, in tables(
        "SELECT id FROM receivers WHERE dead ORDER BY id")]


def test_a_lease_that_is_over_is_noticed(tables):
    gone, busy, fine, me = (tables.receiver() for _ in range(4))
    tables.expire(gone)
    tables.expire(busy)
    tables.age(me)
    other = tables.begin()
    other("SELECT beat(%s, 1)", busy)  # is not waited for
    assert tables.one("SELECT reap(%s, false)", me) == 1
    assert dead(tables) == [gone]
    other("COMMIT")
    assert tables.one("SELECT reap(%s, false)", me) == 0
    assert fine not in dead(tables)


def test_who_was_away_with_all_others_reaps_nobody(tables):
    """The database stood still, or its clock has jumped."""
    one, me = tables.receiver(), tables.receiver()
    tables.expire(one)
    assert tables.one("SELECT reap(%s, false)", me) == 0  # came just now
    tables.age(me)
    tables.expire(me)
    assert tables.one("SELECT reap(%s, false)", me) == 0  # is late as well
    tables("SELECT beat(%s, 1)", me)
    assert tables.one("SELECT reap(%s, false)", me) == 0  # for a lease
    tables.age(me)
    assert tables.one("SELECT reap(%s, false)", me) == 1


def test_a_start_reaps_only_who_is_gone_for_long(tables):
    """...and only if the database has been there for as long: it has not."""
    one, me = tables.receiver(), tables.receiver()
    tables.expire(one)
    assert tables.one("SELECT reap(%s, true)", me) == 0
    tables("UPDATE receivers SET lease_ms = 0 WHERE id = %s", one)
    assert tables.one("SELECT reap(%s, true)", me) == 1
    tables("UPDATE receivers SET dead = true")
    assert tables.one("SELECT reap(%s, true)", me) == 0


# -- Taking over --

def test_jobs_of_the_gone_are_nobodys(tables):
    gone, fine = tables.receiver(), tables.receiver()
    mine = tables.job("running", fine)
    ready, waiting, running = (tables.job(state, gone) for state in
                               ("ready", "waiting", "running"))
    unknown = tables.job("running", 77, attempts=2)  # of whom is no row
    tables("UPDATE receivers SET dead = true WHERE id = %s", gone)
    assert tables.one("SELECT take_over(2)") == 2
    assert tables.one("SELECT take_over(9)") == 2
    assert tables.one("SELECT take_over(9)") == 0
    assert tables.look(mine, ready, waiting, running, unknown) == [
        ("running", fine, None), ("ready", 0, None), ("waiting", 0, None),
        ("waiting", 0, "unknown"), ("waiting", 0, "unknown")]
    assert tables("SELECT job, number, outcome FROM attempts ORDER BY job") == [
        (mine, 1, None), (running, 1, "unknown"), (unknown, 2, "unknown")]
    assert tables.one("SELECT find_fault()") is None


def test_who_has_a_job_under_way_is_not_disturbed(tables):
    gone, fine = tables.receiver(), tables.receiver()
    one, two = tables.job("ready", gone), tables.job("ready", gone)
    tables("UPDATE receivers SET dead = true WHERE id = %s", gone)
    other = tables.begin()
    other("UPDATE jobs SET owner = %s WHERE id = %s", fine, one)
    assert tables.one("SELECT take_over(9)") == 1
    other("COMMIT")
    assert tables.one("SELECT take_over(9)") == 0
    assert tables.look(one, two) == [("ready", fine, None), ("ready", 0, None)]


def test_an_alarm_rings_on_unless_its_job_is_done(tables):
    gone = tables.receiver()
    done, replayed, undone = (tables.job(s) for s in
                              ("done", "dead", "waiting"))
    tables.job("done", replay_of=replayed)
    alarms = [tables.job("running", gone, guards=job)
              for job in (done, replayed, undone)]
    tables("UPDATE receivers SET dead = true")
    other = tables.begin()
    other("SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", done)
    assert tables.one("SELECT take_over(9)") == 2  # one is not sure yet
    other("COMMIT")
    assert tables.one("SELECT take_over(9)") == 1
    assert tables.look(*alarms) == [
        ("done", 0, "cancelled"), ("done", 0, "cancelled"),
        ("waiting", 0, "unknown")]


def test_a_start_that_is_given_back_never_was(tables):
    me, other = tables.receiver(), tables.receiver()
    first = tables.job("running", me)
    third = tables.job("running", me, attempts=3)
    theirs = tables.job("running", other)
    ready = tables.job("ready", me)
    jobs = [first, third, theirs, ready]
    tables("SELECT give_back(%s, %s::bigint[])", me, jobs)
    assert tables("SELECT state, attempts, owner FROM jobs ORDER BY id") == [
        ("ready", 0, me), ("waiting", 2, me), ("running", 1, other),
        ("ready", 0, me)]
    assert tables("SELECT job FROM attempts") == [(theirs,)]


def test_who_leaves_leaves_nothing(tables):
    me, other = tables.receiver(), tables.receiver()
    jobs = [tables.job("waiting", me), tables.job("waiting", other)]
    tables("SELECT tick(%s, 1, '{}', false, '{}', '{}', '{}', 9)", me)
    tables("SELECT publish_news(%s, 1, '{1}', '{}', '{}')", me)
    assert [tables.one("SELECT leave(%s, 1)", me) for _ in range(2)] == [1, 0]
    assert tables.look(*jobs) == [("waiting", 0, None),
                                  ("waiting", other, None)]
    assert tables("SELECT id FROM receivers") == [(other,)]
    assert tables("SELECT * FROM reports") == tables("SELECT * FROM news") == []


# -- Locks of orders --

def locked(tables):
    return [order for order, in tables(
        "SELECT order_id FROM order_locks ORDER BY order_id")]


def test_the_orders_of_a_job_are_locked(tables):
    plain, ended, alarm, one_of = (tables.event(order, order + "2")
                                   for order in "abcd")
    jobs = [tables.job("ready", event=plain), tables.job("dead", event=ended),
            tables.job("ready", event=plain,
                       guards=tables.job("done", event=alarm)),
            tables.job("dead", event=one_of)]
    tables("UPDATE jobs SET place = 1 WHERE id = %s", jobs[3])
    tables("UPDATE jobs SET event = %s WHERE id = %s", alarm, jobs[2])
    tables("INSERT INTO lanes VALUES (1, 'a2', '', %s)", jobs[0])
    tables("SELECT lock_orders('{z,b2}', '{here,\"\"}', %s::bigint[])", jobs)
    assert locked(tables) == ["a2", "b", "b2", "c", "c2", "d2", "z"]


def test_one_at_a_time_per_order_and_never_a_deadlock(tables):
    """Whoever has the locks reads, thinks, and writes; all of it is there in
    the end. Meanwhile locks that nobody has are removed."""
    threads, rounds, orders = 5, 40, 8
    tables("CREATE TABLE numbers (order_id text PRIMARY KEY, n int)")
    tables("INSERT INTO numbers SELECT 'o' || n, 0 "
           "FROM generate_series(1, %s) AS n", orders)
    events = [tables.event(f"o{n}") for n in range(1, orders + 1)]
    jobs = [tables.job("dead", event=event) for event in events]
    failures, ending = [], threading.Event()

    def work(number):
        chances = random.Random(f"{SEED} {number}")
        session = tables.connect()
        for _ in range(rounds):
            chosen = chances.sample(range(1, orders + 1), 4)
            session("BEGIN")
            session("SELECT lock_orders(%s::text[], %s::text[], %s::bigint[])",
                    [f"o{n}" for n in chosen[:3]], [""] * 3,
                    [jobs[chosen[3] - 1]])
            for order in chosen:
                (old,), = session("SELECT n FROM numbers WHERE order_id = %s",
                                  f"o{order}")
                session("SELECT pg_sleep(0.001)")
                session("UPDATE numbers SET n = %s WHERE order_id = %s",
                        old + 1, f"o{order}")
            session("COMMIT")

    def sweep():
        session = tables.connect()
        while not ending.is_set():
            session("SELECT sweep(1, NULL, NULL, 100)")

    def run(function, *args):
        try:
            function(*args)
        except Exception as error:  # whatever it is, the test has failed
            failures.append(error)

    running = [threading.Thread(target=run, args=(work, n))
               for n in range(threads)]
    sweeper = threading.Thread(target=run, args=(sweep,))
    for thread in [sweeper, *running]:
        thread.start()
    for thread in running:
        thread.join()
    ending.set()
    sweeper.join()
    assert not failures, failures
    assert tables.one("SELECT sum(n) FROM numbers") == threads * rounds * 4


def test_locks_in_whose_lanes_nothing_stands_are_swept(tables):
    job = tables.job("ready")
    tables("SELECT lock_orders('{a,b,c,d,e}', '{\"\",\"\",x,\"\",\"\"}', '{}')")
    tables("INSERT INTO lanes VALUES (1, 'b', '', %s), (1, 'c', '', %s)", job,
           job)
    holder = tables.begin()
    holder("SELECT lock_orders('{d}', '{\"\"}', '{}')")
    first = tables("SELECT * FROM sweep(1, NULL, NULL, 3)")
    assert first == [("c", "x")]
    assert tables("SELECT * FROM sweep(1, 'c', 'x', 3)") == [(None, None)]
    assert locked(tables) == ["b", "d"]
    holder("COMMIT")


def test_what_nobody_needs_any_more_is_swept(tables):
    old, young, me = (tables.receiver() for _ in range(3))
    tables("UPDATE receivers SET dead = true WHERE id <> %s", me)
    tables("UPDATE receivers SET alive_until = now() - interval '25 h' "
           "WHERE id = %s", old)
    for receiver in (old, young, me):
        tables("SELECT publish_news(%s, 1, '{1}', '{}', '{}')", receiver)
        tables("INSERT INTO reports VALUES (%s, '{}')", receiver)
    tables("UPDATE news SET at = at - interval '20 s' WHERE receiver <> %s",
           old)
    tables("UPDATE news SET at = at - interval '2 min' WHERE receiver = %s",
           old)
    tables("SELECT * FROM sweep(%s, NULL, NULL, 9)", me)
    assert tables("SELECT id FROM receivers ORDER BY id") == [(young,), (me,)]
    assert tables("SELECT receiver FROM news") == [(young,)]
    assert tables("SELECT receiver FROM reports") == [(me,)]


# -- What others did --

def tick(tables, receiver, watching=False, seen=(), batches=(), most=9,
         batch=0, report=None):
    names = ("taken", "runnable", "pauses", "watched", "lost", "readers",
             "read_batches", "events", "jobs", "rejections")
    row, = tables(
        f"SELECT {', '.join(names)} FROM tick(%s, %s, '{{1}}', %s, "
        "%s::bigint[], %s::bigint[], %s, %s)", receiver, batch, watching,
        list(seen), list(batches), report, most)
    return dict(zip(names, row))


def test_a_tick_says_what_may_run(tables):
    me, gone = tables.receiver(), tables.receiver()
    job = tables.job("running", gone)
    assert not tick(tables, me)["runnable"]
    tables("UPDATE receivers SET dead = true WHERE id = %s", gone)
    found = tick(tables, me)
    assert (found["taken"], found["runnable"]) == (1, True)
    tables("UPDATE jobs SET due_at = clock_ms() + 60000")
    assert not tick(tables, me)["runnable"]
    tables("UPDATE jobs SET due_at = clock_ms()")
    assert tick(tables, me)["runnable"]
    tables("UPDATE jobs SET owner = %s WHERE id = %s", me, job)
    assert not tick(tables, me)["runnable"]
    tables("UPDATE jobs SET owner = 0, state = 'ready'")
    assert tick(tables, me)["runnable"]
    tables("UPDATE handlers SET paused_at = 5")
    assert not tick(tables, me)["runnable"]


def test_a_tick_says_that_handlers_were_paused(tables):
    me = tables.receiver()
    tables.job("ready")
    free = tick(tables, me)["pauses"]
    tables("UPDATE handlers SET paused_at = 5")
    paused = tick(tables, me)["pauses"]
    tables("UPDATE handlers SET paused_at = 6")
    again = tick(tables, me)["pauses"]
    tables("UPDATE handlers SET paused_at = NULL")
    assert tick(tables, me)["pauses"] == free
    assert len({free, paused, again}) == 3


def test_an_idle_tick_writes_nothing(tables):
    me = tables.receiver()
    tick(tables, me, batch=1, report="{}")
    before = tables("SELECT ctid, xmin FROM receivers")
    tick(tables, me)
    assert tables("SELECT ctid, xmin FROM receivers") == before
    tick(tables, me, batch=2)
    assert tables("SELECT ctid, xmin FROM receivers") != before


def test_who_watches_reads_each_transaction_once(tables):
    me, other = tables.receiver(), tables.receiver()
    assert not tick(tables, other)["watched"]
    first = tick(tables, me, watching=True)
    assert first["events"] == [] and not first["watched"]
    assert tick(tables, other)["watched"]
    tables("SELECT publish_news(%s, 1, '{1,2}', '{3}', '{}')", other)
    tables("SELECT publish_news(%s, 2, '{2,5}', '{}', '{7}')", other)
    found = tick(tables, me, True)
    assert sorted(found["events"]) == [1, 2, 5]
    assert (found["jobs"], found["rejections"]) == ([3], [7])
    assert (found["readers"], found["read_batches"]) == ([other], [2])
    assert not found["lost"]
    assert tick(tables, me, True, most=2)["lost"]
    found = tick(tables, me, True, [other], [1])
    assert sorted(found["events"]) == [2, 5] and found["jobs"] == []
    found = tick(tables, me, True, [other], [2])
    assert (found["events"], found["read_batches"]) == ([], [2])
    tick(tables, me)  # looks away
    assert not tick(tables, other)["watched"]


# -- What may be wrong --

def test_nothing_is_wrong_with_what_is_right(tables):
    me = tables.receiver()
    for state in ("ready", "running", "waiting", "done", "dead"):
        tables.job(state, me if state not in ("done", "dead") else 0)
    assert tables.one("SELECT find_fault()") is None


@pytest.mark.parametrize("damage, words", [
    ("UPDATE jobs SET behind = 1", "counts 1 orders"),
    ("INSERT INTO lanes VALUES (1, 'o', '', 99)", "still stands in the lane"),
    ("DELETE FROM events", "event 1, which is not there"),
    ("DELETE FROM bodies", "event 1 has no body"),
    ("INSERT INTO bodies VALUES (9, 'x')", "no such event"),
    ("INSERT INTO event_orders VALUES (9, 0, 'o', '')", "order o is of"),
    ("INSERT INTO attempts VALUES (9, 1, 1, 1, 'done', 0)", "no such job"),
    ("DELETE FROM handlers", "handler 1, which is not there"),
    ("SELECT setval('job_numbers', 1)", "the next job will get a number"),
    ("UPDATE jobs SET owner = 0", "under way, but no receiver has it"),
    ("UPDATE receivers SET alive_until = now() - interval '1 h'",
     "has been gone since"),
])
def test_what_is_wrong_is_found(tables, damage, words):
    me = tables.receiver()
    for _ in range(2):
        tables.job("running", me)
    tables(damage)
    assert words in tables.one("SELECT find_fault()")


def test_counters_are_made_right_again(tables):
    first, second = tables.job("ready"), tables.job("ready")
    tables("INSERT INTO lanes VALUES (1, 'o', '', %s), (1, 'o', '', %s), "
           "(1, 'o', '', 99)", first, second)
    assert tables.one("SELECT find_fault()")
    assert tables.one("SELECT recount_jobs()") == 1
    assert tables.one("SELECT find_fault()") is None
    assert tables("SELECT behind FROM jobs ORDER BY id") == [(0,), (1,)]
