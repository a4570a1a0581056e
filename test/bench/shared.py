"""A store that receivers share, on PostgreSQL, beside one in a file.

PostgreSQL shares a core with the load, as the brokers of outlets.py do; so of
three receivers on two cores little more can be shown than what they cost.
"""

import pathlib
import sys
import time

import growth
import rounds
import stats
from machine import BenchError
from outlets import _to_core
from servers import Klikitd

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "blackbox"))

SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}

# As fill.py makes them in a file.
FILL = (
    """INSERT INTO klikitd.events (id, event_id, type, brand, branch, signature,
    secret, peer, received_at, came_at, body_size)
    SELECT nextval('klikitd.event_numbers'), gen_random_uuid()::text,
    'klikit.order.created.v2', '910', '2041',
    sha256(int8send(i)), 'default', '127.0.0.1:40000', %s + i, %s + i, %s
    FROM generate_series(1, %s) AS i""",
    """INSERT INTO klikitd.event_orders (event, place, order_id, status,
    updated_at, external_id) SELECT id, 0, (2000000000 + id)::text, '1',
    '2026-06-25T09:14:11Z', 'EXT-1' FROM klikitd.events""",
    """INSERT INTO klikitd.bodies (event, body) SELECT id, convert_to(
    replace(%s, '@ORDER@', (2000000000 + id)::text), 'UTF8')
    FROM klikitd.events""",
    """INSERT INTO klikitd.jobs (id, event, place, handler, state, attempts,
    finished_at, outcome, ordered) SELECT nextval('klikitd.job_numbers'), id,
    -1, (SELECT min(id) FROM klikitd.handlers), 'done', 1, %s, 'done', true
    FROM klikitd.events""",
    "VACUUM ANALYZE",
    "CHECKPOINT",
)


class Shared(Klikitd):
    """klikitd on a database: of its own for each run, or one that stays."""

    UNFINISHED = "SELECT EXISTS (SELECT 1 FROM klikitd.jobs " \
        "WHERE finished_at IS NULL)"

    def __init__(self, bench, postgres, name, text, handlers=False):
        super().__init__(bench, name, text, handlers=handlers)
        self.postgres, self.database = postgres, None
        self.kept = None

    def command(self, folder):
        self.database = self.kept or self.postgres.database()
        command = super().command(folder)
        config = folder / "klikitd.ini"
        config.write_text(config.read_text().replace(
            f"sqlite:{self.database_path(folder)}", self.database.url))
        return command

    def database_path(self, folder):
        return folder / "klikitd.db"

    def query(self, folder, sql):
        return self.database(sql)

    def check(self, running, answered):
        """As those in a file; but one that stays holds more."""
        if self.kept is None:
            super().check(running, answered)
        elif running.stop() != 0:
            raise BenchError(f"{self.name}: failed; see its log")

    def clean(self, running):
        super().clean(running)
        if self.kept is None:
            self.database.close()


def _ratio(bench, key, text, above, below):
    """above and below: round -> number. Notes what they come to."""
    bench.extra[key] = stats.spread(stats.ratios(above, below))
    low, median, high = bench.extra[key]
    bench.facts.append(f"{text}: {median:.2f} ({low:.2f}-{high:.2f})")


def _pair(bench, workload, names, each, key, text, pick=stats.rate):
    rounds.run(bench, workload, names, *each)
    found = bench.series[workload]
    _ratio(bench, key, text, found.values(names[0], pick),
           found.values(names[1], pick))


def _handlers(bench, plan):
    rates = {"postgres-handlers": {}, "klikitd-handlers": {}}
    for number in range(plan.rounds):
        for name, found in rates.items():
            bench.need_time(30)
            found[number] = growth.until_processed(
                bench, bench.servers[name], plan.shared_requests)
        bench.say(f"until all is processed: round {number + 1}")
    _ratio(bench, "shared-handlers", "until the last event is processed, "
           "PostgreSQL to a file", *rates.values())


def _three(bench, postgres, plan):
    """Three receivers on one database to one of them, a load for each.

    Each load has orders of its own: bodies that another has sent would be
    repeats, and receivers wait for each other's orders.
    """
    rates = {1: {}, 3: {}}
    for number in range(plan.rounds):
        for count in rates:
            bench.need_time(20)
            server = Shared(bench, postgres, f"of-{count}", "")
            server.kept = postgres.database()
            running = [server.start() for _ in range(count)]
            try:
                loads = [bench.load_start(each, **bench.deliveries(
                    "5k", connections=64 // count, seconds=plan.seconds,
                    warm_up=plan.warm_up,
                    first_order=(place + 1) * 10 ** 9))
                    for place, each in enumerate(running)]
                found = [bench.load_end(load) for load in loads]
            finally:
                for each in running:
                    each.kill()
            rates[count][number] = sum(each["rate"] for each in found)
            server.kept.close()
        bench.say(f"three receivers and one: round {number + 1}")
    _ratio(bench, "shared-three", "three receivers to one, 64 connections",
           rates[3], rates[1])


def _stored(bench, postgres, plan):
    """The rate with a million events stored to that with none.

    Each round has orders of its own: what a database has that stays would be
    repeats.
    """
    server = bench.servers["postgres"]
    full = postgres.database()
    server.kept = full
    running = server.start()
    server.check(running, 0)
    now_ms, body = int(time.time() * 1000), bench.body["0.3k"].read_text()
    bench.say(f"filling a database with {plan.stored} events")
    for sql, values in zip(FILL, (
            (now_ms - 10 ** 9, now_ms - 10 ** 9, len(body), plan.stored), (),
            (body,), (now_ms,), (), ())):
        full(sql, *values)
    rates = {True: {}, False: {}}
    for number in range(plan.rounds):
        for is_full, found in rates.items():
            server.kept = full if is_full else None
            found[number] = rounds.measure(
                bench, server, "5k", 64, plan.seconds, plan.warm_up,
                first_order=(number + 3) * 10 ** 9)["rate"]
        bench.say(f"{plan.stored} events stored: round {number + 1}")
    server.kept = None
    full.close()
    _ratio(bench, "shared-stored", f"with {plan.stored} events stored to none",
           rates[True], rates[False])


def start(bench):
    """The PostgreSQL of all steps; bench.closing ends it."""
    from postgres_server import PostgresServer
    postgres = PostgresServer(**SETTINGS).start()
    bench.closing.append(postgres.close)
    _to_core(postgres.process, bench.load_core)
    for name, text, handlers in (
            ("postgres", "klikitd on PostgreSQL", False),
            ("postgres-handlers", "klikitd on PostgreSQL, orders", True)):
        bench.servers[name] = Shared(bench, postgres, name, text, handlers)
    return postgres


def steps(bench, plan):
    postgres = start(bench)
    each = (plan.rounds, plan.seconds, plan.warm_up)
    return {
        "ack": lambda: _pair(bench, "5k/64", ["postgres", "klikitd"], each,
                             "shared-ack", "acks, PostgreSQL to a file"),
        "handlers": lambda: _handlers(bench, plan),
        "latency": lambda: _pair(
            bench, "5k/1", ["postgres", "klikitd"], each, "shared-latency",
            "one connection: p50 on PostgreSQL to that on a file",
            stats.p50_us),
        "three": lambda: _three(bench, postgres, plan),
        "stored": lambda: _stored(bench, postgres, plan),
    }
