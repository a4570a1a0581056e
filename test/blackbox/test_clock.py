"""A wall clock that jumps: no job is stuck, no wait cut short, nothing purged."""

import glob
import threading

import pytest

from conftest import payload, received
from test_outlets import forward, sink  # noqa: F401 (a fixture)

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
DAY = 86400


class Clock:
    """The wall clock of one server, moved while it runs."""

    def __init__(self, tmp_path):
        self.file = tmp_path / "faketime"
        self.set(0)
        self.env = {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0",
        }

    def set(self, seconds):
        """So many seconds off the true time."""
        self.file.write_text(f"{seconds:+d}s\n")


@pytest.fixture
def clock(tmp_path):
    assert FAKETIME, "libfaketime is not installed"
    return Clock(tmp_path)


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_jump_of_a_day_leaves_no_job_stuck(klikitd, sink, clock, jump):
    pos = sink("--status", "503")
    server = klikitd(config=forward(pos.url), env=clock.env)
    server.expect(".")
    received(server.post(payload("created-small.json"), "before"))
    server.wait_query("SELECT attempts >= 2 FROM jobs", [(1,)])
    clock.set(jump)
    server.wait_query("SELECT attempts >= 4 FROM jobs", [(1,)])
    received(server.post(payload("created-typical.json"), "after"))
    pos.restart()
    server.wait_processed()
    assert {r["key"] for r in pos.lines()} == {"before", "after"}


def test_a_jump_forward_does_not_cut_a_wait_short(klikitd, sink, clock):
    pos = sink("--status", "503")
    server = klikitd(config=forward(pos.url).replace(
        "retry = 100ms, 200ms, 500ms", "retry = 1h"), env=clock.env)
    server.expect(".")
    received(server.post(payload("created-small.json"), "waits"))
    server.wait_query("SELECT state FROM jobs", [("waiting",)])
    clock.set(DAY // 2)
    received(server.post(payload("created-typical.json"), "other"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'waiting'",
                      [(2,)])
    threading.Event().wait(2)
    assert len([r for r in pos.lines() if r["key"] == "waits"]) == 1


@pytest.mark.parametrize("seconds", [-56 * 365 * DAY, 366 * DAY])
def test_an_implausible_clock_purges_nothing(klikitd, clock, seconds):
    server = klikitd(env=clock.env, config="[retention]\nbodies = 1d\n")
    server.expect("clock", "too old")
    received(server.post(payload("created-small.json"), "kept"))
    server.wait_processed()
    server.stop()
    clock.set(seconds)
    server.start()
    received(server.post(payload("created-typical.json"), "later"))
    threading.Event().wait(1)
    assert server.query("SELECT count(*) FROM bodies") == [(2,)]
