"""Sockets that a service manager has opened (sd_listen_fds(3)): they are passed
by hand here."""

import os
import socket
import threading

import pytest

from conftest import SECRET, own, payload, sign

SMALL = payload("created-small.json")
# What systemd does: descriptors from 3 on, and whose they are.
HAND_OVER = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
high = [os.dup2(fd, 500 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ["LISTEN_FDS"] = str(len(fds))
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def listening(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind((host, 0))
    sock.listen(64)
    return sock


def port_of(sock):
    return sock.getsockname()[1]


def activated(klikitd, sockets, names=None, wait=True, **options):
    """A server that was given these sockets, and what they are called."""
    fds = [sock.fileno() for sock in sockets]
    env = options.pop("env", {})
    if names is not None:
        env = {**env, "LISTEN_FDNAMES": ":".join(names)}
    server = klikitd(start=False, env=env, wrapper=[
        "/usr/bin/python3", "-c", HAND_OVER, ",".join(map(str, fds))],
        **options)
    server.pass_fds = fds
    return server.start(wait=wait)


def listen(*ports):
    return "[http]\nlisten = " + ", ".join(
        f"127.0.0.1:{port}" for port in ports) + "\n"


def test_a_socket_named_http_is_served_wherever_it_listens(klikitd):
    sock = listening()
    server = activated(klikitd, [sock], ["http"])
    assert server.urls == [f"http://127.0.0.1:{port_of(sock)}"]
    assert server.deliver(SMALL)[0] == 200


def test_every_address_is_called_so(klikitd):
    sock = listening("::")
    server = activated(klikitd, [sock], ["http"])
    assert server.urls == [f"http://*:{port_of(sock)}"]
    assert server.deliver(SMALL)[0] == 200


def test_one_of_another_name_goes_by_its_address(klikitd):
    sock = listening()
    server = activated(klikitd, [sock], ["klikitd.socket"],
                       config=listen(port_of(sock), 0))
    assert server.urls[0] == f"http://127.0.0.1:{port_of(sock)}"
    server.wait_for(lambda: len(server.urls) == 2, "the other listener")
    assert server.deliver(SMALL)[0] == 200


def test_admin_and_plain_listeners_are_passed_as_well(klikitd):
    public, plain, admin = socks = [listening() for _ in range(3)]
    server = activated(klikitd, socks, ["http", "plain", "admin"], config=(
        f"[http]\nplain_listen = 127.0.0.1:{port_of(plain)}\n"
        f"[admin]\nlisten = 127.0.0.1:{port_of(admin)}\n"))
    server.wait_for(lambda: len(server.urls) == 2, "the plain listener")
    assert server.urls == [f"http://127.0.0.1:{port_of(sock)}"
                           for sock in (public, plain)]
    assert server.admin == f"http://127.0.0.1:{port_of(admin)}"
    assert server.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("names", [["klikitd.socket"], ["admin"], ["plain"],
                                   None])
def test_one_that_is_for_nothing_ends_the_start(klikitd, names):
    """Its clients would wait for ever. What is checked of the admin listener's
    address holds for a socket too."""
    sock = listening()
    server = activated(klikitd, [sock], names, wait=False)
    server.expect("cannot start: the service manager listens on "
                  f"127.0.0.1:{port_of(sock)}")
    server.wait(expect=1)
    assert "which is no address of the configuration" in server.log()


def test_what_is_no_listener_ends_the_start(klikitd):
    sock = socket.socket()
    server = activated(klikitd, [sock], ["http"], wait=False)
    server.expect("descriptor 3 .http. of the service manager is no "
                  "listening TCP socket")
    server.wait(expect=1)


def test_another_process_is_meant(klikitd):
    """One that started us keeps what it was given."""
    server = klikitd(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    assert server.deliver(SMALL)[0] == 200


def test_children_get_no_socket(klikitd, tmp_path):
    seen = tmp_path / "seen"
    program = tmp_path / "look"
    program.write_text(f"#!/bin/sh\n(env; ls -l /proc/self/fd) >{seen}\n")
    program.chmod(0o755)
    server = activated(klikitd, [listening()], ["http"], config=(
        f"[handler look]\ntype = exec\ncommand = {program}\n"))
    assert server.deliver(SMALL)[0] == 200
    server.wait_processed()
    text = seen.read_text()
    assert "KLIKIT_EVENT_ID=" in text
    assert "LISTEN_" not in text and "socket:" not in text


class Sender(threading.Thread):
    """Connects all the time, one delivery on each connection."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.label = port, name
        self.answers = []
        self.failed = []
        self.enough = threading.Event()
        self.progress = threading.Condition()

    def run(self):
        while not self.enough.is_set():
            event_id = f"{self.label}-{len(self.answers) + len(self.failed)}"
            try:
                self.answers.append((event_id, self.deliver(event_id)))
            except OSError as e:
                self.failed.append((event_id, repr(e)))
            with self.progress:
                self.progress.notify_all()

    def deliver(self, event_id):
        body = own(SMALL, event_id)
        head = (f"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
                f"x-klikit-event-id: {event_id}\r\n"
                f"x-klikit-event-type: klikit.order.created.v2\r\n"
                f"x-klikit-signature: {sign(body, SECRET)}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.port), 60) as sock:
            sock.sendall(head.encode() + body)
            answer = b""
            while data := sock.recv(4096):
                answer += data
        if not answer:
            raise ConnectionResetError("closed without an answer")
        return int(answer.split()[1])

    def wait(self, count):
        with self.progress:
            assert self.progress.wait_for(
                lambda: len(self.answers) + len(self.failed) >= count, 60)


def test_a_restart_refuses_and_loses_nobody(klikitd):
    """Several servers one after the other on one socket, and clients that
    connect all the time."""
    sock = listening()
    senders = [Sender(port_of(sock), f"s{i}") for i in range(4)]
    server = activated(klikitd, [sock], ["http"])
    for sender in senders:
        sender.start()
    for _ in range(4):
        for sender in senders:
            sender.wait(len(sender.answers) + 5)
        server.stop()
        server.start()
    for sender in senders:
        sender.wait(len(sender.answers) + 5)
        sender.enough.set()
    for sender in senders:
        sender.join(60)
        assert sender.failed == []
        assert {status for _, status in sender.answers} == {200}
    stored = {row[0] for row in server.query("SELECT event_id FROM events")}
    assert stored == {event_id for sender in senders
                      for event_id, _ in sender.answers}


def test_who_has_just_connected_is_answered_by_the_one_that_stops(klikitd):
    """His request is on its way: closing would lose it."""
    sock = listening()
    server = activated(klikitd, [sock], ["http"])
    with socket.create_connection(("127.0.0.1", port_of(sock))) as fresh:
        server.wait_for(lambda: server.metrics()[
            'klikitd_connections{listener="public"}'] >= 1, "a connection")
        os.kill(server.pid, 15)
        server.wait_log("stopping: finishing")
        body = own(SMALL, "late")
        head = "".join(f"{name}: {value}\r\n" for name, value in
                       server.headers(body, "late").items())
        fresh.sendall(f"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n{head}"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = fresh.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in answer
    server.wait()
