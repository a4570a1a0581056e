"""Which version of an order stays: when times are equal, lack a zone or are
not there, and when events are processed in another order than they came."""

import itertools
import json

import pytest

from conftest import CART, CREATED, STATUS, received

pytestmark = [pytest.mark.once, pytest.mark.both]

NOON = "2026-06-25T12:00:00Z"


def event(order, status, updated_at, note=""):
    fields = {"id": order, "status": status, "note": note}
    if updated_at is not None:
        fields["updated_at"] = updated_at
    return json.dumps({"brand_id": 910, "branch_id": 2041,
                       "orders": [fields]}).encode()


def ends_of(server, versions):
    """The status in which an order ends, for each order of arrival.

    versions: (type, status, updated_at) each.
    """
    connection = server.connect()
    for number, arrival in enumerate(itertools.permutations(versions), 1):
        for type, status, updated_at in arrival:
            received(server.post(event(number, status, updated_at), type=type,
                                 connection=connection))
    connection.close()
    server.wait_processed()
    return {row[0] for row in server.query("SELECT status FROM orders")}


CASES = {
    "four states in a second": (
        [(CREATED, 1, NOON), (STATUS, 2, NOON), (STATUS, 4, NOON),
         (STATUS, 5, NOON)], "5"),
    "codes of two digits": (
        [(CREATED, 2, NOON), (STATUS, 9, NOON), (STATUS, 10, NOON),
         (STATUS, 100, NOON)], "9"),  # 9 ends an order
    "cancelled in that second": (
        [(CREATED, 1, NOON), (STATUS, 2, NOON), (STATUS, 3, NOON),
         (STATUS, 4, NOON)], "3"),
    "terminal, then not": (
        [(CREATED, 1, NOON), (STATUS, 3, NOON),
         (STATUS, 2, "2026-06-25T12:00:00.001Z")], "2"),
    "no times": (
        [(CREATED, 1, None), (STATUS, 2, None), (STATUS, 4, None)], "4"),
    "unreadable times": (
        [(CREATED, 1, "soon"), (STATUS, 2, "25/06/2026"),
         (STATUS, 4, "1782388800")], "4"),
    "further, but without a time": (
        [(CREATED, 1, NOON), (STATUS, 2, NOON), (STATUS, 4, None),
         (STATUS, 3, "never")], "2"),
    "status over created": (
        [(CREATED, 2, NOON), (STATUS, 2, NOON), (CART, 9, NOON)], "2"),
}


@pytest.mark.parametrize("versions,end", CASES.values(), ids=CASES.keys())
def test_what_the_events_say_counts(server, versions, end):
    assert ends_of(server, versions) == {end}


def test_a_time_without_a_zone_is_utc(server):
    server.expect("has no time zone")
    versions = [(CREATED, 1, "2026-06-25T12:00:00"),
                (STATUS, 2, "2026-06-25 12:00:02.5"),
                (STATUS, 4, "2026-06-25T12:00:01Z"),
                (STATUS, 1, "2026-06-25T12:00:03")]
    assert ends_of(server, versions) == {"1"}
    assert server.final_log().count("has no time zone") == 1


def test_times_without_a_zone_are_warned_of_once_for_each_secret(
        klikitd, tmp_path):
    (tmp_path / "other").write_text("another secret")
    server = klikitd(config=f"[secret other]\nfile = {tmp_path}/other\n")
    server.expect("has no time zone")
    body = event(1, 1, "2026-06-25T12:00:00")
    for secret in (server.secret, b"another secret", server.secret):
        server.secret = secret
        received(server.post(body))
    lines = [l for l in server.final_log().splitlines()
             if "has no time zone" in l]
    assert len(lines) == 2, lines
    assert "secret default" in lines[0] and "secret other" in lines[1]


def test_where_the_events_say_nothing_the_last_to_arrive_stays(server):
    """Also when it is processed first: here the first one comes again."""
    def notes():
        server.wait_processed()
        return {json.loads(document)["note"] for (document,) in server.query(
            "SELECT document FROM order_documents")}

    for order in range(12):
        for note in ("first", "last"):
            received(server.post(event(order, 2, NOON, note),
                                 f"{note} {order}", type=STATUS))
            assert notes() <= {"last", note}
    assert notes() == {"last"}
    for order in range(12):
        server.do("replay", f"first {order}")
    assert notes() == {"last"}
    server.restart()
    server.do("replay", "first 0")
    assert notes() == {"last"}


def test_arrival_survives_a_restart_before_it_was_processed(klikitd):
    server = klikitd()
    server.do("pause", "orders")
    for note in ("first", "last"):
        received(server.post(event(7, 2, NOON, note), type=STATUS))
    server.restart()
    received(server.post(event(8, 2, NOON, "other"), type=STATUS))
    server.do("resume", "orders")
    server.wait_processed()
    ((document,),) = server.query(
        "SELECT document FROM order_documents WHERE order_id = '7'")
    assert json.loads(document)["note"] == "last"


def test_the_order_of_codes_is_configurable(klikitd):
    versions = [(CREATED, 1, NOON), (STATUS, 4, NOON), (STATUS, 5, NOON),
                (STATUS, 77, NOON)]
    server = klikitd(config="[status]\norder = 1, 2, 5, 4\n")
    assert ends_of(server, versions) == {"4"}


def test_a_new_order_of_codes_applies_to_what_comes_then(klikitd):
    server = klikitd(config="[status]\norder = 4, 5\n")
    received(server.post(event(1, 5, NOON), type=STATUS))
    server.wait_processed()
    server.write_config("[status]\norder = 1, 2, 6, 5, 4\n")
    server.reload()
    received(server.post(event(1, 6, NOON), type=STATUS))
    server.wait_processed()
    assert server.query("SELECT status FROM orders") == [("6",)]


def test_the_status_section_is_checked(klikitd):
    server = klikitd(start=False, config="[status]\norder = 1, 2, 1\n")
    server.do("check-config", expect=1)
    assert "status.order: 1 is listed twice" in server.said
    server.write_config("[status]\n5 = ready\n")
    server.do("check-config", expect=1)
    assert "unknown key" in server.said
