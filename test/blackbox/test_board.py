"""The board: open orders, the oldest first, what they are and who has them."""

import json
import time

import pytest

from conftest import STATUS, payload, received
from test_outlets import alarm, sink  # noqa: F401 (a fixture)

pytestmark = pytest.mark.once
NAMES = "[status]\nnames = 1 placed, 2 in the kitchen\n"


def at(ago_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


def order(number, placed_at, status=1):
    whole = json.loads(payload("created-typical.json"))
    whole["orders"][0].update(id=number, placed_at=placed_at, status=status,
                              updated_at=at(0))
    return json.dumps(whole).encode()


def board(server, query=""):
    status, _, answer = server.ask("GET", "/api/v1/board" + query)
    assert status == 200, answer
    return answer


def test_what_a_kitchen_asks(klikitd):
    server = klikitd(config=NAMES)
    placed = at(300)
    received(server.post(order(7, placed), "first"))
    received(server.post(order(5, "2020-01-01T00:00:00Z"), "second"))
    received(server.post(order(6, at(0), 3), "third", STATUS))
    server.wait_processed()
    answer = board(server)
    one, two = answer["orders"]
    assert (one["order_id"], two["order_id"]) == ("7", "5")
    assert one["placed_at"] == placed.replace("Z", ".000Z")
    assert one["placed_by"] == "order" and two["placed_by"] == "received"
    assert one["status_name"] == "placed" and one["recorded"]
    assert one["amber_at"] < one["red_at"]
    assert one["total"] == "200480" and one["currency"] == "IDR"
    assert one["channel"] == "grabfood" and one["kind"] == "delivery"
    assert [(i["quantity"], i["title"]) for i in one["items"]] == [
        ("2", "Nasi Goreng Kampung"), ("1", "Sate Ayam Madura (10 tusuk)"),
        ("2", "Es Teh Manis")]
    assert one["items"][0]["options"] == ["Sedang", "Telur ceplok",
                                          "Kerupuk udang"]
    assert answer["open"] == 2 and answer["next"] is None
    assert {c["status"]: (c["orders"], c["terminal"])
            for c in answer["counts"]} == {"1": (2, False), "3": (1, True)}

    page = board(server, "?limit=1")
    assert [o["order_id"] for o in page["orders"]] == ["7"]
    page = board(server, f"?limit=1&after={page['next']}")
    assert [o["order_id"] for o in page["orders"]] == ["5"]
    assert board(server, "?branch=1")["orders"] == []
    # A reload gives the codes other names, at once and everywhere.
    server.write_config("[status]\nnames = 1 new\n")
    server.reload()
    assert board(server)["orders"][0]["status_name"] == "new"
    _, _, status = server.ask("GET", "/api/v1/status")
    assert status["status_names"] == {"1": "new"}
    assert "1 new" in server.do("orders")


def test_what_is_stuck_is_there(klikitd, sink, tmp_path):
    pos = sink("--status", "422")
    server = klikitd(config=alarm(tmp_path, pos.url, "20h"))
    server.expect("dead")
    received(server.post(order(7, at(60)), "first"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'dead'",
                      [(1,)])
    (one,) = board(server)["orders"]
    # No orders handler is configured: nothing has recorded it.
    assert not one["recorded"] and one["dead"] == ["pos"]
    assert one["red_at"] <= at(0) and one["status"] == "1"
    assert one["items_total"] == 3


def test_a_name_needs_its_code(klikitd):
    server = klikitd(start=False, config="[status]\nnames = placed\n")
    assert "no code with its name" in server.do("check-config", expect=1) + \
        server.said
