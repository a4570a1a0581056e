"""The killing test itself, on the type forward; and that it would notice."""

import pytest

from brokers import relay  # noqa: F401 (fixture)
from kill_frame import PLANS, SHORT, Arrival, Target, check, stand
from sink import Sink


class Pos(Target):
    """A fake POS; its clock of failures is the relay's and the plan's."""

    def __init__(self, directory):
        self.sink = Sink(directory)
        self.port = self.sink.port

    def section(self, port):
        return ("[handler out]\ntype = forward\nevents = *\n"
                f"url = http://127.0.0.1:{port}/orders\n"
                "retry = 50ms, 100ms, 200ms\n")

    def start(self):
        self.sink.start()

    def kill(self):
        self.sink.kill()

    def fill(self):
        self.sink.restart("--status", "503")

    def empty(self):
        self.sink.restart()

    def arrivals(self):
        return [Arrival(line["event_id"], line["key"])
                for line in self.sink.lines() if line["answer"] == 200]


@pytest.fixture
def pos(tmp_path):
    target = Pos(tmp_path)
    yield target
    target.sink.stop()


@pytest.mark.parametrize("plan", PLANS)
def test_forward_stands_it(klikitd, rng, relay, pos, plan):  # noqa: F811
    stand(klikitd, rng, relay, plan, pos)


BODIES = {f"e{number}": b"%d" % number for number in range(4)}
GOOD = [Arrival(f"e{number}", f"e{number}", b"%d" % number)
        for number in range(4)]


@pytest.mark.parametrize("arrivals, complaint", [
    (GOOD, None),
    ([GOOD[1], GOOD[0], GOOD[2], GOOD[3]], None),  # of two orders
    ([*GOOD, GOOD[0]], "5 messages for 4 events"),
    (GOOD[1:], "1 lost: .'e0'."),
    ([GOOD[2], GOOD[1], GOOD[0], GOOD[3]], "order 0: "),
    ([GOOD[0], Arrival("e0", "other", b"0"), *GOOD[1:]], "other"),
    ([GOOD[0], Arrival("e1", "e0", b"1"), *GOOD[2:]], "same key"),
    ([*GOOD, Arrival("e9", "e9", b"9")], "e9"),
    ([Arrival("e0", "e0", b"changed"), *GOOD[1:]], "changed"),
])
def test_the_check_notices(arrivals, complaint):
    def judge(exactly_once):
        check(arrivals, BODIES, lambda event_id: int(event_id[1:]) % 2,
              exactly_once)

    if complaint is None:
        judge(True)
        return
    with pytest.raises(AssertionError, match=complaint):
        judge(True)
    if "messages for" in complaint:
        judge(False)  # a repeat may arrive


def test_all_that_is_planned_is_done(rng):
    blows = SHORT.blows(rng)
    assert sorted(blows) == ["broker", "cut", "full", "server"]
