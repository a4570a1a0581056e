"""Lists: the verbs print what the API answers, with a server and without."""

import os

import pytest

from conftest import payload, received
from test_jobs import lines

pytestmark = [pytest.mark.once, pytest.mark.both]

LISTS = ["events", "jobs", "orders", "rejections", "handlers"]
FILTERS = {
    "events": [("--type", "klikit.order.created.v2"), ("--order", "9100001"),
               ("--brand", "nobody"), ("--since", "2100-01-01T00:00:00Z")],
    "jobs": [("--state", "dead"), ("--handler", "orders"), ("--event", "e1")],
    "orders": [("--order", "9100001"), ("--order", "9100012"),
               ("--until", "2100-01-01T00:00:00Z")],
    "rejections": [("--cause", "signature"), ("--cause", "invalid_json")],
    "handlers": [],
}


@pytest.fixture
def server(klikitd):
    """A server that has some of each, and nothing left to do."""
    server = klikitd(config="[handler orders]\ntype = orders\n"
                            "terminal = 2\n")
    received(server.post(payload("created-small.json"), "e1"))
    received(server.post(payload("created-batch-5.json"), "e2"))
    assert server.post(payload("created-small.json"), "e1")[0] == 200
    assert server.post(b"{}", "e3", signature="0" * 64)[0] == 401
    assert server.post(b"{", "e4")[0] == 400
    server.wait_processed()
    server.expect("refused: (signature|invalid_json)")
    server.wait_query("SELECT count(*) FROM rejections", [(2,)])
    return server


def api(server, what, query=""):
    status, _, answer = server.ask("GET", f"/api/v1/{what}{query}")
    assert status == 200
    return answer[what]


@pytest.mark.parametrize("what", LISTS)
def test_a_verb_prints_what_the_api_answers(server, what):
    asked = api(server, what)
    assert asked
    served = lines(server.do(what, "--json"))
    assert served == asked
    chosen = {}
    for flag, value in FILTERS[what]:
        query = f"?{flag[2:]}={value}"
        chosen[query] = lines(server.do(what, "--json", flag, value))
        assert chosen[query] == api(server, what, query)
    server.stop()
    assert lines(server.do(what, "--json")) == asked
    for flag, value in FILTERS[what]:
        assert lines(server.do(what, "--json", flag, value)) == (
            chosen[f"?{flag[2:]}={value}"])


@pytest.mark.parametrize("what, word", [
    ("events", "e1"), ("orders", "9100001"), ("jobs", "1"),
    ("rejections", "1")])
def test_one_is_what_the_api_answers(server, what, word):
    asked = server.ask("GET", f"/api/v1/{what}/{word}")[2]
    one, = lines(server.do(what, word, "--json"))
    # When it was stored and answered only the server knows.
    for of in (asked, one):
        if "timeline" in of:
            of["timeline"] = [m for m in of["timeline"]
                              if m["what"] not in ("stored", "acked")]
    assert one == asked
    server.stop()
    again, = lines(server.do(what, word, "--json"))
    if "timeline" in again:
        again["timeline"] = [m for m in again["timeline"]
                             if m["what"] not in ("stored", "acked")]
    assert again == asked


def test_a_table_has_the_words_of_the_api(server):
    server.change("UPDATE jobs SET state = 'dead', outcome = 'no' "
                  "WHERE id = 1")
    for served in (True, False):
        for what, place in (("events", 7), ("jobs", 4), ("handlers", 1)):
            rows = lines(server.do(what, "--json"))
            table = server.do(what).splitlines()
            column = table[0].index("STATE")
            assert [line[column:].split()[0] for line in table[1:]] == [
                row["state"] for row in rows]
        if served:
            server.stop()


def test_one_that_is_missing_is_named(server):
    for what in ("event", "order", "rejection", "job"):
        status, _, answer = server.ask("GET", f"/api/v1/{what}s/77")
        assert (status, answer) == (404, {"error": f"there is no {what} 77"})
        server.do(what + "s", "77", expect=1)
        assert f"klikitd {what}s: there is no {what} 77" in server.said


def test_a_document_is_printed_digit_for_digit(server):
    body = (b'{"orders":[{"id":5,"n":123456789012345678901234567890,'
            b'"x":1e999,"document":"a,\\"document\\":b","m":84.50}]}')
    received(server.post(body, "big"))
    server.wait_processed()
    want = body.decode()[len('{"orders":['):-2]
    for args in ((), ("--scope", "")):
        assert server.do("orders", "5", "--document", *args) == want + "\n"
    assert want in server.do("orders", "5", "--json")
    assert "received_at" in server.do("orders", "5")
    server.do("purge", "--order", "5")
    server.do("orders", "5", "--document", expect=1)
    assert "its document is no longer kept" in server.said


def test_what_is_for_the_list_is_refused_for_one(server):
    for words in (["jobs", "1", "--state", "dead"], ["jobs", "1", "--limit",
                                                     "3"],
                  ["events", "e1", "--since", "2100-01-01T00:00:00Z"],
                  ["orders", "5", "--order", "5"],
                  ["rejections", "1", "--cause", "signature"]):
        server.do(*words, expect=2)
        assert f"{words[2]}: only for the list" in server.said


@pytest.fixture
def busy(klikitd, tmp_path):
    """A server with a token, and one call of the handler a under way."""
    (tmp_path / "token").write_text("t" * 32)
    os.mkfifo(tmp_path / "fifo")
    server = klikitd(config=(
        f"[admin]\ntoken_file = {tmp_path}/token\n"
        "[handler a]\ntype = exec\nevents = *\n"
        f"command = /bin/sh -c 'read x < {tmp_path}/fifo'\n"))
    received(server.post(payload("created-small.json"), "e1"))
    server.expect("admin: refused")
    with open(tmp_path / "fifo", "wb") as fifo:  # opens when it is read
        if server.store:  # where it answers stands there from its first tick
            server.wait_query("SELECT count(*) FROM reports", [(1,)])
        yield server
        fifo.write(b"x\n")
        fifo.flush()
        server.wait_processed()


def test_what_is_under_way_is_asked_of_the_server(busy, tmp_path):
    handler, = lines(busy.do("handlers", "--json"))
    assert (handler["state"], handler["under_way"], handler["pending"]) == (
        "active", 1, 1)
    # One that does not answer is no hindrance.
    (tmp_path / "token").write_text("u" * 32)
    again, = lines(busy.do("handlers", "--json"))
    assert "does not say what is under way: its answer is 401" in busy.said
    assert again == {**handler, "under_way": 0}
