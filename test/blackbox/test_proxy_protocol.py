"""http.proxy_listen: a balancer says by a PROXY header who the client is."""

import re
import socket
import struct

import pytest

from conftest import DEADLINE, SECRET, own, payload
from https import https, pki  # noqa: F401 (fixtures)
from strangers import STRANGER
from wire import Wire, delivery

BODY = payload("created-small.json")
PROXY = "127.0.0.9"
CLIENT = "203.0.113.7"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = f"PROXY TCP4 {CLIENT} 127.0.0.1 4711 443\r\n".encode()
V2 = (SIGNATURE + b"\x21\x11" + struct.pack(">H", 12) +
      socket.inet_aton(CLIENT) + socket.inet_aton("127.0.0.1") +
      struct.pack(">HH", 4711, 443))
LOCAL = SIGNATURE + b"\x20\0\0\0"
UNKNOWN = b"PROXY UNKNOWN\r\n"
HTTP = f"""[http]
listen = 127.0.0.1:0
proxy_listen = 127.0.0.1:0
trusted_proxies = {PROXY}
"""


class Proxied(Wire):
    """A connection that begins with a header, before TLS if there is any."""

    def __init__(self, server, header, source=PROXY):
        self.sock = socket.create_connection(
            ("127.0.0.1", int(server.urls[1].rsplit(":", 1)[1])), DEADLINE,
            (source, 0))
        self.sock.settimeout(DEADLINE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in header:
            self.sock.sendall(part)
        if server.tls:
            self.sock = server.tls.wrap_socket(self.sock,
                                               server_hostname="localhost")
        self.left = b""


@pytest.fixture(params=["plain", "tls"])
def server(request, klikitd, https):  # noqa: F811
    made = (https if request.param == "tls" else klikitd)(config=HTTP)
    made.wait_for(lambda: len(made.urls) == 2, "two listeners")
    return made


def deliver(server, wire, event_id, **options):
    body = own(BODY, event_id)
    answer = wire.send(delivery(server, body, event_id=event_id,
                                **options)).answer()
    assert answer.status == 200, answer
    return server.query("SELECT peer FROM events WHERE event_id = ?",
                        event_id)[0][0]


@pytest.mark.parametrize("header", [
    [V1], [V2], [V2[:3], V2[3:16], V2[16:]],
    [bytes([byte]) for byte in V1],
], ids=["v1", "v2", "in parts", "byte by byte"])
def test_the_header_names_the_client(server, header):
    with Proxied(server, header) as wire:
        assert deliver(server, wire, "one") == f"{CLIENT}:4711"
        # It is the connection's: no field says otherwise.
        assert deliver(server, wire, "two",
                       extra=("X-Forwarded-For: 192.0.2.66",)) == (
            f"{CLIENT}:4711")


@pytest.mark.parametrize("header", [LOCAL, UNKNOWN],
                         ids=["local", "unknown"])
def test_a_header_may_name_nobody(server, header):
    with Proxied(server, [header]) as wire:
        assert deliver(server, wire, "one").startswith(f"{PROXY}:")


def test_a_proxy_behind_the_balancer_is_believed_if_trusted(server):
    header = f"PROXY TCP4 {PROXY} 127.0.0.1 4711 443\r\n".encode()
    with Proxied(server, [header]) as wire:
        assert deliver(server, wire, "one",
                       extra=(f"X-Forwarded-For: {CLIENT}",)) == CLIENT


def ends(server, header, source=PROXY):
    """The connection is ended, and nothing answered in HTTP."""
    with pytest.raises((OSError, AssertionError)):
        with Proxied(server, [header], source) as wire:
            wire.send(delivery(server, BODY))
            assert wire.more()
            pytest.fail("it answers")


@pytest.mark.parametrize("header, says", [
    (b"", "no PROXY header"),
    (V1.replace(b"TCP4", b"TCP6"), "PROXY header with a bad address"),
    (SIGNATURE + b"\x21\x11\xff\xff", "PROXY header too long"),
    (V2[:15] + b"\x13" + V2[16:] + b"\3\0\4\0\0\0\0",
     "PROXY header with a wrong checksum"),
], ids=["none", "bad address", "too long", "wrong sum"])
def test_what_is_no_header_ends_the_connection(server, header, says):
    server.expect("refused", "tls: ")
    ends(server, header)
    server.wait_log(rf"refused {PROXY}:\d+: {says}")
    assert server.query("SELECT count(*) FROM events") == [(0,)]


def test_only_trusted_balancers_may_speak_there(server):
    server.expect("refused", "tls: ")
    ends(server, V1, STRANGER)
    server.wait_log(rf"refused {STRANGER}:\d+: not in http.trusted_proxies")
    # Nor is a header taken elsewhere.
    if not server.tls:
        with Wire(server, source=PROXY) as wire:
            assert wire.send(V1).answer().status == 400
    assert server.query("SELECT count(*) FROM events") == [(0,)]


def test_a_header_has_its_time(klikitd):
    server = klikitd(config=HTTP + "request_timeout = 300ms\n")
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    server.expect("refused")
    with Proxied(server, [V1[:10]]) as wire:
        assert wire.sock.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert wire.closed()
    with Proxied(server, []) as wire:
        assert wire.sock.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert wire.closed()
    # Of a header that is there, nothing is left over of that.
    with Proxied(server, [V1]) as wire:
        assert deliver(server, wire, "one") == f"{CLIENT}:4711"


def test_a_reload_leaves_connections_whose_they_are(server):
    with Proxied(server, [V2]) as wire:
        assert deliver(server, wire, "one") == f"{CLIENT}:4711"
        text = server.config.read_text()
        server.write_config(text.replace(PROXY, "127.0.0.10"))
        server.reload()
        assert deliver(server, wire, "two") == f"{CLIENT}:4711"
    server.expect("refused", "tls: ")
    ends(server, V1)


def test_somebody_has_to_be_trusted_there(klikitd):
    server = klikitd(start=False, config="[http]\nlisten = 127.0.0.1:0\n"
                     "proxy_listen = 127.0.0.1:0\n"
                     "[klikit]\nsecret_file = secret\n")
    (server.directory / "secret").write_bytes(SECRET)
    server.do("check-config", expect=1)
    assert re.search("http.proxy_listen: nobody may speak there", server.said)
