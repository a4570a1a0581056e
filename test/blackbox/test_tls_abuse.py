"""What strangers do to a port that speaks TLS."""

import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import warnings

import pytest

from conftest import DEADLINE, received
from https import client, https, pki  # noqa: F401 (fixtures)
from wire import GET, Wire, delivery

SMALL = b'{"brand_id":1,"branch_id":2,"orders":[]}'
RESET = struct.pack("ii", 1, 0)


def connect(server):
    sock = socket.create_connection(("127.0.0.1", server.port), DEADLINE)
    sock.settimeout(DEADLINE)
    return sock


def drain(sock):
    """All that comes until the end, however it ends."""
    got = b""
    try:
        while data := sock.recv(65536):
            got += data
    except ConnectionResetError:
        pass
    return got


def client_hello(context):
    """The first bytes of a client that means it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def open_fds(server):
    return len(server.open_files())


def wait_fds(server, count):
    ticks = threading.Event()
    for _ in range(DEADLINE * 50):
        if open_fds(server) <= count:
            return
        ticks.wait(0.02)  # nothing tells when another process closes
    raise AssertionError(f"{open_fds(server)} descriptors, not {count}")


def test_200_garbage_openings(https, pki):
    server = https()
    before = open_fds(server)
    hello = client_hello(server.tls)
    kinds = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\x16",
             b"\x16\x03\x01\xff\xff" + b"x" * 100, hello[:50],
             hello[:11] + os.urandom(200), b"\x15\x03\x03\0\2\2\x28",
             b"SSH-2.0-x\r\n", os.urandom(500), b""]
    for number in range(200):
        with connect(server) as sock:
            sock.sendall(kinds[number % len(kinds)])
            socket.socket.shutdown(sock, socket.SHUT_WR)
            assert b"HTTP" not in drain(sock)
    wait_fds(server, before)
    received(server.post(SMALL))
    lines = re.findall(r"tls: 127\.0\.0\.1:\d+: .*", server.final_log())
    assert 0 < len(lines) < 150  # some held back, none lost: see below
    held = sum(int(n) for n in re.findall(r"and (\d+) more since", "\n".join(
        lines)))
    assert len(lines) + held <= 200


@pytest.mark.valgrind
def test_cleartext_gets_no_http(https):
    server = https()
    with connect(server) as sock:
        sock.sendall(GET)
        assert b"HTTP" not in drain(sock)
    server.wait_log(r"tls: 127\.0\.0\.1:\d+: speaks HTTP without TLS")
    received(server.post(SMALL))


@pytest.mark.valgrind
def test_idle_and_byte_by_byte_handshakes_are_cut(https):
    server = https(tls="handshake_timeout = 1s\n")
    before = open_fds(server)
    hello = client_hello(server.tls)
    idle = [connect(server) for _ in range(5)]
    slow = [connect(server) for _ in range(5)]
    ended = set()
    ticks = threading.Event()
    for at in range(len(hello)):
        for sock in slow:
            try:
                sock.send(hello[at:at + 1])
            except OSError:
                ended.add(sock)
        if len(ended) == len(slow):
            break
        ticks.wait(0.1)  # an attacker's pace: progress, but too little
    assert len(ended) == len(slow)
    for sock in idle + slow:
        drain(sock)
        sock.close()
    server.wait_log("tls: .*: handshake timed out")
    wait_fds(server, before)
    # An honest one may take longer than that second under valgrind.
    server.write_config(server.config.read_text().replace(
        "handshake_timeout = 1s", "handshake_timeout = 1m"))
    server.reload()
    received(server.post(SMALL))


def test_handshakes_beyond_the_cap_wait_and_are_served(https):
    """With the cap full of those that stand still, one of the same address
    waits for a moment, not for their deadline."""
    server = https(tls="handshake_timeout = 1h\nmax_handshakes = 4\n")
    before = open_fds(server)
    hello = client_hello(server.tls)
    idle = [connect(server) for _ in range(12)]
    for sock in idle[:6]:
        sock.sendall(hello)
    received(server.post(SMALL, "behind-them"))
    server.wait_log("handshake timed out")
    for sock in idle:
        sock.close()
    wait_fds(server, before)


def test_the_plain_listener_is_open_while_handshakes_are_full(https):
    server = https(config="[http]\nplain_listen = 127.0.0.1:0\n",
                   tls="max_handshakes = 2\nhandshake_timeout = 1h\n")
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    idle = [connect(server) for _ in range(4)]
    server.port, server.tls = int(server.urls[1].rsplit(":", 1)[1]), None
    received(server.post(SMALL))
    for sock in idle:
        sock.close()


def test_handshakes_count_as_connections(https):
    server = https(config="[http]\nmax_connections = 3\n",
                   tls="handshake_timeout = 1h\n")
    server.expect("as many connections are open as may be")
    before = open_fds(server)
    idle = [connect(server) for _ in range(10)]
    received(server.post(SMALL))
    wait_fds(server, before + 3)
    for sock in idle:
        sock.close()


@pytest.mark.valgrind
def test_50_resets_in_mid_reply(https):
    """Many pipelined questions, so that answers are under way at the end."""
    server = https()
    before = open_fds(server)
    count = 10 if os.environ.get("KLIKITD_VALGRIND") else 50
    for number in range(count):
        with Wire(server) as wire:
            wire.send(b"".join(
                [GET * 50, delivery(server, SMALL,
                                    event_id=f"reset-{number}")]))
            if number % 3:
                wire.answer()
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wait_fds(server, before)
    received(server.post(SMALL))


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest.mark.valgrind
def test_old_versions_are_refused(https, pki, version):
    server = https()
    context = client(pki)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion[version]
        context.maximum_version = ssl.TLSVersion[version]
    with connect(server) as sock:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            context.wrap_socket(sock, server_hostname="localhost")
    server.wait_log("tls: .*: speaks no version of TLS from 1.2 on")
    received(server.post(SMALL))


@pytest.mark.parametrize("suite", [
    "AES128-SHA256", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256"])
def test_unsound_suites_are_refused(https, pki, suite):
    server = https("ec" if "ECDSA" in suite else "rsa2048")
    context = client(pki, maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(suite)
    with connect(server) as sock:
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            context.wrap_socket(sock, server_hostname="localhost")
    server.wait_log("tls: .*: offers no cipher that is accepted here")


@pytest.mark.parametrize("suite", [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_each_sound_suite_is_served(https, pki, suite):
    server = https()
    server.tls = client(pki, maximum_version=ssl.TLSVersion.TLSv1_2)
    server.tls.set_ciphers(suite)
    received(server.post(SMALL))


@pytest.mark.valgrind
def test_renegotiation_is_refused(https, pki):
    server = https()
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
         "-CAfile", pki.root.path, "-tls1_2"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = b""
    while b"Verify return code" not in said:
        said += process.stdout.readline()
    process.stdin.write(b"R\n")
    process.stdin.flush()
    while line := process.stdout.readline():
        said += line
        if b"no renegotiation" in line:
            break
    process.kill()
    process.communicate()
    assert b"RENEGOTIATING" in said and b"no renegotiation" in said, said
    received(server.post(SMALL))


def test_a_certificate_that_is_not_trusted_is_told_of(https, pki):
    """By hand, so that the socket is still open when the alert is read."""
    server = https()
    stranger = pki.make("stranger", issuer=None, ca=True)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cadata=stranger.text).wrap_bio(
        incoming, outgoing, server_hostname="localhost")
    with connect(server) as sock:
        with pytest.raises(ssl.SSLCertVerificationError):
            while True:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
        sock.sendall(outgoing.read())
        server.wait_log("tls: .*: the other side refused: it does not know "
                        "our certificate's issuer")


def test_who_reads_nothing_is_cut(https):
    """Answers pile up in the kernel, then here, and then it is over."""
    server = https(config="[http]\nidle_timeout = 1s\n")
    before = open_fds(server)
    with Wire(server) as wire:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.sock.settimeout(5)
        with pytest.raises(OSError):  # a reset, or no room any more
            while True:
                wire.send(GET * 200)
    wait_fds(server, before)
    received(server.post(SMALL))


def test_no_descriptor_and_no_child_is_left(https):
    server = https()
    wires = [Wire(server)]  # it answers: all that a start reads is closed
    before = open_fds(server) - 1
    wires += [Wire(server) for _ in range(20)]
    assert open_fds(server) == before + 21
    for wire in wires:
        wire.sock.close()
    wait_fds(server, before)
    assert not pathlib.Path(
        f"/proc/{server.pid}/task/{server.pid}/children").read_text()
