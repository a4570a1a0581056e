"""Lists that are asked for what is rare: found wherever it is, a part at a
time, and never by reading a whole table."""

import json
import sqlite3
import urllib.parse

import pytest

from conftest import payload, received

pytestmark = pytest.mark.once

OLD = 30000  # events between the first and the newest


def fill(server):
    """Many events between what is there and what comes."""
    server.stop()
    with sqlite3.connect(server.database) as store:
        store.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            " WHERE i < ?) INSERT INTO events (event_id, type, peer,"
            " received_at, body_size) SELECT 'fill-' || i, 'filling', 'p',"
            " 1750000000000 + i, 0 FROM n", (OLD,))
    store.close()
    server.start()


def ask(server, query):
    status, _, answer = server.ask(
        "GET", "/api/v1/events?" + urllib.parse.urlencode(query))
    assert status == 200
    return answer


def find(server, **query):
    """The ids on all pages, and how many pages there were."""
    ids, pages = [], 0
    while True:
        page = ask(server, query)
        ids += [event["event_id"] for event in page["events"]]
        pages += 1
        assert page["scanned"] <= 50000
        if page["next"] is None:
            return ids, pages
        query["before"] = page["next"]


def order(number, external):
    return json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": number, "external_id": external, "status": 1}]}).encode()


@pytest.mark.sqlite("its file is filled by hand")
def test_what_is_old_and_rare_is_found(klikitd):
    server = klikitd()
    received(server.post(order(7585307, "ABC-123"), "first"))
    server.wait_processed()
    fill(server)
    received(server.post(payload("created-small.json"), "newest"))
    server.wait_processed()
    # By what an index has: at once.
    assert ask(server, {"q": "7585307"})["events"][0]["event_id"] == "first"
    assert ask(server, {"q": "75853"})["events"][0]["event_id"] == "first"
    assert ask(server, {"q": "firs"})["events"][0]["event_id"] == "first"
    # A part at a time: each is looked at, and found once.
    assert find(server, q="c-12") == (["first"], 1)
    assert find(server, handler="orders") == (["newest", "first"], 4)
    assert find(server, handler="nobody") == ([], 4)
    assert find(server, type="none") == ([], 1)
    assert find(server, type="filling", q="fill-2999")[0] == [
        f"fill-{i}" for i in (*range(29999, 29989, -1), 2999)]
    # A time, in ms or in words.
    ids, pages = find(server, since="1750000000010", until="1750000000012")
    assert (ids, pages) == (["fill-11", "fill-10"], 1)
    assert find(server, until="2025-06-15T15:06:40.002Z") == (["fill-1"], 1)
    for wrong in ("17", "yesterday", "1e12"):
        assert server.ask("GET", f"/api/v1/events?since={wrong}")[0] == 400


def test_jobs_of_an_event_and_an_order(klikitd):
    server = klikitd()
    received(server.post(order(1, "A"), "e1"))
    received(server.post(order(2, "B"), "e2"))
    server.wait_processed()
    for query, n in (("event=e1&order=1", 1), ("event=e1&order=2", 0),
                     ("event=e1", 1), ("order=2", 1)):
        status, _, answer = server.ask("GET", f"/api/v1/jobs?{query}")
        assert (status, len(answer["jobs"])) == (200, n), query
        assert answer["next"] is None
