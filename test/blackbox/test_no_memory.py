"""Each call of malloc() of a delivery, and of what is done with it, fails once.

The n-th one, for n = 1, 2, ... until none is left: of klikitd, its libraries
and its threads. The delivery is answered 200 or 503, or its connection ends;
the next one is taken; each job is done in the end; nothing is stored twice.
"""

import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import duplicate
from https import https, pki  # noqa: F401 (fixtures)
from load import order_body
from no_memory import NoMemory
from test_outlets import sink  # noqa: F401 (a fixture)

pytestmark = pytest.mark.once
END = 3  # so many deliveries in a row that none failed of: there are no more
HANDLERS = 3
SERVERS = 4  # beside each other: a store that says no is left alone for 1 s


class Box:
    """A server of which calls fail, and the far side of its handlers."""

    def __init__(self, make, sink, directory, **options):
        directory.mkdir()
        program = directory / "program"
        program.write_text("#!/bin/sh\nexec cat >/dev/null\n")
        program.chmod(0o700)
        self.memory = NoMemory(directory)
        self.pos = sink()
        self.count = 0
        self.server = make(env=self.memory.env, config=(
            "[handler board]\ntype = orders\n"
            f"[handler pos]\ntype = forward\nevents = *\nurl = {self.pos.url}"
            "\nretry = 100ms\n[handler bell]\ntype = exec\nevents = *\n"
            f"command = {program}\nretry = 100ms\n"), **options)
        self.server.expect(".")
        self.server.wait_ready()  # a start without memory may fail

    def deliver(self, body, event_id):
        """The status; None: the connection has ended instead."""
        try:
            return self.server.post(body, event_id)[0]
        except (http.client.HTTPException, OSError):
            return None

    def wait_done(self, event_id):
        self.server.wait_query(
            "SELECT count(*) FROM jobs AS j JOIN events AS e ON e.id = j.event "
            f"WHERE e.event_id = '{event_id}' AND j.state = 'done'",
            [(HANDLERS,)])

    def fail(self, first, times=1):
        """One delivery of which calls fail. Returns how many did."""
        event_id = f"e{self.count}"
        body = order_body(self.count, note=event_id)
        self.count += 1
        self.memory.fail(first, times)
        status = self.deliver(body, event_id)
        if status == 200:
            self.wait_done(event_id)
        failed = self.memory.heal()
        assert status in (200, 503, None), f"call {first}: {status}"
        if status != 200:
            if times > 1:  # the store may need a moment: it was opened anew
                self.server.wait_ready()
            assert self.server.post(body, event_id)[0] == 200, f"call {first}"
            self.wait_done(event_id)
        duplicate(self.server.post(body, event_id))
        assert self.server.process.poll() is None, self.server.log()
        return failed

    def fail_each(self, first, step, times=1, restart=False):
        """Until no call is left."""
        quiet = 0
        while quiet < END:
            quiet = 0 if self.fail(first, times) else quiet + 1
            first += step
            if restart:
                self.server.restart()
                self.server.wait_ready()
        assert self.count > END, "no call has failed"
        return self

    def check(self):
        """Each is stored once, whole, with its order, and was sent."""
        query = self.server.query
        self.server.wait_processed()
        for table in ("events", "bodies", "event_orders", "orders", "carts"):
            rows = query(f"SELECT count(*) FROM {table}")
            assert rows == [(self.count,)], table
        assert query("SELECT count(*) FROM jobs") == [(HANDLERS * self.count,)]
        assert query("SELECT count(*) FROM rejections") == [(0,)]
        assert {r["key"] for r in self.pos.lines()} == {
            f"e{n}" for n in range(self.count)}


@pytest.fixture
def box(klikitd, sink, tmp_path):  # noqa: F811
    made = []

    def make(factory=klikitd, **options):
        made.append(Box(factory, sink, tmp_path / f"box{len(made)}",
                        **options))
        return made[-1]

    return make


@pytest.mark.parametrize("step", [
    5, pytest.param(1, marks=pytest.mark.long)])
def test_each_call_fails_once(box, step):
    """Each server has its share of them."""
    boxes = [box() for _ in range(SERVERS)]
    with ThreadPoolExecutor(SERVERS) as pool:
        for one in pool.map(lambda n: boxes[n].fail_each(
                1 + n * step, SERVERS * step), range(SERVERS)):
            one.check()


def test_a_row_of_calls_fails(box):
    """As when there is none for a moment: libevent's spare is for that."""
    box().fail_each(1, 40, times=8).check()


@pytest.mark.parametrize("step", [
    200, pytest.param(13, marks=pytest.mark.long)])
def test_a_call_of_the_first_delivery_fails(box, step, rng):
    """Statements are made then, and tables grow."""
    box().fail_each(rng.randrange(1, step), step, restart=True).check()


@pytest.mark.long
def test_a_call_fails_with_tls(box, https):  # noqa: F811
    """A handshake has thousands of them; of those some."""
    box(https).fail_each(1, 7).check()
