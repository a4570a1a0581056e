"""A wall clock that jumps: no job is stuck, no wait cut short, nothing purged."""

import glob
import sqlite3
import time

import pytest

from conftest import duplicate, payload, received, sign
from test_metrics import values
from test_outlets import alarm, forward, sink  # noqa: F401 (a fixture)
from test_tls_forward import authority, pos  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("the clocks of this machine")]

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
    server.wait_query("SELECT attempts, state FROM jobs ORDER BY id",
                      [(1, "waiting"), (1, "waiting")])
    server.do("retry", "2")  # has the store asked for all that is due
    server.wait_query("SELECT attempts, state FROM jobs ORDER BY id",
                      [(1, "waiting"), (2, "waiting")])


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_step_longer_than_the_deadline_rings_nothing(klikitd, sink, clock,
                                                       tmp_path, jump):
    """An alarm is due a deadline after its order came in, and not before."""
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "20h"), env=clock.env)
    server.expect(".")
    received(server.post(payload("created-small.json"), "before"))
    clock.set(jump)
    received(server.post(payload("created-typical.json"), "after"))
    server.wait_query("SELECT min(attempts) >= 3 FROM jobs j JOIN handlers h "
                      "ON h.id = j.handler WHERE h.name <> 'bell'", [(1,)])
    assert server.query(
        "SELECT e.event_id, j.state FROM jobs j JOIN events e ON e.id = "
        "j.event JOIN handlers h ON h.id = j.handler WHERE h.name = 'bell' "
        "ORDER BY e.id") == [("before", "waiting"), ("after", "waiting")]
    assert not (tmp_path / "rang").exists()


def test_an_alarm_rings_in_time_after_a_step_back(klikitd, sink, clock,
                                                  tmp_path):
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "1s"), env=clock.env)
    server.expect(".")
    clock.set(-DAY)
    received(server.post(payload("created-small.json"), "late"))
    server.wait_query("SELECT j.state FROM jobs j JOIN handlers h ON h.id = "
                      "j.handler WHERE h.name = 'bell'", [("done",)])


def reboot(server, clock, seconds):
    """The machine is off for a moment; then its clock is that far off."""
    server.stop()
    conn = sqlite3.connect(server.database)
    conn.execute("UPDATE clock SET boot = 'the one before'")
    conn.commit()
    conn.close()
    clock.set(seconds)
    server.start()


@pytest.mark.parametrize("seconds, word", [(-56 * 365 * DAY, "not set"),
                                           (2 * 365 * DAY, "ahead")])
def test_a_wrong_clock_purges_nothing_and_is_told(klikitd, clock, seconds,
                                                  word):
    server = klikitd(env=clock.env)
    server.expect("clock is not believed")
    received(server.post(payload("created-small.json"), "kept"))
    server.wait_processed()
    reboot(server, clock, seconds)
    server.do("purge", "--older-than", "30d")
    assert server.query("SELECT count(*) FROM bodies") == [(1,)]
    duplicate(server.post(payload("created-small.json"), "kept"))

    server.wait_log("clock is not believed")
    assert server.ask("GET", "/readyz")[2] == {"status": "ready",
                                               "clock": word}
    assert server.ask("GET", "/api/v1/status")[2]["clock"] == word
    assert values(server)["klikitd_clock_believed"] == 0


def test_what_comes_in_under_an_unset_clock_is_marked(klikitd, clock):
    """Until it is set; the date stays what the clock said."""
    clock.set(-56 * 365 * DAY)
    server = klikitd(env=clock.env)
    server.expect("clock is not believed")
    received(server.post(payload("created-small.json"), "unset"))
    server.wait_processed()
    reboot(server, clock, 0)
    assert server.ask("GET", "/readyz")[2] == {"status": "ready"}
    received(server.post(payload("created-typical.json"), "set"))
    duplicate(server.post(payload("created-small.json"), "unset"))
    server.wait_processed()
    events = server.ask("GET", "/api/v1/events")[2]["events"]
    assert [(e["event_id"], e.get("date_doubted")) for e in events] == [
        ("set", None), ("unset", True)]
    now, before = server.do("events").splitlines()[-2:]
    assert " ? " in before and before.split()[0] < "1971", before
    assert " ? " not in now
    assert "date_doubted" in server.do("events", "unset")
    assert "date_doubted" not in server.do("events", "set")
    timeline = server.ask("GET", "/api/v1/events/unset")[2]["timeline"]
    assert "the clock was not believed" in timeline[0]["detail"]


def test_a_call_that_the_clock_broke_goes_on_when_it_is_set(
        klikitd, clock, authority, pos):  # noqa: F811
    """The waits of retry would have it wait for six hours."""
    far = pos()
    clock.set(-2 * 365 * DAY)
    server = klikitd(env=clock.env, config=forward(
        far.url, f"ca_file = {authority.root.path}").replace(
            "retry = 100ms, 200ms, 500ms", "retry = 100ms, 6h"))
    server.expect(".")
    received(server.post(payload("created-small.json"), "early"))
    server.wait_log("retry in 15 s: .* is not valid yet, or this clock is")
    clock.set(0)
    server.wait_processed()
    assert far.keys == ["early"]


def test_a_night_off_is_believed(klikitd, clock):
    server = klikitd(env=clock.env)
    received(server.post(payload("created-small.json"), "old"))
    server.wait_processed()
    reboot(server, clock, DAY // 2)
    assert server.ask("GET", "/readyz")[2] == {"status": "ready"}
    server.do("purge", "--older-than", "11h")
    assert server.query("SELECT count(*) FROM bodies") == [(0,)]


def test_a_wrong_clock_refuses_no_delivery(klikitd, clock, tmp_path):
    """Rotated out in a month: a clock two years ahead is no reason yet."""
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                          time.gmtime(time.time() + 30 * DAY))
    (tmp_path / "old").write_bytes(b"secret-old\n")
    server = klikitd(env=clock.env, config=f"[secret old]\n"
                     f"file = {tmp_path}/old\nvalid_until = {until}\n")
    server.expect("clock is not believed")
    body = payload("created-small.json")
    clock.set(2 * 365 * DAY)
    received(server.post(body, "running", signature=sign(body, b"secret-old")))
    clock.set(0)
    reboot(server, clock, 2 * 365 * DAY)
    received(server.post(body, "started", signature=sign(body, b"secret-old")))


def test_ages_do_not_jump_with_the_clock(klikitd, sink, clock):
    pos = sink("--status", "503")
    server = klikitd(config=forward(pos.url), env=clock.env)
    server.expect(".")
    received(server.post(payload("created-small.json"), "e"))
    server.wait_query("SELECT attempts >= 1 FROM jobs", [(1,)])
    for jump in (DAY, -DAY):
        clock.set(jump)
        v = values(server)
        for name in ('klikitd_oldest_pending_timestamp_seconds{handler="pos"}',
                     'klikitd_last_valid_event_timestamp_seconds'
                     '{branch="2041"}'):
            assert -1 < time.time() + jump - v[name] < DAY / 2, name
        counts = server.ask("GET", "/api/v1/status")[2]["counts"]
        assert 0 <= counts["oldest_pending_ms"] < DAY / 2 * 1000
