"""Customers' data goes when it should, wholly, and not before."""

import json

from conftest import duplicate, received

NAME, PHONE = b"Zora-Canary-Quill", b"+62-811-555-0199-77"
CONFIG = """[http]
listen = 127.0.0.1:0
[handler echo]
type = exec
command = /bin/cat
[handler orders]
type = orders
"""


def body(order):
    return json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": order, "status": 1, "customer": {
            "name": NAME.decode(), "phone": PHONE.decode()}}]}).encode()


def traces(server):
    """The files around the store, and the log, that hold a canary."""
    found = [path.name for path in server.directory.iterdir()
             if path.is_file() and any(
                 canary in path.read_bytes() for canary in (NAME, PHONE))]
    if any(c.decode() in server.log() for c in (NAME, PHONE)):
        found.append("log")
    return found


def stranger(server):
    """A refused delivery whose beginning is kept as a rejection."""
    assert server.post(body(9), "refused", signature="0" * 64)[0] == 401
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])


def test_a_purge_leaves_no_trace(klikitd):
    server = klikitd(config=CONFIG)
    server.expect("signature")
    received(server.post(body(1), "one"))
    stranger(server)
    server.wait_processed()
    assert NAME in server.query("SELECT answer FROM attempts")[0][0]
    assert traces(server)

    server.do("purge", "--older-than", "1ms")
    assert traces(server) == []
    assert server.query("SELECT purged_at IS NOT NULL FROM events") == [(1,)]
    duplicate(server.post(body(1), "one"))
    assert server.query("SELECT document FROM order_documents") == [(None,)]

    server.do("backup", str(server.directory / "later.db"))
    assert traces(server) == []
    server.restart()
    assert traces(server) == []


def test_one_order_can_be_purged_alone(klikitd):
    server = klikitd(config=CONFIG)
    received(server.post(body(1), "one"))
    received(server.post(body(2), "two"))
    server.wait_processed()
    server.do("purge", "--order", "1")
    assert server.query("SELECT e.event_id FROM bodies b JOIN events e ON "
                        "e.id = b.event") == [("two",)]
    assert server.query(
        "SELECT e.event_id FROM attempts a JOIN jobs j ON j.id = a.job JOIN "
        "events e ON e.id = j.event WHERE a.answer IS NOT NULL") == [("two",)]


def test_what_is_not_finished_is_not_purged(klikitd):
    server = klikitd(config=CONFIG.replace("/bin/cat",
                                           "/bin/sh -c \"exit 75\""))
    server.expect("retry in")
    received(server.post(body(1), "one"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'waiting'",
                      [(1,)])
    server.do("purge", "--older-than", "1ms")
    assert server.query("SELECT count(*) FROM bodies") == [(1,)]
    server.do("purge", "--order", "1", expect=1)
    assert "order 1 has jobs that are not finished" in server.said
    assert server.query("SELECT count(*) FROM bodies") == [(1,)]
    server.do("discard", "1", "--reason", "the customer wants it gone")
    server.do("purge", "--order", "1")
    assert server.query("SELECT count(*) FROM bodies") == [(0,)]


def test_a_backup_while_serving_is_a_store_of_its_own(klikitd, tmp_path):
    server = klikitd(config=CONFIG)
    for number in range(20):
        received(server.post(body(number), f"e{number}"))
    server.wait_processed()
    home = tmp_path / "copy"
    home.mkdir()
    server.do("backup", str(home / "klikitd.db"))
    assert (home / "klikitd.db").stat().st_mode & 0o777 == 0o600
    received(server.post(body(99), "after"))
    server.wait_processed()
    other = klikitd(directory=home, config=CONFIG)
    for number in range(20):
        duplicate(other.post(body(number), f"e{number}"))
    received(other.post(body(99), "after"))
    other.wait_processed()
