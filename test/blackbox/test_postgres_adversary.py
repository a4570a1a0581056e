"""Three receivers on one PostgreSQL, and all that can happen to them at once.

Whatever is killed, stopped or cut: each event is stored once, each job done,
of each order what came first is done first and one thing at a time, and nothing
that was acknowledged is missing.
"""

import itertools
import os
import signal
import threading

import pytest

from adversary import HANDLERS, CommitRelay, Deliveries, Pos
from conftest import DEADLINE
from unpacked import free_port

LEASE_S = 5  # the shortest there is
CONFIG = """[http]
listen = 127.0.0.1:{port}
[store]
url = {url}
lease = {lease}s
[handler rows]
type = orders
""" + "".join(f"""[handler {name}]
type = forward
url = http://127.0.0.1:{{pos}}/{name}
once_per_order = no
concurrency = 16
retry = 20ms, 50ms, 200ms
""" for name in HANDLERS)

# What a receiver says while things are done to it.
SAYS = ("postgres://", "not stored", "turned away", "retry in", "in a row",
        "store: ", "lease", "cut off", "under way", "database", "job")


class Attack:
    """Three receivers, each with a relay of its own before the database."""

    def __init__(self, klikitd, server, rng, deliveries):
        self.rng = rng
        self.server = server
        self.database = server.database()
        self.pos = Pos(rng)
        self.relays = [CommitRelay(server.port) for _ in range(3)]
        self.receivers = []
        for relay in self.relays:
            self.receivers.append(klikitd(config=CONFIG.format(
                port=free_port(), pos=self.pos.port, lease=LEASE_S,
                url=self.database.url_of(port=relay.port))))
            self.receivers[-1].expect(*SAYS)
        self.work = Deliveries(rng, self.receivers, deliveries, orders=200)
        self.ticks = threading.Event()

    def close(self):
        self.work.stop()
        for receiver in self.receivers:
            receiver.stop()
        for relay in self.relays:
            relay.close()
        self.pos.shutdown()
        self.pos.server_close()

    # -- what is done to them --

    def kill(self):
        """One of them; sometimes while it is starting."""
        receiver = self.rng.choice(self.receivers)
        receiver.kill()
        if self.rng.random() < 0.2:
            receiver.start(wait=False)
            self.ticks.wait(self.rng.random() / 3)
            receiver.kill()
        receiver.start()

    def sleep(self):
        """One sleeps until another has taken over, then it wakes."""
        receiver = self.rng.choice(self.receivers)
        name = f"%/{receiver.pid}"
        self.wait_rows(
            "SELECT count(*) FROM receivers WHERE name LIKE %s AND NOT dead",
            [(1,)], name)
        os.kill(receiver.pid, signal.SIGSTOP)
        try:
            self.wait_rows("SELECT bool_and(dead) FROM receivers "
                           "WHERE name LIKE %s", [(True,)], name)
        finally:
            os.kill(receiver.pid, signal.SIGCONT)
        self.wait_rows(
            "SELECT count(*) FROM receivers WHERE name LIKE %s AND NOT dead",
            [(1,)], name)

    def crash(self):
        """The database, for all of them."""
        self.server.stop("immediate")
        self.ticks.wait(self.rng.random())
        self.server.start()

    def cut(self):
        """One connection, at any byte."""
        self.rng.choice(self.relays).cut_after(
            self.rng.randrange(1, 60000), up=self.rng.random() < 0.5)

    def cut_commit(self):
        """One connection, after a COMMIT and before its answer."""
        relay = self.rng.choice(self.relays)
        cuts = relay.cuts
        relay.cut_at_commit()
        relay.wait_for(lambda: relay.cuts > cuts)

    def run(self, kills, crashes, cuts, sleeps):
        """All of it, spread over the deliveries."""
        acts = ([self.kill] * kills + [self.crash] * crashes +
                [self.cut] * cuts + [self.cut_commit] * cuts +
                [self.sleep] * sleeps)
        self.rng.shuffle(acts)
        for number, act in enumerate(acts):
            # The last tenth is for what they leave behind.
            self.work.wait_for(self.work.count * 9 // 10 * (number + 1) //
                               (len(acts) + 1))
            act()
        self.work.finish()
        self.wait_done()

    # -- what came of it --

    def wait_rows(self, sql, wanted, *values):
        for _ in range(DEADLINE * 10):
            rows = self.database(sql, *values)
            if rows == wanted:
                return
            self.ticks.wait(0.1)  # nothing tells when another commits
        raise AssertionError(f"{sql}: {rows}, not {wanted}")

    def wait_done(self):
        """Until no job is left; it has DEADLINE for each that ends."""
        sql = "SELECT count(*) FROM jobs WHERE finished_at IS NULL"
        least, since = None, 0
        for turn in itertools.count():
            left = self.database(sql)[0][0]
            if left == 0:
                return
            if least is None or left < least:
                least, since = left, turn
            assert turn - since < DEADLINE * 10, (
                f"{left} jobs stay: " + str(self.database(
                    "SELECT * FROM jobs WHERE finished_at IS NULL "
                    "ORDER BY id LIMIT 5")))
            self.ticks.wait(0.1)

    def check_stored(self):
        stored = [row[0] for row in self.database(
            "SELECT event_id FROM events")]
        assert len(stored) == len(set(stored))
        assert self.work.acknowledged <= set(stored)
        assert set(stored) == self.work.ids
        assert not self.work.wrong
        assert self.database(
            "SELECT h.name, j.state, count(*), count(DISTINCT j.event) "
            "FROM jobs AS j JOIN handlers AS h ON h.id = j.handler "
            "GROUP BY h.name, j.state ORDER BY h.name") == [
                (name, "done", len(stored), len(stored))
                for name in sorted(("rows", *HANDLERS))]
        assert self.database("SELECT find_fault()") == [(None,)]
        assert self.database("SELECT count(*) FROM lanes") == [(0,)]

    def check_calls(self):
        assert not self.pos.overlaps, self.pos.overlaps[:5]
        for handler in HANDLERS:
            for order, events in self.work.arrivals.items():
                assert self.pos.arrivals[handler, order] == events, (
                    handler, order)
            for event in self.work.ids:
                assert self.pos.done[handler, event] >= 1, (handler, event)
                assert len(self.pos.keys[handler, event]) == 1, (
                    handler, event)


@pytest.fixture
def attack(klikitd, postgres_server, rng):
    made = []

    def make(deliveries):
        made.append(Attack(klikitd, postgres_server(), rng, deliveries))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.once
@pytest.mark.parametrize("deliveries, attacks", [
    (1200, {"kills": 4, "crashes": 1, "cuts": 2, "sleeps": 1}),
    pytest.param(20000, {"kills": 30, "crashes": 3, "cuts": 10, "sleeps": 4},
                 marks=pytest.mark.long)])
def test_nothing_is_lost_doubled_or_out_of_order(attack, deliveries, attacks):
    three = attack(deliveries)
    three.run(**attacks)
    three.check_stored()
    three.check_calls()
    assert "deadlock detected" not in three.server.log()
    # It was an attack: of some calls nobody saw the end.
    assert three.database("SELECT count(*) > 0 FROM attempts "
                          "WHERE outcome = 'unknown'") == [(True,)]
    print(f"{three.pos.calls} calls, {dict(three.work.answers)}, "
          f"{three.work.broken} broken")
