"""klikitd order ID accept: klikit gets it, once and in order, or it is seen
why not."""

import json

import pytest

from conftest import received, run
from fake_klikit import FakeKlikit, order
from load import order_body

TYPE = "klikitd.order.status.requested"
JOBS = """SELECT j.state, j.outcome FROM jobs j JOIN handlers h
    ON h.id = j.handler WHERE h.name = 'api' ORDER BY j.id"""
DETAILS = """SELECT a.detail FROM attempts a JOIN jobs j ON j.id = a.job
    JOIN handlers h ON h.id = j.handler WHERE h.name = 'api'
    ORDER BY a.job, a.number"""


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    one = FakeKlikit(tmp_path_factory.mktemp("klikit"))
    yield one
    one.stop()


@pytest.fixture
def klikit(far):
    far.forget()
    return far


def config(tmp_path, klikit, more="", credentials="test-key:test-secret"):
    (tmp_path / "api").write_text(credentials)
    return (f"[handler orders]\ntype = orders\n"
            f"[handler api]\ntype = klikit\n"
            f"url = {klikit.url}/v1/partner\n"
            f"credentials_file = {tmp_path}/api\n"
            f"retry = 100ms\n{more}")


def box(klikitd, tmp_path, klikit, *numbers, **options):
    """A server that has these orders, as klikit has them."""
    klikit.put(*(order(number) for number in numbers))
    server = klikitd(config=config(tmp_path, klikit, **options))
    for number in numbers:
        received(server.post(order_body(number)))
    server.wait_processed()
    return server


def arrived(klikit):
    """What klikit was asked to change: the order, the status, the answer."""
    return [(one["uri"].split("/")[-2], json.loads(one["body"])["status"],
             one["answer"])
            for one in klikit.requests() if one["method"] == "PATCH"]


def doctor(server):
    done = run("doctor", "-c", server.config,
               env={"KLIKIT_WEBHOOK_SECRET": server.secret.decode()})
    return done.stdout.decode()


def send(server, number, **body):
    return server.ask("POST", f"/api/v1/orders/{number}/status", body)


@pytest.mark.both
def test_klikit_gets_it_once(klikitd, tmp_path, klikit):
    server = box(klikitd, tmp_path, klikit, 51, 52)
    said = server.do("order", "51", "accept")
    assert "order 51: accept is asked for: event klikitd.order.status/" in said
    assert "api: done: done: request_id req_" in said
    status, _, answer = send(server, 51, status="ready", by="the POS",
                             key="once")
    assert status == 200 and answer["asked_before"] is False
    again = send(server, 51, status="ready", by="the POS", key="once")[2]
    assert again == {**answer, "asked_before": True}
    send(server, 52, status="reject", reason_code="kitchen_closed", note="é")
    server.wait_query(JOBS.replace("j.state, j.outcome", "count(*)").replace(
        "ORDER BY j.id", "AND j.state = 'done'"), [(3,)])
    assert sorted(arrived(klikit)) == [("51", "accepted", 200),
                                    ("51", "ready", 200),
                                    ("52", "rejected", 200)]
    assert {number: one["status"] for number, one in klikit.orders().items()
            } == {51: 4, 52: 3}
    keys = [one["key"] for one in klikit.requests()]
    assert len(set(keys)) == 3 and max(map(len, keys)) <= 64
    sent, = [json.loads(one["body"]) for one in klikit.requests()
             if "/52/" in one["uri"]]
    assert sent.pop("occurred_at").endswith("Z")
    assert sent == {"status": "rejected", "reason_code": "kitchen_closed",
                    "note": "é"}
    assert all(one.startswith("request_id req_")
               for one, in server.query(DETAILS))
    assert server.query(f"SELECT DISTINCT origin, brand, branch FROM events "
                        f"WHERE type = '{TYPE}'") == [("internal", "1", "2")]
    server.wait_log("order 51: ready is asked for by the POS: event klikitd")
    server.wait_log("asks for /api/v1/orders/51/status")


def test_a_retry_has_the_same_key_and_the_same_body(klikitd, tmp_path, klikit):
    """An answer of 500, one that is lost, a portal's page, and a restart in
    between: klikit has it once."""
    server = box(klikitd, tmp_path, klikit, 51)
    server.expect("retry in", "failed in a row")
    klikit.faults({"what": "status", "status": 500, "on": "status"},
                  {"what": "html", "on": "status"},
                  {"what": "lost", "on": "status"},
                  {"what": "status", "status": 503, "times": 0})
    before = len(klikit.lines())
    send(server, 51, status="accept")
    klikit.wait_lines(before + 4)
    server.kill()
    klikit.faults()
    server.start()
    server.wait_query(JOBS, [("done", "done")])
    requests = klikit.requests()
    assert len({(one["key"], one["body"]) for one in requests}) == 1
    answers = [one["answer"] for one in requests]
    assert answers[:4] == [500, 200, 0, 503] and answers[-1] == 200
    assert klikit.orders()[51]["status"] == 2
    assert [one for one, in server.query(
        "SELECT outcome FROM attempts ORDER BY job, number")
        if "JSON" in one] == [
        "api answered 200: but not in JSON: that was not klikit"]


@pytest.mark.once
def test_what_klikit_refuses_is_dead_and_says_why(klikitd, tmp_path, klikit):
    server = box(klikitd, tmp_path, klikit, 51)
    server.expect("dead: event klikitd.order.status/.*: api answered 409: the "
                  "order cannot go there")
    said = server.do("order", "51", "picked-up", expect=1)
    assert ("api: not done: api answered 409: the order cannot go there from "
            "where it is: state_invalid_transition: ") in said
    assert "; request_id req_" in said
    assert arrived(klikit) == [("51", "picked_up", 409)]


@pytest.mark.once
def test_orders_go_on_side_by_side_and_each_in_turn(klikitd, tmp_path, klikit):
    server = box(klikitd, tmp_path, klikit, 51, 52)
    server.expect("retry in", "failed in a row")
    klikit.faults({"what": "status", "status": 500, "on": "status"})
    send(server, 51, status="accept")
    send(server, 51, status="ready")
    send(server, 52, status="accept")
    server.wait_query(JOBS, [("done", "done")] * 3)
    assert [one[:2] for one in arrived(klikit) if one[0] == "51" and
            one[2] == 200] == [("51", "accepted"), ("51", "ready")]
    assert ("52", "accepted", 200) in arrived(klikit)


@pytest.mark.once
def test_wrong_credentials_pause_and_doctor_says_so(klikitd, tmp_path, klikit):
    server = box(klikitd, tmp_path, klikit, 51,
                 credentials="test-key:old-secret")
    server.expect("retry in", "handler api: paused: api answered 401: the "
                  "credentials are wrong")
    assert "klikit refuses the credentials: 401" in doctor(server)
    send(server, 51, status="accept")
    server.wait_log("handler api: paused")
    (tmp_path / "api").write_text("test-key:test-secret")
    server.reload()
    assert "klikit takes the credentials" in doctor(server)
    server.do("resume", "api")
    server.wait_query(JOBS, [("done", "done")])
    assert [one[2] for one in arrived(klikit)] == [401, 200]
    log = server.final_log()
    assert "old-secret" not in log and "test-secret" not in log


@pytest.mark.once
def test_a_bearer_token_and_other_words(klikitd, tmp_path, klikit):
    server = box(klikitd, tmp_path, klikit, 51, credentials="test-token",
                 more="auth = bearer\noccurred_at = omit\n"
                      "statuses = kochen: accepted\n")
    assert server.ask("GET", "/api/v1/orders/51/status")[2] == {
        "order": "51", "statuses": [{"word": "kochen", "status": "accepted"}]}
    assert server.do("order", "51") == (
        "word    what klikit gets\nkochen  accepted\n")
    assert "api: done" in server.do("order", "51", "kochen")
    request, = klikit.requests()
    assert request["auth"] == "bearer"
    assert json.loads(request["body"]) == {"status": "accepted"}
    server.do("order", "51", "ready", expect=1)
    assert "can send klikit that status; there is: kochen" in server.said


@pytest.mark.once
def test_what_cannot_be_asked_for(klikitd, tmp_path, klikit):
    server = box(klikitd, tmp_path, klikit, 51, more="brands = 7\n")
    for number, body, want, reason in (
            (51, {"status": "fry"}, 400, "accept, ready"),
            (51, {}, 400, "status"), (51, {"status": 2}, 400, "status"),
            (51, {"status": "accept", "colour": "red"}, 400, "status"),
            (51, {"status": "accept", "key": "k" * 65}, 400, "key"),
            (99, {"status": "accept"}, 404, "there is no order 99"),
            (51, {"status": "accept"}, 409, "this order's brand")):
        status, _, answer = send(server, number, **body)
        assert (status, reason in answer["error"]) == (want, True), answer
    assert server.ask("GET", "/api/v1/orders/51/status")[2] == {
        "order": "51", "statuses": []}
    assert server.ask("GET", "/api/v1/orders/99/status")[0] == 404
    server.do("order", "51", expect=1)
    assert "no handler of type klikit for this order's brand" in server.said
    server.do("order", "99", expect=1)
    assert "no order 99" in server.said
    server.stop()
    server.do("order", "51", expect=1)
    assert "no klikitd that serves" in server.said
    server.do("order", "51", "accept", expect=1)
    assert "no klikitd that serves from this store runs here" in server.said
    assert arrived(klikit) == []


@pytest.mark.once
def test_off_unless_configured_and_not_without_the_token(klikitd, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-of-the-tests")
    server = klikitd(config=f"[admin]\nlisten = 127.0.0.1:0\n"
                            f"token_file = {token}\n"
                            f"[handler orders]\ntype = orders\n")
    server.expect("Unauthorized /api/v1/orders/51/status")
    received(server.post(order_body(51)))
    assert send(server, 51, status="accept")[0] == 401
    status, _, answer = server.ask(
        "POST", "/api/v1/orders/51/status", {"status": "accept"},
        {"Authorization": "Bearer a-token-of-the-tests"})
    assert status == 409 and "no handler of type klikit" in answer["error"]


@pytest.mark.once
def test_what_is_wrong_with_its_section(klikitd, tmp_path):
    (tmp_path / "api").write_text("a token")
    server = klikitd(start=False, config=f"""[handler api]
type = klikit
url = http://127.0.0.1:1/v1/partner?x=1
credentials_file = {tmp_path}/api
statuses = accept, ready: ready
path = /orders/status
""")
    server.do("check-config", expect=1)
    for part in ("without a query", "is not one line without blanks",
                 "item 1 is not WORD: STATUS", "has no {order}"):
        assert part in server.said, server.said
