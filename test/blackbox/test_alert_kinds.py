"""Each thing that klikitd calls for help about by itself: raised, cleared."""

import contextlib
import os
import re
import sqlite3
import time

import pytest

from certificates import Authority
from conftest import Klikitd, payload, received, sign
from ops import alerting, looks, ops, states  # noqa: F401 (a fixture)
from root import small_disk
from test_certificates import hup, until
from test_clock import DAY, clock  # noqa: F401 (a fixture)

pytestmark = pytest.mark.once

BODY = payload("created-small.json")
sqlite = pytest.mark.sqlite("files of this machine")


def ended(far, count=2):
    """Raised and over: what was told. Both tell the same beginning."""
    alerts = far.wait(count)
    assert [a["state"] for a in alerts] == ["raised", "cleared"]
    assert len({(a["kind"], a["subject"], a["since"]) for a in alerts}) == 1
    return alerts


@sqlite
def test_disk(klikitd, ops, tmp_path):
    """Told while it still can be, and over with a little more than enough."""
    far = ops()
    with small_disk(tmp_path / "disk", "size=8m") as place:
        server = klikitd(config=alerting(
            far.url, f"[store]\nurl = sqlite:{place}/k.db\n"))
        server.database = place / "k.db"
        server.expect("alert: disk")
        looks(server)
        assert far.told() == []
        floor = server.metrics()["klikitd_store_floor_bytes"]
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        ballast = place / "ballast"
        ballast.write_bytes(b"\xff" * int(free - 3 * floor))
        raised, = far.wait(1)
        assert states([raised]) == [("disk", "disk", "raised")]
        ballast.unlink()
        ended(far)
        server.stop()


@sqlite
def test_certificate(klikitd, ops, tmp_path):
    """It ends soon, until a reload brings another."""
    far = ops()
    authority = Authority(tmp_path / "ca")
    soon = authority.make("soon", end=until(5.5))
    files = f"[tls]\ncertificate = {soon.path}\nkey = {soon.key}\n"
    server = klikitd(config=alerting(far.url, files))
    server.expect("alert: certificate", "certificate of server")
    raised, = far.wait(1)
    assert states([raised]) == [("certificate", "server", "raised")]
    assert "ends in 5 days" in raised["sentence"]
    later = authority.make("later")
    soon.path.write_text(later.text)
    soon.key.write_text(later.key.read_text())
    hup(server, "reload: done")
    ended(far)


@sqlite
def test_clock(klikitd, ops, clock):  # noqa: F811
    """A clock that is not believed; what a restart finds right is over."""
    far = ops()
    server = klikitd(config=alerting(far.url), env=clock.env)
    server.expect("alert: clock", "the clock ")
    received(server.post(BODY, "before"))
    server.stop()
    clock.set(2 * DAY)
    server.start()
    raised, = far.wait(1)
    assert states([raised]) == [("clock", "clock", "raised")]
    server.stop()
    clock.set(0)
    server.start()
    alerts = far.wait(2)
    assert [a["state"] for a in alerts] == ["raised", "cleared"]


@sqlite
def test_store_that_is_away(klikitd, ops):
    """It can be told only afterwards, and then it is."""
    far = ops()
    server = klikitd(config=alerting(far.url))
    server.expect("alert: store", "file lost", "lost file", "alert: ",
                  "sound", "store: ", "not stored")
    received(server.post(BODY, "before"))
    away = server.directory / "away.db"
    server.database.rename(away)
    server.wait_log("alert: store store: the file of the store was taken")
    assert far.told() == []
    away.rename(server.database)
    server.wait_log("store: works again")
    raised, _ = ended(far)
    assert raised["kind"] == "store"


def test_database_that_is_away(klikitd, ops, postgres_server):
    far = ops()
    database = postgres_server().database()
    server = klikitd(config=alerting(
        far.url, f"[store]\nurl = {database.url}\n"))
    server.expect("alert: ", "unreachable", "store: ", "handler")
    looks(server)
    database.server.stop()
    server.wait_log("alert: store store: the database cannot be reached")
    database.server.start()
    raised, _ = ended(far)
    assert raised["kind"] == "store"
    server.stop()  # before its database


def opened(server, branch, weeks, until_hours):
    """Give the store an event an hour, for so many weeks, until so many hours
    ago: as if it had run so long."""
    now = int(time.time() * 1000)
    with sqlite3.connect(server.database) as db:
        for hour in range(until_hours, weeks * 168):
            at = now - hour * 3600_000
            db.execute(
                "INSERT INTO events (event_id, type, branch, peer, "
                "received_at, body_size, came_at) "
                "VALUES (?, 'klikit.order.created.v2', ?, 'p', ?, 2, ?)",
                (f"{branch}-{hour}", branch, at, at))
    db.close()


@sqlite
def test_a_branch_that_is_silent_in_its_usual_hours(klikitd, ops):
    """One of which less is known is left alone."""
    far = ops()
    server = klikitd(config=alerting(far.url))
    server.expect("alert: branch_silent")
    server.stop()
    opened(server, "new", 2, 4)
    opened(server, "2041", 5, 4)
    server.start()
    raised, = far.wait(1)
    assert states([raised]) == [("branch_silent", "2041", "raised")]
    assert re.search("nothing came in [34] hours", raised["sentence"])
    assert server.query("SELECT branch FROM events "
                        "WHERE origin = 'internal'") == [("2041",)]
    looks(server)
    assert len(far.told()) == 1
    received(server.post(BODY, "again"))
    ended(far)


@pytest.mark.both
def test_deliveries_that_were_changed_on_the_way(klikitd, ops):
    """The signature doctor knows whose they are; good ones change nothing."""
    far = ops()
    server = klikitd(config=alerting(far.url))
    server.expect("alert: rejections", "delivery ")
    received(server.post(BODY, "good"))
    looks(server)
    assert server.post(BODY + b"\n", "bad", signature=sign(BODY))[0] == 401
    raised, = far.wait(1)
    assert states([raised]) == [("rejections", "changed deliveries",
                                 "raised")]
    received(server.deliver(BODY, "good2"))
    ended(far)


@pytest.mark.both
def test_a_secret_that_is_another_one(klikitd, ops):
    """Nothing good comes any more, but what has klikit's headers does."""
    far = ops()
    server = klikitd(config=alerting(far.url))
    server.expect("alert: rejections", "delivery ")
    received(server.post(BODY, "good"))
    looks(server)
    for i in range(3):
        assert server.post(BODY, f"bad{i}", signature="0" * 64)[0] == 401
    raised, = far.wait(1)
    assert states([raised]) == [("rejections", "secret", "raised")]
    server.restart()
    looks(server)
    assert len(far.told()) == 1
    received(server.deliver(BODY, "good2"))
    ended(far)


def test_receivers_of_one_store_tell_it_once(ops, postgres, tmp_path):
    """Each sees the same dead jobs, and whichever sees their end tells it."""
    far = ops()
    pos = ("[handler pos]\ntype = exec\nordering = none\n"
           f"command = /bin/sh -c 'test -e {tmp_path}/good'\n")
    with contextlib.ExitStack() as ends:
        both = []
        for name in "ab":
            (tmp_path / name).mkdir()
            each = Klikitd(tmp_path / name, store=postgres,
                           config=alerting(far.url, pos)).start()
            ends.callback(each.stop)
            each.expect("dead: event", "alert: job_dead")
            both.append(each)
        received(both[0].post(BODY, "first"))
        far.wait(1)
        for each in both:
            each.wait_log("alert: job_dead")
            looks(each, 6)
        assert states(far.told()) == [("job_dead", "pos", "raised")]
        (tmp_path / "good").touch()
        both[1].do("replay", "--state", "dead", "--handler", "pos")
        far.wait(2)
        for each in both:
            looks(each, 6)
        ended(far)
        assert len(far.told()) == 2
    for each in both:
        each.check_log()
