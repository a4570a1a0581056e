"""The orders and carts that people read, whatever the order of arrival."""

import itertools
import json

import pytest

from conftest import CART, CREATED, STATUS, payload, received

pytestmark = [pytest.mark.once, pytest.mark.both]

ORDER = "9100001"


def version(status, updated_at, cart):
    order = {"id": int(ORDER), "external_id": "GF-1", "status": status,
             "cart": cart}
    if updated_at is not None:
        order["updated_at"] = updated_at
    return json.dumps({"brand_id": 910, "branch_id": 2041,
                       "orders": [order]}).encode()


CASES = {
    "apart": ["2026-06-25T09:00:00Z", "2026-06-25T09:10:00Z",
              "2026-06-25T09:05:00Z", "2026-06-25T08:59:00Z"],
    "equal": ["2026-06-25T09:00:00Z"] * 4,
    "written differently": [
        "2026-06-25T09:00:00Z", "2026-06-25T16:00:00+07:00",
        "2026-06-25 09:00:00.000Z", "2026-06-25T04:00:00-05:00"],
    "missing": [None, "2026-06-25T09:10:00Z", None, None],
}


@pytest.mark.parametrize("times", CASES.values(), ids=CASES.keys())
def test_every_order_of_arrival_ends_in_the_same_rows(klikitd, times):
    deliveries = [
        (CREATED, version(1, times[0], ["soup"])),
        (STATUS, version(4, times[1], ["soup"])),
        (CART, version(1, times[2], ["soup", "tea"])),
        (CREATED, version(2, times[3], ["late"])),
    ]
    ends = set()
    for number, arrival in enumerate(itertools.permutations(deliveries)):
        server = klikitd()
        for type, body in arrival:
            received(server.post(body, type=type))
        server.wait_processed()
        ends.add(repr((
            server.query("SELECT order_id, brand, branch, external_id, "
                         "status, updated_at, document FROM order_documents"),
            server.query("SELECT order_id, document FROM cart_documents"))))
        server.stop()
    assert len(ends) == 1, ends


def test_a_batch_makes_a_row_for_each_order(server):
    received(server.post(payload("created-batch-5.json")))
    server.wait_processed()
    orders = json.loads(payload("created-batch-5.json"))["orders"]
    assert server.query(
        "SELECT order_id, external_id, status FROM orders ORDER BY 1") == (
            sorted((str(o["id"]), o["external_id"], str(o["status"]))
                   for o in orders))
    assert server.query("SELECT count(*) FROM carts") == [(5,)]


def test_numbers_keep_their_digits(server):
    received(server.post(payload("roundtrip-traps.json"), "trap"))
    server.wait_processed()
    ((order_id, document),) = server.query(
        "SELECT order_id, document FROM order_documents")
    assert order_id == "9007199254740993"
    for digits in ('"final_price": 84.50', '"delivery_fee": 1.20e1',
                   '"ratio": -0', '"big": 1E3'):
        assert digits.replace(" ", "") in document.replace(" ", "")


def test_a_status_for_an_unknown_order_makes_it(server):
    received(server.post(payload("status-updated-ready.json"), type=STATUS))
    server.wait_processed()
    assert server.query("SELECT status FROM orders") == [("4",)]
    assert server.query("SELECT count(*) FROM carts") == [(0,)]


def test_a_late_created_event_does_not_undo_a_status(server):
    received(server.post(payload("status-updated-ready.json"), type=STATUS))
    received(server.post(payload("created-typical.json"), type=CREATED))
    server.wait_processed()
    assert server.query("SELECT status FROM orders") == [("4",)]
    assert server.query("SELECT count(*) FROM carts") == [(1,)]
