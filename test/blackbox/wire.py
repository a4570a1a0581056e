"""Requests byte for byte, on raw sockets."""

import json
import socket

from conftest import DEADLINE

JSON = "application/json; charset=utf-8"


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        assert self.headers["content-type"] == JSON, self.headers
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body!r}"


class Wire:
    """One connection; reads answers as they come."""

    def __init__(self, server, host="127.0.0.1", source=None):
        self.sock = socket.create_connection(
            (host, server.port), DEADLINE, source and (source, 0))
        self.sock.settimeout(DEADLINE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.tls:
            self.sock = server.tls.wrap_socket(self.sock,
                                               server_hostname="localhost")
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def half_close(self):
        # Below TLS, so that reading goes on: without a close_notify.
        socket.socket.shutdown(self.sock, socket.SHUT_WR)
        return self

    def more(self):
        """Read on; says whether anything came."""
        data = self.sock.recv(65536)
        self.left += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.left:
            assert self.more(), f"closed within an answer: {self.left!r}"
        part, self.left = self.left.split(mark, 1)
        return part

    def answer(self, head=False):
        """The next answer; head: to a request that allows it no body."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, value in
                   (line.split(":", 1) for line in lines[1:])}
        length = 0 if head else int(headers.get("content-length", 0))
        while len(self.left) < length:
            assert self.more(), f"closed within a body: {self.left!r}"
        body, self.left = self.left[:length], self.left[length:]
        return Answer(status, headers, body)

    def closed(self):
        """Wait for the end; says whether nothing else came before it."""
        try:
            while self.more():
                pass
        except ConnectionResetError:
            pass
        return self.left == b""


def delivery(server, body=b'{"orders":[]}', *, line=None, length=True, drop=(),
             extra=(), **fields):
    """A signed delivery as bytes. Lines of `extra' are added as they stand,
    headers named in `drop' left out."""
    headers = {"Host": "klikitd", **server.headers(body, **fields)}
    if length:
        headers["Content-Length"] = str(len(body))
    lines = [line or "POST /webhooks/klikit HTTP/1.1"]
    lines += [f"{k}: {v}" for k, v in headers.items() if k not in drop]
    head = "\r\n".join(lines).encode("latin-1")
    for one in extra:
        head += b"\r\n" + (one if isinstance(one, bytes) else one.encode())
    return head + b"\r\n\r\n" + body


def chunked(body, size=7):
    """The body in chunks."""
    out = b""
    for at in range(0, len(body), size):
        part = body[at:at + size]
        out += b"%x\r\n%s\r\n" % (len(part), part)
    return out + b"0\r\n\r\n"


GET = b"GET /healthz HTTP/1.1\r\nHost: klikitd\r\n\r\n"
