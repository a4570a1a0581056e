"""An HAProxy of one's own, with a configuration of the test's.

    balancer = Haproxy(text)    # "stats socket PATH" is added to its `global'
    balancer.states("klikitd")  # {"a": "UP", "b": "DOWN", ...} of a backend
    balancer.close()

The program is what `./run test` has unpacked, else the installed one. It never
runs as root.
"""

import csv
import io
import socket
import time

from conftest import DEADLINE
from unpacked import Home, free_port

IN_FRONT = """
global
    maxconn 4000
defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
frontend plain
    mode http
    option forwardfor
    bind 127.0.0.1:{plain}
    default_backend klikitd
backend klikitd
    mode http
    server a 127.0.0.1:{to_plain}
frontend secure
    mode tcp
    bind 127.0.0.1:{secure}
    default_backend klikitd_tls
backend klikitd_tls
    mode tcp
    server a 127.0.0.1:{to_secure}
"""

# All that comes goes on as it is, with a header that says from whom.
SAYS_WHO = """
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend plain
    bind 127.0.0.1:{plain}
    default_backend encrypted
frontend secure
    bind 127.0.0.1:{secure}
    default_backend klikitd
backend encrypted
    server a 127.0.0.1:{to} ssl verify none send-proxy-v2
backend klikitd
    server a 127.0.0.1:{to} send-proxy-v2
"""


class Haproxy:
    def __init__(self, text):
        self.home = Home("haproxy")
        self.socket = self.home.path / "stats"
        assert text.count("global\n") == 1
        config = self.home.write("haproxy.cfg", text.replace(
            "global\n", f"global\n    stats socket {self.socket}\n"))
        self.process = self.home.start(
            [self.home.program("haproxy"), "-db", "-f", config])
        self.wait_for(self.socket.exists, "socket")

    def wait_for(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, f"no {what}:\n{self.log()}"
            time.sleep(0.02)  # nothing else says so to another process

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(DEADLINE)
            sock.connect(str(self.socket))
            sock.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: sock.recv(65536), b"")).decode()

    def servers(self, backend):
        """What it counts of each of them, by name."""
        rows = csv.DictReader(io.StringIO(
            self.ask("show stat").removeprefix("# ")))
        return {row["svname"]: row for row in rows
                if row["pxname"] == backend and row["svname"] != "BACKEND"}

    def states(self, backend):
        return {name: row["status"].split()[0]
                for name, row in self.servers(backend).items()}

    def log(self):
        return self.home.log()

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.home.remove()


def _between(text, **to):
    ports = {"plain": free_port(), "secure": free_port()}
    return Haproxy(text.format(**to, **ports)), ports["plain"], ports["secure"]


def in_front(plain, secure):
    """One in front of a klikitd that listens on those ports, without TLS and
    with it. Returns it, and its own two."""
    return _between(IN_FRONT, to_plain=plain, to_secure=secure)


def saying_who(proxied):
    """The same, of one that listens there for TLS behind PROXY headers."""
    return _between(SAYS_WHO, to=proxied)
