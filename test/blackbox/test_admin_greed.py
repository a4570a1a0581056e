"""What one address can do to the admin listener without keeping others out."""

import http.client
import select

import pytest

from conftest import DEADLINE, payload, received
from sse import Stream
from strangers import GOOD, STRANGER, close_all, idle
from wire import Wire, delivery

SMALL = payload("created-small.json")
TOKEN = "a-token-of-the-operator"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer not-the-token-of-the-operator"}
API = ["/api/v1/status", "/metrics", "/api/v1/events"]
STREAMS = 100  # as many as there may be


@pytest.fixture
def guarded(klikitd):
    """A server with a token, as it listens beyond the loopback."""
    server = klikitd(
        start=False, config="[http]\nlisten = 127.0.0.1:0\n[admin]\n"
        "listen = *:0\ntoken_file = token\n")
    (server.directory / "token").write_text(TOKEN + "\n")
    server.expect("admin: refused", "as many connections are open",
                  "as many readers follow", "too many wrong tokens")
    return server.start()


def port_of(server):
    return int(server.admin.rsplit(":", 1)[1])


class Operator:
    """A connection to the admin listener that stays open."""

    def __init__(self, server, source=GOOD, headers=RIGHT):
        self.headers = {"Host": f"127.0.0.1:{port_of(server)}", **headers}
        self.conn = http.client.HTTPConnection(
            "127.0.0.1", port_of(server), timeout=DEADLINE,
            source_address=(source, 0))

    def get(self, path, **headers):
        self.conn.request("GET", path, headers={**self.headers, **headers})
        answer = self.conn.getresponse()
        answer.read()
        return answer.status


def test_idle_strangers_keep_no_operator_out(guarded):
    strangers = idle(guarded, 400, port=port_of(guarded))
    for path in ["/readyz", "/healthz", "/"] + API:
        assert Operator(guarded).get(path) == 200
    close_all(strangers)


def test_who_has_logged_in_is_cut_last(guarded):
    """Also when the strangers come from his own address."""
    operator = Operator(guarded, STRANGER)
    assert operator.get("/api/v1/status") == 200
    known = operator.conn.sock.getsockname()
    strangers = idle(guarded, 400, port=port_of(guarded))
    others = [Operator(guarded, STRANGER, {}) for _ in range(200)]
    for other in others:
        assert other.get("/healthz") == 200
    assert operator.get("/api/v1/status") == 200
    assert operator.conn.sock.getsockname() == known
    close_all(strangers)


def test_without_a_token_who_asks_much_shuts_out_no_newcomer(server):
    """Anybody can ask, so that is no reason to stay before others."""
    server.expect("as many connections are open")
    greedy = [Operator(server, STRANGER, {}) for _ in range(160)]
    for one in greedy:
        assert one.get("/api/v1/status") == 200
    quiet = idle(server, 1, GOOD, port_of(server))[0]
    for _ in range(5):
        assert Operator(server, STRANGER, {}).get("/healthz") == 200
    quiet.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert quiet.recv(100).startswith(b"HTTP/1.1 200 ")
    quiet.close()


def test_without_a_token_who_asked_for_more_than_a_probe_is_cut_last(server):
    server.expect("as many connections are open")
    operator = Operator(server, STRANGER, {})
    assert operator.get("/api/v1/status") == 200
    known = operator.conn.sock.getsockname()
    strangers = idle(server, 400, port=port_of(server))
    assert operator.get("/api/v1/status") == 200
    assert operator.conn.sock.getsockname() == known
    close_all(strangers)


def test_streams_of_one_address_keep_no_operator_out(guarded):
    greedy = [Stream(guarded, headers=RIGHT, source=STRANGER)
              for _ in range(STREAMS)]
    assert all(stream.status == 200 for stream in greedy)
    assert Stream(guarded, headers=RIGHT, source=STRANGER).status == 503
    good = [Stream(guarded, headers=RIGHT, source=GOOD) for _ in range(5)]
    assert all(stream.status == 200 for stream in good)
    received(guarded.post(SMALL, "for-those-who-look"))
    for stream in good:
        stream.until(lambda event, data: event == "event")
    for stream in greedy[:5]:  # the oldest have made room
        while stream.next() is not None:
            pass
    assert greedy[5].until(lambda event, data: event == "event")
    for stream in greedy + good:
        stream.close()


def test_guesses_are_bounded_and_lock_out_no_other(guarded):
    operator = Operator(guarded, STRANGER)
    assert operator.get("/api/v1/status") == 200
    said = [Operator(guarded, STRANGER, WRONG).get("/api/v1/status")
            for _ in range(40)]
    assert said[:30] == [401] * 30
    assert 429 in said and set(said) == {401, 429}
    assert said.count(401) < 40  # one a second on a slow machine
    for path in API:
        assert Operator(guarded).get(path) == 200  # another address
        assert operator.get(path) == 200  # it has proved itself
    assert Operator(guarded, STRANGER, {}).get("/readyz") == 200


LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", [
    "/healthz", "/readyz", "/app.js", "/metrics", "/api/v1/stream",
    "/api/v1/events", "/api/v1/events?limit=500", "/nothing"])
def test_other_sites_are_refused_on_every_path(server, site, path):
    server.expect("admin: refused")
    for more in {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, LINK:
        answer = server.ask("GET", path, None,
                            {"Sec-Fetch-Site": site, **more})
        assert answer[0] == 403, answer
        assert answer[2] == {"error": "requests of other sites are refused"}


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_its_own_page_and_the_address_bar_are_served(server, site):
    for path in ["/healthz", "/readyz", "/api/v1/events"]:
        assert server.ask("GET", path, None,
                          {"Sec-Fetch-Site": site})[0] == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_opens_the_page_and_a_frame_does_not(server, site):
    server.expect("admin: refused")
    operator = Operator(server, headers={"Sec-Fetch-Site": site})
    assert operator.get("/", **LINK) == 200
    assert operator.get("/?x=1", **LINK) == 200
    assert operator.get("/", **{**LINK, "Sec-Fetch-Dest": "iframe"}) == 403
    assert operator.get("/", **{"Sec-Fetch-Mode": "no-cors"}) == 403
    assert operator.get("/metrics", **LINK) == 403


def ask_much(server, count, path):
    """So many connections that ask for a page and do not read it yet."""
    request = (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
               f"Authorization: Bearer {TOKEN}\r\n\r\n").encode()
    socks = idle(server, count, port=port_of(server))
    for sock in socks:
        sock.sendall(request)
    return socks


def answered(socks):
    """How many of them have their answer, or the begin of it."""
    ready, _, _ = select.select(socks, [], [], 0)
    return len(ready)


def test_questions_of_one_address_keep_nobody_waiting(guarded):
    """Each is answered in the end; who asks for little does not wait."""
    with Wire(guarded) as wire:
        for number in range(200):
            wire.send(delivery(guarded, SMALL, event_id=f"e{number}"))
            assert wire.answer().status == 200
    operator = Operator(guarded)
    assert operator.get("/api/v1/events?limit=1") == 200
    greedy = ask_much(guarded, 80, "/api/v1/events?limit=500")
    for _ in range(3):
        assert operator.get("/api/v1/events?limit=1") == 200
    before = answered(greedy)
    for sock in greedy:
        sock.settimeout(DEADLINE)
        assert sock.recv(12) == b"HTTP/1.1 200"
    assert before < len(greedy), "the operator's were answered last"
    close_all(greedy)


def test_who_leaves_while_it_waits_for_its_turn_is_forgotten(guarded):
    received(guarded.post(SMALL, "one"))
    for _ in range(3):
        close_all(ask_much(guarded, 150, "/api/v1/events?limit=500"))
    greedy = ask_much(guarded, 150, "/api/v1/events?limit=500")
    strangers = idle(guarded, 300, port=port_of(guarded))  # some are cut
    assert Operator(guarded).get("/api/v1/status") == 200
    guarded.stop()
    close_all(greedy + strangers)
