"""HTTPS as klikit and its tools see it."""

import concurrent.futures
import json
import os
import re
import socket
import ssl
import subprocess

import pytest

from conftest import CREATED, DEADLINE, SECRET, payload, received, sign
from https import client, https, install, pki  # noqa: F401 (fixtures)
from wire import GET, Wire, chunked, delivery

SMALL = b'{"brand_id":1,"branch_id":2,"orders":[]}'
LARGE = b'{"orders":[],"pad":"' + b"x" * 900 * 1024 + b'"}'


def curl(server, pki, *args, body=None, check=True):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(DEADLINE), "--cacert",
         str(pki.root.path), *args], input=body, capture_output=True)
    if check:
        assert done.returncode == 0, done
    return done


def curl_headers(server, body, event_id):
    for name, value in server.headers(body, event_id).items():
        yield from ("-H", f"{name}: {value}")


@pytest.mark.parametrize("kind, suite", [
    ("ec", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("rsa2048", "ECDHE-RSA-AES128-GCM-SHA256"),
])
@pytest.mark.valgrind
def test_curl_delivers_with_only_the_root(https, pki, kind, suite):
    server = https(kind)
    done = curl(server, pki, "-v", *curl_headers(server, SMALL, "a"),
                "--data-binary", "@-", server.url + "/webhooks/klikit",
                body=SMALL)
    assert json.loads(done.stdout) == {"status": "received"}
    said = done.stderr.decode()
    assert suite in said and "TLSv1.2" in said
    assert "ALPN: server accepted http/1.1" in said
    assert "SSL certificate verify ok" in said
    assert server.query("SELECT event_id FROM events") == [("a",)]


@pytest.mark.parametrize("kind", ["ec", "rsa2048"])
@pytest.mark.valgrind
def test_one_connection_takes_20_requests(https, pki, kind):
    server = https(kind)
    connection = server.connect()
    for number in range(20):
        received(server.post(SMALL, f"e{number}", connection=connection))
    connection.close()
    assert server.query("SELECT count(*) FROM events") == [(20,)]


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
def test_900_kb_go_up_whole(https, pki, headers):
    server = https()
    received(server.post(LARGE, "large", headers=headers))
    (body,), = server.query("SELECT body FROM bodies")
    assert body == LARGE
    server.tls = client(pki)
    args = [x for k, v in headers.items() for x in ("-H", f"{k}: {v}")]
    done = curl(server, pki, *args, *curl_headers(server, LARGE, "by-curl"),
                "--data-binary", "@-", server.url + "/webhooks/klikit",
                body=LARGE)
    assert json.loads(done.stdout) == {"status": "received"}


def test_300_connections_100_at_once(https, pki):
    server = https(tls="handshake_timeout = 1m\n")  # on a slow machine, too

    def deliver(number):
        return server.post(SMALL, f"e{number}")

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        for answer in pool.map(deliver, range(300)):
            received(answer)
    assert server.query("SELECT count(*) FROM events") == [(300,)]


def test_node_delivers(https, pki):
    script = """
const https = require('https'), fs = require('fs');
const [url, signature, body, ca] = process.argv.slice(1);
const agent = new https.Agent({keepAlive: true, maxSockets: 1,
                               ca: fs.readFileSync(ca),
                               autoSelectFamily: true});  // as Node 20 does
const post = (id) => new Promise((resolve, reject) => {
  const req = https.request(url + '/webhooks/klikit', {agent, method: 'POST',
    headers: {'content-type': 'application/json', 'x-klikit-event-id': id,
              'x-klikit-event-type': 'klikit.order.created.v2',
              'x-klikit-signature': signature}}, (res) => {
    let text = '', protocol = res.socket.getProtocol();
    res.on('data', (d) => text += d);
    res.on('end', () => resolve([res.statusCode, text, protocol]));
  });
  req.on('error', reject);
  req.end(body);
});
(async () => {
  const got = [];
  for (let i = 0; i < 10; i++) got.push(await post('node-' + i));
  agent.destroy();
  console.log(JSON.stringify(got));
})().catch((e) => { console.error(e); process.exit(1); });
"""
    server = https()
    done = subprocess.run(
        ["node", "-e", script, f"https://localhost:{server.port}",
         sign(SMALL, SECRET), SMALL.decode(), str(pki.root.path)],
        capture_output=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr.decode()
    for status, text, protocol in json.loads(done.stdout):
        assert (status, json.loads(text)) == (200, {"status": "received"})
        assert protocol == "TLSv1.2"
    assert server.query("SELECT count(*) FROM events") == [(10,)]


@pytest.mark.valgrind
def test_pipelined_requests_are_answered_in_order(https):
    server = https()
    requests = b"".join(
        delivery(server, SMALL, event_id=f"p{n}") + GET for n in range(20))
    with Wire(server) as wire:
        wire.send(requests + delivery(
            server, chunked(SMALL), event_id="last", length=False,
            signature=sign(SMALL), extra=["Transfer-Encoding: chunked",
                                          "Connection: close"]))
        for _ in range(20):
            assert wire.answer().json() == {"status": "received"}
            assert wire.answer().json() == {"status": "ok"}
        assert wire.answer().json() == {"status": "received"}
        assert wire.closed()
    assert [e for e, in server.query(
        "SELECT event_id FROM events ORDER BY id")] == [
            f"p{n}" for n in range(20)] + ["last"]


@pytest.mark.valgrind
def test_one_byte_per_record(https):
    server = https()
    with Wire(server) as wire:
        for request in (delivery(server, SMALL, event_id="slow"), GET):
            for at in range(len(request)):
                wire.sock.send(request[at:at + 1])
            assert wire.answer().status == 200


def test_records_of_every_size(https):
    server = https()
    body = b'{"orders":[],"pad":"' + b"y" * 40000 + b'"}'
    with Wire(server) as wire:
        for size in (7, 100, 1000, 4096, 16383, 16384):
            request = delivery(server, body, event_id=f"of-{size}")
            for at in range(0, len(request), size):
                wire.sock.send(request[at:at + size])
            assert wire.answer().json() == {"status": "received"}


# -- what is refused in HTTP is refused in the same words --


@pytest.mark.valgrind
@pytest.mark.parametrize("request_, status", [
    (b"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
     b"Content-Length: 2\r\n\r\nab", 400),
    (b"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n\r\n", 411),
    (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    (b"GET /webhooks/klikit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
     405),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n", 400),
    (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
])
def test_a_refused_request_is_answered_and_closed(https, request_, status):
    server = https()
    with Wire(server) as wire:
        wire.send(request_)
        assert wire.answer().status == status
        if status != 501:
            assert wire.closed()


def test_requests_before_a_bad_one_are_answered_first(https):
    server = https()
    with Wire(server) as wire:
        wire.send(delivery(server, SMALL, event_id="good") +
                  b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert wire.answer().json() == {"status": "received"}
        assert wire.answer().json() == {"error": "bad request"}
        assert wire.closed()


def test_a_body_over_the_limit_is_413_to_the_end(https, pki):
    server = https(config="[http]\nmax_body = 64k\n")
    body = b"x" * 3 * 1024 * 1024
    done = curl(server, pki, "-o", "/dev/null", "-w", "%{http_code}",
                "-H", "Expect:", "--data-binary", "@-",
                server.url + "/webhooks/klikit", body=body)
    assert done.stdout == b"413"
    received(server.post(SMALL))


def test_expect_100_continue(https, pki):
    server = https()
    done = curl(server, pki, "-v", "-H", "Expect: 100-continue",
                *curl_headers(server, SMALL, "expected"), "--data-binary",
                "@-", server.url + "/webhooks/klikit", body=SMALL)
    assert json.loads(done.stdout) == {"status": "received"}
    assert "100 Continue" in done.stderr.decode()


def test_a_slow_request_is_408_and_cut(https):
    server = https(config="[http]\nrequest_timeout = 300ms\n")
    with Wire(server) as wire:
        wire.send(b"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\nContent-")
        assert wire.answer().status == 408
        assert wire.closed()
    server.wait_log("request took too long")


# -- leaving --


@pytest.mark.valgrind
def test_the_server_takes_leave_by_close_notify(https):
    """Python says so: an end without it is SSLEOFError."""
    server = https()
    context = server.tls
    for last in (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
                 b"GET /healthz HTTP/1.0\r\n", b"GET  /\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.settimeout(DEADLINE)
            sock = context.wrap_socket(raw, server_hostname="localhost",
                                       suppress_ragged_eofs=False)
            sock.sendall(last + b"\r\n")
            while sock.recv(65536):
                pass
            sock.close()


@pytest.mark.valgrind
def test_idle_connections_are_taken_leave_of_at_the_end(https):
    server = https()
    socks = []
    for _ in range(3):
        raw = socket.create_connection(("127.0.0.1", server.port))
        raw.settimeout(DEADLINE)
        sock = server.tls.wrap_socket(raw, server_hostname="localhost",
                                      suppress_ragged_eofs=False)
        sock.sendall(GET)
        assert b"200 OK" in sock.recv(65536)
        socks.append(sock)
    waiting = socket.create_connection(("127.0.0.1", server.port))
    server.stop()  # exits with 0, and has waited for nobody
    for sock in socks:
        assert sock.recv(65536) == b""
        sock.close()
    waiting.close()


def test_who_half_closes_gets_his_answer(https):
    server = https()
    with Wire(server) as wire:
        wire.send(delivery(server, SMALL, event_id="half"))
        wire.half_close()
        assert wire.answer().json() == {"status": "received"}
        assert wire.closed()


@pytest.mark.valgrind
def test_a_client_gone_before_its_commit_leaves_its_event(https):
    server = https()
    count = 10 if os.environ.get("KLIKITD_VALGRIND") else 50
    for number in range(count):
        with Wire(server) as wire:
            wire.send(delivery(server, SMALL, event_id=f"gone-{number}"))
            if number % 2:  # a reset, not a mere end
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     b"\1\0\0\0\0\0\0\0")
    server.wait_query(f"SELECT count(*) >= {count // 2} FROM events", [(1,)])
    received(server.post(SMALL, "after"))
    server.wait_processed()


# -- sessions --


def reused(context, server, session=None):
    raw = socket.create_connection(("127.0.0.1", server.port), DEADLINE)
    sock = context.wrap_socket(raw, server_hostname="localhost",
                               session=session)
    sock.sendall(GET)
    assert b"200 OK" in sock.recv(65536)
    result = sock.session_reused, sock.session
    sock.close()
    return result


@pytest.mark.valgrind
@pytest.mark.parametrize("kind", ["ec", "rsa2048"])
def test_sessions_are_resumed(https, pki, kind):
    server = https(kind)
    context = client(pki)
    again, session = reused(context, server)
    assert not again and session.has_ticket
    assert reused(context, server, session)[0]
    assert reused(context, server, session)[0]


def test_openssl_reconnects_by_its_ticket(https, pki):
    server = https()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
         "-CAfile", pki.root.path, "-verify_return_error", "-reconnect",
         "-no_ign_eof"], input=b"", capture_output=True, timeout=DEADLINE)
    text = done.stdout.decode()
    assert len(re.findall("^New, TLSv1.2", text, re.M)) == 1, text
    assert len(re.findall("^Reused, TLSv1.2", text, re.M)) == 5, text
    assert "Secure Renegotiation IS supported" in text
    assert "Compression: NONE" in text


# -- listeners --


def test_each_listener_says_what_it_speaks(https, pki):
    server = https(config="[http]\nlisten = 127.0.0.1:0, [::1]:0\n"
                          "plain_listen = 127.0.0.1:0, [::1]:0\n")
    server.wait_for(lambda: len(server.urls) == 4, "four listeners")
    assert [url.split("://")[0] for url in server.urls] == [
        "https", "https", "http", "http"]
    for url in server.urls:
        done = subprocess.run(
            ["curl", "-sS", "--cacert", str(pki.root.path), url +
             "/healthz"], capture_output=True, timeout=DEADLINE)
        assert json.loads(done.stdout) == {"status": "ok"}, (url, done)


def test_the_plain_listener_takes_deliveries_too(https):
    server = https(config="[http]\nplain_listen = 127.0.0.1:0\n")
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    received(server.post(SMALL, "by-tls"))
    server.port, server.tls = int(server.urls[1].rsplit(":", 1)[1]), None
    received(server.post(SMALL, "plain"))
    assert server.query("SELECT event_id FROM events ORDER BY id") == [
        ("by-tls",), ("plain",)]
