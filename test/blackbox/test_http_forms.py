"""Odd but sound requests: evhttp must read them as the guard does."""

import http.client
import re
import socket

import pytest

from conftest import DEADLINE, payload
from https import https, pki  # noqa: F401 (fixtures)
from wire import GET, Wire, delivery

BODY = payload("created-small.json")
SECOND = b'{"orders":[],"second":true}'
CHUNKED = "Transfer-Encoding: chunked"


def cut(body, parts):
    """The body in chunks, their size lines as given (%x is the size)."""
    step = -(-len(body) // len(parts))
    data = b""
    for i, part in enumerate(parts):
        chunk = body[i * step:(i + 1) * step]
        data += part.replace(b"%x", b"%x" % len(chunk)) + b"\r\n"
        data += chunk + b"\r\n"
    return data + b"0"


def in_chunks(server, parts, last=b"\r\n\r\n", extra=(CHUNKED,), **fields):
    head = delivery(server, BODY, length=False, extra=extra, **fields)
    return head[:-len(BODY)] + cut(BODY, parts) + last


FORMS = {
    "an empty line": lambda s: b"\r\n" + delivery(s, BODY, event_id="odd"),
    "four empty lines": lambda s: (
        b"\r\n" * 4 + delivery(s, BODY, event_id="odd")),
    "an extension": lambda s: in_chunks(s, [b"%x;a=b"], event_id="odd"),
    "a bare extension": lambda s: in_chunks(s, [b"%x;a"], event_id="odd"),
    "a tab before it": lambda s: in_chunks(s, [b"%x\t;\ta"], event_id="odd"),
    "a quoted one": lambda s: in_chunks(
        s, [b'%x;a="5;\\"\t"', b"00%x ; b = c;d"], event_id="odd"),
    "one that looks like a size": lambda s: in_chunks(
        s, [b"%x;ffff=ffff", b"%x ; 1"], event_id="odd"),
    "one behind the last size": lambda s: in_chunks(
        s, [b"%x"], last=b";a=b\r\n\r\n", event_id="odd"),
    "a trailer behind it": lambda s: in_chunks(
        s, [b"%x;a"], last=b";b\r\nX:\ty\r\n\r\n", event_id="odd"),
    "a tab before chunked": lambda s: in_chunks(
        s, [b"%x"], extra=("Transfer-Encoding:\tchunked",), event_id="odd"),
    "a tab after chunked": lambda s: in_chunks(
        s, [b"%x"], extra=("Transfer-Encoding: chunked \t",),
        event_id="odd"),
    "a tab before a length": lambda s: delivery(
        s, BODY, length=False, extra=(f"Content-Length:\t{len(BODY)}",),
        event_id="odd"),
    "tabs around a length": lambda s: delivery(
        s, BODY, length=False, event_id="odd",
        extra=(f"Content-Length: \t {len(BODY)}\t \t",)),
    "tabs around klikit's headers": lambda s: delivery(
        s, BODY, event_id="odd").replace(b"x-klikit-event-id: odd",
                                         b"x-klikit-event-id:\todd\t"),
    "a tab around a host": lambda s: delivery(
        s, BODY, drop=("Host",), extra=("Host:\tklikitd:80\t",),
        event_id="odd"),
    "a host in brackets": lambda s: delivery(
        s, BODY, drop=("Host",), extra=("Host: [::1]:8080",), event_id="odd"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", [None, 1])
def test_both_readers_see_the_same(server, form, step):
    """What stands before and behind it is answered, each once, and its bytes
    are stored as they were: nothing was read as another request."""
    seen_the_same(server, form, step)


@pytest.mark.parametrize("step", [None, 7])
def test_both_readers_see_the_same_over_tls(https, step):  # noqa: F811
    for form in ("four empty lines", "a quoted one", "a tab before a length",
                 "a trailer behind it"):
        seen_the_same(https("ec"), form, step)


@pytest.mark.valgrind  # where it is the starts that take long
def test_both_readers_see_the_same_on_one_server(klikitd):
    server = klikitd(config="[retention]\nrepeat_window = 0\n")
    cases = [(form, None) for form in FORMS]
    cases += [("a quoted one", 1), ("a trailer behind it", 1)]
    for number, (form, step) in enumerate(cases):
        seen_the_same(server, form, step, b"%d" % number)


def seen_the_same(server, form, step, number=b""):
    """Event ids end in that number."""
    first = delivery(server, SECOND, event_id="first")
    last = delivery(server, SECOND, event_id="last")
    data = re.sub(rb"(event-id:\s*\w+)", rb"\g<1>" + number,
                  first + FORMS[form](server) + last) + GET
    with Wire(server) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(data), step or len(data)):
            wire.send(data[i:i + (step or len(data))])
        for _ in range(3):
            answer = wire.answer()
            assert (answer.status, answer.json()) == (
                200, {"status": "received"})
        assert wire.answer().json() == {"status": "ok"}
        wire.half_close()
        assert wire.closed()
    rows = server.query("SELECT e.event_id, b.body FROM events e JOIN bodies b"
                        " ON b.event = e.id ORDER BY e.id")
    number = number.decode()
    assert rows[-3:] == [(f"first{number}", SECOND), (f"odd{number}", BODY),
                         (f"last{number}", SECOND)]
    assert number or len(rows) == 3


def test_a_line_behind_a_body_begins_no_request(klikitd):
    """Some clients send one: it must not cost the connection."""
    server = klikitd(config="[http]\nrequest_timeout = 200ms\n"
                            "idle_timeout = 30s\n")
    with Wire(server) as wire:
        assert wire.send(delivery(server, BODY) + b"\r\n").answer().status == 200
        with Wire(server) as other:  # has its time, and is cut
            assert other.send(b"G").answer().status == 408
        assert wire.send(b"\r").send(b"\n").send(GET).answer().status == 200
        assert wire.send(b"\r\n").send(GET).answer().status == 200


def test_five_empty_lines_are_400(server):
    with Wire(server) as wire:
        assert wire.send(b"\r\n" * 5 + GET).answer().status == 400
        assert wire.closed()


@pytest.mark.parametrize("host", [
    "", "a b", "a, b", "a/b", "user@a", "a:b", "a:70000", "[::1", "::1",
    "[1::2::3]", "a%zz", "http://a"])
def test_host_that_is_none_is_400(server, host):
    for line in ("POST /webhooks/klikit HTTP/1.1",
                 "POST /webhooks/klikit HTTP/1.0"):
        with Wire(server) as wire:
            wire.send(delivery(server, BODY, drop=("Host",), line=line,
                               extra=(f"Host: {host}",)))
            assert wire.answer().status == 400
            assert wire.closed()
    assert server.query("SELECT count(*) FROM events") == [(0,)]


# -- the answer to a large body comes at once --

LARGE = {
    "declared": ("Content-Length: 1048577", b""),
    "declared without end": ("Content-Length: 99999999999", b"x" * 1000),
    "to be continued": (
        "Content-Length: 1048577\r\nExpect: 100-continue", b""),
    "one chunk": (CHUNKED, b"100001\r\n"),
    "the last of some": (CHUNKED, b"1\r\nx\r\n100000;a=b\r\n"),
    "a beyond of numbers": (CHUNKED, b"fffffffffffffff\r\n"),
}


@pytest.mark.parametrize("way", LARGE)
def test_413_does_not_wait_for_the_body(server, way):
    extra, more = LARGE[way]
    with Wire(server) as wire:
        wire.send(delivery(server, b"", length=False, extra=(extra,)) + more)
        answer = wire.answer()
        assert answer.status == 413
        assert answer.json() == {"error": "body too large"}
        assert answer.headers["connection"] == "close"
        assert wire.closed()


def test_413_reaches_a_client_that_sends_all_first(server):
    for extra, body in (("Content-Length: 20000000", b"x" * 20_000_000),
                        (CHUNKED, b"1000000\r\n" + b"x" * 0x1000000)):
        with Wire(server) as wire:
            wire.send(delivery(server, b"", length=False, extra=(extra,)))
            wire.send(body)
            assert wire.answer().status == 413


def test_413_comes_at_once_over_tls(https):  # noqa: F811
    server = https("ec")
    with Wire(server) as wire:
        wire.send(delivery(server, b"", length=False,
                           extra=("Content-Length: 1048577",)))
        assert wire.answer().status == 413
        assert wire.closed()


def test_413_behind_a_good_delivery_leaves_its_answer(server):
    with Wire(server) as wire:
        wire.send(delivery(server, BODY) + delivery(
            server, b"", length=False, extra=("Content-Length: 1048577",)))
        assert wire.answer().status == 200
        assert wire.answer().status == 413
        assert wire.closed()


# -- the admin listener --

def admin(server, data):
    host, port = server.admin.removeprefix("http://").rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), DEADLINE)
    sock.sendall(data)
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    body = answer.read()
    return sock, answer.status, body


@pytest.mark.parametrize("more", [
    "", "Connection: keep-alive\r\n", "Connection: close\r\n"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_admin_takes_a_post_without_a_body(server, more, version):
    head = (f"POST /api/v1/handlers/orders/%s HTTP/{version}\r\n"
            f"Host: localhost\r\nContent-Type: application/json\r\n{more}\r\n")
    for act in ("pause", "resume"):
        sock, status, body = admin(server, (head % act).encode())
        assert status == 200, body
        sock.close()


def test_admin_answers_what_follows_a_post_without_a_body(server):
    post = (b"POST /api/v1/handlers/orders/pause HTTP/1.1\r\n"
            b"Host: localhost\r\nContent-Type: application/json\r\n\r\n")
    get = (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
           b"Connection: close\r\n\r\n")
    host, port = server.admin.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), DEADLINE) as sock:
        sock.sendall(post + get)
        answers = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.endswith(b'{"status":"ok"}')


def test_admin_refuses_connect_and_large_bodies_in_the_same_way(server):
    for data, want in (
            (b"CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
            (b"POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\n"
             b"Content-Length: 99999999999\r\n\r\n", 413),
            (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n",
             501)):
        sock, status, _ = admin(server, data)
        assert status == want
        sock.close()
