"""A far side whose status line was read has answered, whatever follows."""

import socket
import ssl
import threading

import pytest

import certificates
from conftest import payload, received

pytestmark = pytest.mark.once

OK = b"HTTP/1.1 200 OK\r\n"
# What is sent, and whether the far side closes after it.
ANSWERS = {
    "two framings": (OK + b"Content-Length: 2\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\nok", False),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
                    False),
    "broken chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\nnonsense",
                      False),
    "a bad line": (OK + b"no colon\r\n\r\n", False),
    "garbage": (OK + b"Content-Length: 0\r\n\r\n\0\0garbage", False),
    "a long head": (OK + b"X: " + 70_000 * b"x", False),
    "a cut head": (OK + b"Content-Le", True),
    "a cut status line": (b"HTTP/1.1 200 O", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", False),
    "small letters": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", False),
    "old HTTP": (b"HTTP/1.0 200 OK\r\n\r\nall", True),
    "some 1xx": (b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 H\r\nLink: x\r\n\r\n" +
                 OK + b"Content-Length: 0\r\n\r\n", False),
}


class FarSide:
    """Answers each request with the same bytes, in pieces of 7."""

    def __init__(self, answer, closes, tls=None):
        self.answer, self.closes, self.tls = answer, closes, tls
        self.requests = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.kept = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.call, args=(conn,),
                             daemon=True).start()

    def call(self, conn):
        if self.tls is not None:
            conn = self.tls.wrap_socket(conn, server_side=True)
        self.kept.append(conn)
        data = b""
        while b"\r\n\r\n" not in data or not data.endswith(b"}"):
            if not (more := conn.recv(65536)):
                return
            data += more
        self.requests += 1
        head = self.answer[:200]
        for at in range(0, len(head), 7):
            conn.sendall(head[at:at + 7])
        try:
            conn.sendall(self.answer[200:])
        except OSError:
            return  # it has read enough
        if self.closes:
            conn.close()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    authority = certificates.Authority(tmp_path_factory.mktemp("certificates"))
    cert = authority.make("good")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert.path, cert.key)
    return context, authority.root.path


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("what", ANSWERS)
def test_a_status_that_was_read_counts(klikitd, good, what, scheme):
    context, ca = good
    far = FarSide(*ANSWERS[what], tls=context if scheme == "https" else None)
    server = klikitd(config=(
        "[handler pos]\ntype = forward\nevents = *\ntimeout = 60s\n"
        f"url = {scheme}://localhost:{far.port}/\n"
        "retry = 100ms\n" + (f"ca_file = {ca}\n" if scheme == "https" else "")))
    received(server.post(payload("created-small.json"), "one"))
    server.wait_processed()
    assert server.query("SELECT outcome, code FROM attempts") == [
        ("done", 200)]
    assert far.requests == 1
