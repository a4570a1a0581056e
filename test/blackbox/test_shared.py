"""Receivers that share one PostgreSQL: what each of them sees of the others."""

import contextlib
import threading

import pytest

from conftest import DEADLINE, SECRET, Klikitd, payload, received
from sse import Stream

pytestmark = pytest.mark.once

SMALL = payload("created-small.json")
ORDERS = "[handler orders]\ntype = orders\n"
SEEN_S = 1.5  # a pause is seen by all within a second


@pytest.fixture
def receivers(tmp_path, postgres):
    """A factory of receivers on one database."""
    made = []

    def make(config=ORDERS):
        home = tmp_path / f"receiver{len(made)}"
        home.mkdir()
        made.append(Klikitd(home, config=config, store=postgres))
        return made[-1].start()

    yield make
    for each in made:
        each.stop()
        each.check_log()


def until(what, wanted):
    """Ask until that is the answer: others learn of it by their next tick."""
    pause = threading.Event()
    for _ in range(DEADLINE * 20):
        if (found := what()) == wanted:
            return
        pause.wait(0.05)
    raise AssertionError(f"{found}, not {wanted}")


def seen_by(server):
    rows = server.ask("GET", "/api/v1/receivers")[2]["receivers"]
    return [(row["own"], row["alive"], row["name"].split("/")[1],
             row["counts"] and (row["counts"]["received"],
                                row["counts"]["duplicates"]))
            for row in rows]


def jobs(server, state):
    return len(server.ask("GET", f"/api/v1/jobs?state={state}")[2]["jobs"])


def test_each_is_seen_with_what_it_counts(receivers):
    a, b = receivers(), receivers()
    first, second = (str(each.pid) for each in (a, b))
    received(a.post(SMALL, "e1"))
    assert b.post(SMALL, "e1")[0] == 200
    received(b.deliver(SMALL, "e2"))
    until(lambda: seen_by(a), [(True, True, first, (1, 0)),
                               (False, True, second, (1, 1))])
    until(lambda: seen_by(b), [(False, True, first, (1, 0)),
                               (True, True, second, (1, 1))])
    assert a.ask("GET", "/api/v1/status")[2]["receivers"] == 2
    assert a.metrics()["klikitd_receivers"] == 2
    said = a.do("doctor", expect=None)
    assert f"/{first} serves from it" in said
    assert f"/{second} serves from it" in said
    # Who stops properly is gone at once, not when its lease is over.
    b.stop()
    until(lambda: seen_by(a), [(True, True, first, (1, 0))])


def test_the_ports_of_a_receiver_are_its_own(receivers):
    """check-config and doctor pass beside those that serve from the store."""
    for each in [receivers() for _ in range(2)]:
        admin = each.admin.rsplit(":", 1)[1]
        secret = each.directory / "secret"
        secret.write_bytes(SECRET)
        secret.chmod(0o600)
        each.write_config(f"[http]\nlisten = 127.0.0.1:{each.port}\n"
                          f"[admin]\nlisten = 127.0.0.1:{admin}\n"
                          "[klikit]\nsecret_file = secret\n" + ORDERS)
        each.do("check-config")
        assert "error" not in each.said
        # Who is not root cannot see whose port it is in a release.
        said = each.do("doctor")
        assert said.count("listens there") == 2, said
        assert (f"klikitd itself listens there (pid {each.pid})" in said or
                ", or another program of its user, listens there" in said)
    # So are all of them beside a port that is free.
    each.config.write_text(each.config.read_text().replace(
        f":{each.port}\n", ":0\n"))
    each.do("check-config")


def test_a_pause_holds_at_all(receivers):
    a, b = receivers(), receivers()
    assert a.ask("POST", "/api/v1/handlers/orders/pause",
                 {"why": "lunch"})[0] == 200
    threading.Event().wait(SEEN_S)
    for each in (a, b):
        received(each.deliver(SMALL))
    assert "paused" in b.do("handlers")
    assert (jobs(b, "ready"), jobs(b, "done")) == (2, 0)
    b.do("resume", "orders")
    until(lambda: jobs(b, "done"), 2)


def test_one_that_has_just_begun_is_asked(receivers, postgres):
    """In its first second it has not said yet where it can be asked."""
    a = receivers("[handler pos]\ntype = forward\n"
                  "url = http://127.0.0.1:9/orders\n")
    a.expect("retry in", "calls failed in a row")
    received(a.post(SMALL))
    until(lambda: "connection refused" in a.do("handlers"), True)
    postgres("DELETE FROM reports")
    assert "connection refused" in a.do("handlers")


def test_the_page_of_each_hears_of_all(receivers):
    a, b = receivers(), receivers()
    stream = Stream(a)
    stream.until(lambda what, it: what == "reset")  # all know that it looks
    received(b.post(SMALL, "e1"))
    seen = stream.until(lambda what, it: what == "job" and
                        it["state"] == "done")
    assert ("event", "e1") in [(what, it.get("event_id"))
                               for what, it in seen]
    stream.close()


def test_an_id_is_stored_once_whoever_gets_it(receivers):
    """Also of a hundred at the same moment at both."""
    servers = receivers(), receivers()
    ids = [f"e{i}" for i in range(50)]
    answers = []

    def send(server):
        for name in ids:
            answers.append((name, server.deliver(SMALL, name)))

    threads = [threading.Thread(target=send, args=(servers[i % 2],))
               for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 200
    assert {status for _, (status, *_) in answers} == {200}
    listed = servers[0].ask("GET", "/api/v1/events?limit=500")[2]["events"]
    assert sorted(e["event_id"] for e in listed) == sorted(ids)
    assert sum(e["duplicates"] for e in listed) == 150
    until(lambda: jobs(servers[1], "done"), 50)


def test_a_newer_version_beside_this_one(receivers, postgres):
    """As its migration leaves the database: one that only adds. Nothing is
    refused meanwhile, and this version starts on it, too."""
    a, b = receivers(), receivers()
    stop, answers = threading.Event(), []

    def send():
        while not stop.is_set():
            answers.append(a.deliver(SMALL)[0])

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with contextlib.closing(postgres.connect("klikitd")) as conn:
            conn.autocommit = False
            with conn.cursor() as newer:
                newer.execute("""
                    ALTER TABLE events ADD COLUMN next_year text;
                    CREATE TABLE of_next_year (id bigint PRIMARY KEY);
                    INSERT INTO migrations (number, taken_by, usable_from)
                    SELECT max(number) + 1, '9.9.9', 1 FROM migrations""")
            conn.commit()
        b.restart()
        received(b.deliver(SMALL))
    finally:
        stop.set()
        sender.join()
    assert set(answers) == {200}
    until(lambda: jobs(b, "ready") + jobs(b, "waiting") + jobs(b, "running"),
          0)
    # Once it is too new for this version, that says so.
    postgres("UPDATE migrations SET usable_from = number")
    b.stop()
    b.do("events", expect=1)
    assert "written by a newer klikitd" in b.said
