"""A damaged store: indexes are made anew, the rest waits for a restore."""

import shutil
import sqlite3
import uuid

import pytest

from conftest import duplicate, payload, received
from test_metrics import values

pytestmark = pytest.mark.sqlite("a file that is damaged")

BODY = payload("created-small.json")
CONFIG = "[handler none]\ntype = orders\nevents = klikit.none\n"
EVENTS = 400
PAGE = 4096


def ids(number):
    """Spread over all of the index of event ids."""
    return str(uuid.UUID(int=number * 0x9e3779b97f4a7c15f39cc0605cedc835 %
                         2**128))


@pytest.fixture
def filled(klikitd):
    """A stopped server with events, and a backup of them."""
    server = klikitd(config=CONFIG)
    for number in range(EVENTS):
        received(server.deliver(BODY, ids(number)))
    server.do("backup", "copy.db")
    server.stop()
    # What the start asks the store for may be refused, as deliveries are.
    server.expect("store", "not stored", "damaged", "klikitd restore",
                  "sound", "alarms of a deadline")
    return server


def root(server, name):
    return server.query("SELECT rootpage FROM sqlite_master WHERE name = ?",
                        name)[0][0]


def child(server, page):
    """The first page below that one."""
    with open(server.database, "rb") as file:
        file.seek((page - 1) * PAGE)
        data = file.read(PAGE)
    assert data[0] in (2, 5), data[0]
    cell = int.from_bytes(data[12:14], "big")
    return int.from_bytes(data[cell:cell + 4], "big")


def damage(server, page):
    with open(server.database, "r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


def leave_unclean(server):
    """As after a kill: the log is there, with something in it."""
    conn = sqlite3.connect(server.database)
    conn.execute("PRAGMA wal_autocheckpoint = 0")
    conn.execute("UPDATE store SET probes = probes + 1")
    conn.commit()
    for end in ("", "-wal"):
        shutil.copy(f"{server.database}{end}", f"{server.database}.aside{end}")
    conn.close()
    for end in ("", "-wal"):
        shutil.move(f"{server.database}.aside{end}", f"{server.database}{end}")


def wait_check(server, word):
    server.wait_for(
        lambda: server.ask("GET", "/readyz")[2].get("check") == word,
        f"check {word}")


def all_are_there(server, extra):
    stored = [row[0] for row in server.query("SELECT event_id FROM events")]
    assert len(stored) == len(set(stored))
    assert {ids(n) for n in range(EVENTS)} | extra <= set(stored)


def test_a_bad_page_of_an_index_costs_one_answer(klikitd, filled):
    """Before, 281 of 300 got 503, and there was no end to it."""
    server = filled
    damage(server, child(server, root(server, "events_event_id")))
    server.start()
    number = EVENTS
    while server.deliver(BODY, ids(number))[0] == 200:
        number += 1
        assert number < EVENTS + 1000
    server.wait_log("made anew")
    server.wait_log("works again")
    fresh = {ids(n) for n in range(number, number + 300)}
    assert [server.deliver(BODY, event)[0] for event in fresh] == [200] * 300
    for old in range(0, EVENTS, 10):
        duplicate(server.deliver(BODY, ids(old)))
    wait_check(server, "repaired")
    assert server.ask("GET", "/api/v1/status")[2]["store"]["check"] == \
        "repaired"
    assert values(server)["klikitd_store_repairs_total"] == 1
    server.do("backup", "later.db")
    all_are_there(server, fresh)
    server.stop()


def test_the_check_after_an_unclean_stop_repairs(klikitd, filled):
    """Nobody need meet the bad page first; the ports are open before."""
    server = filled
    damage(server, root(server, "event_orders_order"))
    leave_unclean(server)
    server.start()
    server.wait_log("made anew")
    wait_check(server, "repaired")
    server.wait_ready()
    log = server.log()
    assert log.index("listening") < log.index("made anew"), log
    assert server.deliver(BODY, ids(EVENTS))[0] == 200
    all_are_there(server, {ids(EVENTS)})


def test_the_ports_are_open_before_the_check(klikitd, filled):
    server = filled
    leave_unclean(server)
    server.start()
    server.wait_log("unclean stop: sound")
    wait_check(server, "sound")
    log = server.log()
    assert log.index("listening") < log.index("unclean stop: sound"), log


def test_a_bad_page_of_a_table_is_no_ack_until_the_restore(klikitd, filled):
    server = filled
    damage(server, child(server, root(server, "events")))
    leave_unclean(server)
    server.start()
    server.wait_log("store: damaged")
    server.wait_log("klikitd restore BACKUP")
    for number in range(20):
        status, fields, _ = server.deliver(BODY, f"void-{number}")
        assert status == 503 and int(fields["retry-after"]) > 0
    assert server.get("/healthz")[0] == 200
    status, _, ready = server.ask("GET", "/readyz")
    assert status == 503
    assert ready["status"] == "store damaged"
    assert ready["check"] == "damaged"
    assert "klikitd restore BACKUP" in ready["advice"]
    assert "replay" in ready["advice"]
    metrics = values(server)
    assert metrics["klikitd_ready"] == 0
    assert metrics["klikitd_store_damaged"] == 1
    assert server.ask("GET", "/api/v1/status")[2]["store"]["health"] == \
        "damaged"
    server.stop()
    server.do("restore", "copy.db")
    server.start()
    wait_check(server, "sound")  # it was due since the damage
    duplicate(server.deliver(BODY, ids(0)))
    received(server.deliver(BODY, "after"))
    all_are_there(server, {"after"})
    server.restart()
    assert server.ask("GET", "/readyz")[2] == {"status": "ready"}
