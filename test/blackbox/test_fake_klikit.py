"""klikitd sink --klikit-api: does the fake do what klikit's documents say?"""

import http.client
import json

import pytest

from conftest import run
from fake_klikit import BEARER, PATH, FakeKlikit, order

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = FakeKlikit(tmp_path_factory.mktemp("fake"))
    yield one
    one.stop()


@pytest.fixture
def fake(server):
    server.forget()
    return server


def ids(document):
    return [one["id"] for one in document["data"]["orders"]]


# -- Lists --


def test_pages(fake):
    fake.put(*(order(n) for n in range(1, 8)))
    status, _, first = fake.list("?page=1&size=3")
    assert status == 200 and ids(first) == [7, 6, 5]
    assert first["request_id"]
    assert {name: first["data"][name] for name in ("page", "size", "total")
            } == {"page": 1, "size": 3, "total": 7}
    assert ids(fake.list("?page=3&size=3")[2]) == [1]
    assert ids(fake.list("?page=4&size=3")[2]) == []
    assert ids(fake.list()[2]) == [7, 6, 5, 4, 3, 2, 1]


def test_cursors(fake):
    fake.put(*(order(n) for n in range(1, 6)))
    seen, query = [], "?limit=2"
    while query is not None:
        status, headers, document = fake.list(query, BEARER)
        assert status == 200 and document["request_id"]
        seen += [one["id"] for one in document["data"]]
        cursor = headers["X-Klikit-Next-Cursor"]
        query = cursor and f"?limit=2&cursor={cursor}"
        if len(seen) == 2:
            fake.put(order(9))  # newer: it shifts nothing here
    assert seen == [5, 4, 3, 2, 1]
    assert fake.list("?cursor=none", BEARER)[0] == 400


@pytest.mark.parametrize("query,want", [
    ("?from=2024-06-25T09:02:00Z&to=2024-06-25T09:04:00Z", [3, 2]),
    ("?status=2", [2]), ("?status=accepted,placed", [4, 2, 1]),
    ("?provider_id=6", [3]), ("?brand_id=10&branch_id=7", [4]),
])
def test_filters(fake, query, want):
    fake.put(order(1), order(2, 2), order(3, 4, provider_id=6),
             order(4, branch_id=7, brands=[{"id": 10}]))
    since = "" if "from" in query else "&from=2024-06-25T00:00:00Z" \
        "&to=2024-06-26T00:00:00Z"
    assert ids(fake.list(query + since)[2]) == want


@pytest.mark.parametrize("query,code", [
    ("?from=2024-01-01T00:00:00Z&to=2024-06-01T00:00:00Z",
     "request_invalid_range"),
    ("?from=yesterday", "request_invalid"), ("?size=101", "request_invalid"),
    ("?page=0", "request_invalid"), ("?branch_id=7", "request_invalid"),
])
def test_what_a_list_refuses(fake, query, code):
    status, _, document = fake.list(query)
    assert status == 400 and document["error"]["code"] == code
    assert document["request_id"]


def test_credentials(fake):
    for auth, code in ((None, "auth_missing"),
                       ("Basic eDp5", "auth_invalid_credential"),
                       ("Bearer other", "auth_invalid_credential")):
        status, _, body = fake.ask(
            "GET", PATH, headers={} if auth is None
            else {"Authorization": auth})
        assert status == 401 and json.loads(body)["error"]["code"] == code
    try:
        fake.control("PUT", "credentials",
                     {"key": "k", "secret": "s", "token": "t"})
        assert fake.list()[0] == 401
        assert fake.list(auth="Bearer t")[0] == 200
    finally:
        fake.control("PUT", "credentials", {
            "key": "test-key", "secret": "test-secret",
            "token": "test-token"})


def test_one_order(fake):
    fake.put(order(5, note="no ice"))
    assert fake.list("/5")[2]["data"]["note"] == "no ice"
    assert fake.list("/6")[0] == 404
    assert fake.list("/5/else")[0] == 404


# -- Status --


def test_an_order_moves_on(fake):
    fake.put(order(5))
    status, first = fake.patch(5, {"status": "accepted"}, "k1")
    assert status == 200 and first["request_id"]
    assert first["data"]["id"] == "5"
    assert first["data"]["status"] == "accepted"
    now = fake.orders()[5]
    assert now["status"] == 2
    assert now["updated_at"] == first["data"]["updated_at"]
    assert now["updated_at"] > order(5)["updated_at"]
    assert fake.patch(5, {"status": "accepted"}, "k1") == (200, first)
    status, other = fake.patch(5, {"status": "ready"}, "k1")
    assert status == 409
    assert other["error"]["code"] == "state_idempotency_conflict"
    status, other = fake.patch(5, {"status": "accepted"}, "k2")
    assert status == 409
    assert other["error"]["code"] == "state_invalid_transition"
    assert fake.patch(5, {"status": "ready"}, "k3")[0] == 200
    assert fake.patch(5, {"status": "picked_up"}, "k4", BEARER)[0] == 200
    assert fake.orders()[5]["status"] == 9


@pytest.mark.parametrize("number,body,key,want", [
    (5, {"status": "accepted"}, None, 400),
    (5, {"status": "accepted"}, "k" * 65, 400),
    (5, {"status": "delivered"}, "k", 400), (5, [], "k", 400),
    (5, {"status": "rejected"}, "k", 422),
    (6, {"status": "accepted"}, "k", 404),
    (5, {"status": "rejected", "reason_code": "kitchen_closed"}, "k" * 64,
     200),
])
def test_what_a_change_needs(fake, number, body, key, want):
    fake.put(order(5))
    status, answer = fake.patch(number, body, key)
    assert status == want and answer["request_id"]
    assert fake.orders()[5]["status"] == (3 if want == 200 else 1)


# -- Faults --


def test_faults_of_a_list(fake):
    fake.put(*(order(n) for n in range(1, 6)))
    fake.faults(
        {"what": "status", "status": 429, "retry_after": 7, "times": 2},
        {"what": "status", "status": 503, "on": "status"},
        {"what": "html", "on": "list"}, {"what": "empty", "on": "list"},
        {"what": "size", "size": 2}, {"what": "slow", "delay_ms": 1})
    for _ in range(2):
        status, headers, document = fake.list()
        assert (status, headers["Retry-After"]) == (429, "7")
        assert document["error"]["code"] == "rate_limited"
    status, headers, body = fake.ask("GET", PATH)
    assert (status, headers["Content-Type"]) == (200, "text/html")
    assert body.startswith(b"<!doctype html>")
    assert fake.list("?page=1")[2]["data"] == {
        "orders": [], "page": 1, "size": 20, "total": 5}
    _, _, page = fake.list("?page=2&size=4")
    assert ids(page) == [3, 2] and page["data"]["size"] == 2
    assert len(ids(fake.list()[2])) == 5
    assert fake.control("GET", "faults") == [
        {"what": "status", "status": 503, "on": "status"}]
    assert fake.patch(5, {"status": "accepted"}, "fault")[0] == 503
    assert fake.patch(5, {"status": "accepted"}, "fault")[0] == 200


def test_answers_that_never_come(fake):
    fake.put(order(5))
    fake.faults({"what": "drop"}, {"what": "lost"})
    for status in (1, 2):
        with pytest.raises((http.client.RemoteDisconnected,
                            ConnectionResetError)):
            fake.patch(5, {"status": "accepted"}, "lost")
        assert fake.orders()[5]["status"] == status
    assert fake.patch(5, {"status": "accepted"}, "lost")[0] == 200
    assert [(one["method"], one["key"], one["answer"], one["auth"])
            for one in fake.requests()] == [
        ("PATCH", "lost", 0, "no"), ("PATCH", "lost", 0, "basic"),
        ("PATCH", "lost", 200, "basic")]


@pytest.mark.parametrize("what,value", [
    ("orders", {}), ("orders", [{"status": 1}]), ("faults", [{"what": "rain"}]),
    ("faults", [{"what": "status", "status": 200}]), ("requests", []),
    ("credentials", {"key": "k"}), ("weather", 1),
])
def test_what_cannot_be_put(fake, what, value):
    status, _, body = fake.ask("PUT", "/fake/" + what, json.dumps(value))
    assert status == 400 and json.loads(body)["error"]


def test_its_log_has_klikits_requests_only(fake):
    before = len(fake.lines())
    fake.put(order(5))
    fake.patch(5, {"status": "accepted"}, "logged")
    line, = fake.lines()[before:]
    assert (line["method"], line["path"], line["key"], line["answer"]) == (
        "PATCH", PATH + "/5/status", "logged", 200)


def test_it_fails_as_any_sink(tmp_path):
    one = FakeKlikit(tmp_path, "--fail", "100%")
    one.put(order(5))
    status, _, body = one.ask("GET", PATH)
    assert status == 503 and json.loads(body) == {"error": "refused"}
    one.stop()
    assert run("sink", "--klikit-api", "--status", "500").returncode == 2
