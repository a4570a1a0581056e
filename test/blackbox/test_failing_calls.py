"""The kernel refuses for a while, and then no more: a disk that is read-only,
fails or is full, descriptors that are out. 503 or a retry meanwhile; afterwards
all goes on by itself, and what was answered 200 is there."""

import contextlib
import http.client
import json
import signal
import subprocess

import pytest

from conftest import DEADLINE, duplicate, received
from load import order_body
from test_outlets import forward, sink  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("calls of the kernel for a file")]
ASAN = {"ASAN_OPTIONS": "detect_leaks=0"}  # no leak check under ptrace
WRITES = "pwrite64,pwritev,ftruncate,fallocate,fdatasync,fsync"
OPENS = "socket,socketpair,pipe,pipe2,memfd_create,openat,accept,accept4,dup"


@contextlib.contextmanager
def failing(server, calls, error):
    """These calls of the running server fail."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(server.pid), "-o", "/dev/null", "-e",
         f"trace={calls}", "-e", f"inject={calls}:error={error}"],
        stderr=subprocess.PIPE, text=True)
    try:
        line = tracer.stderr.readline()
        if "attached" not in line:
            pytest.skip(f"strace may not attach here: {line}")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)  # it lets go
        tracer.communicate(timeout=DEADLINE)


@pytest.mark.parametrize("error", ["EROFS", "EIO", "ENOSPC"])
def test_a_disk_that_refuses_for_a_while(klikitd, error):
    server = klikitd(env=ASAN)
    server.expect("store", "not stored", "event", "space", "rejections")
    body = order_body(1)
    received(server.deliver(body, "before"))
    server.wait_processed()
    with failing(server, WRITES, error):
        for number in range(3):
            status, fields, _ = server.deliver(body, f"while{number}")
            assert status == 503 and int(fields["retry-after"]) > 0
        assert server.get("/healthz")[0] == 200
        assert server.ask("GET", "/readyz")[0] == 503
    server.wait_ready()
    received(server.deliver(body, "after"))
    duplicate(server.deliver(body, "before"))
    for number in range(3):  # not lost either: klikit sends it again
        assert server.deliver(body, f"while{number}")[0] == 200
    server.wait_processed()
    assert server.query("SELECT count(*) FROM events") == [(5,)]
    assert server.query("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE"])
def test_descriptors_that_are_out_for_a_while(klikitd, sink, tmp_path,  # noqa
                                              error):
    """Of forward, exec, the admin listener and new connections."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexec cat >/dev/null\n")
    program.chmod(0o700)
    pos = sink()
    server = klikitd(env=ASAN, config=forward(pos.url) + (
        f"[handler bell]\ntype = exec\nevents = *\ncommand = {program}\n"
        "retry = 100ms\n"))
    server.expect(".")
    public = server.connect()
    received(server.deliver(order_body(1), "before", connection=public))
    server.wait_processed()
    pos.restart()  # its connection is gone, so the next call needs another
    with failing(server, OPENS, error):
        received(server.deliver(order_body(2), "while", connection=public))
        server.wait_query(
            "SELECT count(*) FROM jobs WHERE attempts > 0 AND event = (SELECT "
            "id FROM events WHERE event_id = 'while')", [(2,)])
        assert server.query("SELECT count(*) FROM jobs WHERE state = 'dead'"
                            ) == [(0,)]
        host, port = server.admin.removeprefix("http://").rsplit(":", 1)
        admin = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        admin.request("GET", "/readyz")  # waits in the backlog
    assert json.loads(admin.getresponse().read())["status"] == "ready"
    server.wait_processed()
    received(server.deliver(order_body(3), "after"))
    server.wait_processed()
    assert server.query("SELECT DISTINCT state FROM jobs") == [("done",)]
    assert {r["key"] for r in pos.lines()} == {"before", "while", "after"}
