"""Certificates replaced under way, and those that cannot be."""

import os
import shutil
import signal
import socket
import ssl

import pytest

from conftest import received
from https import TLS, client, https, install, pki  # noqa: F401 (fixtures)
from load import Senders
from wire import GET, Wire

SMALL = b'{"brand_id":1,"branch_id":2,"orders":[]}'


def reload(server, count=1):
    os.kill(server.pid, signal.SIGHUP)
    server.wait_log("reload: (done|refused)", count)


def shown(server):
    """The name in the certificate that is shown now."""
    with Wire(server) as wire:
        names = dict(pair[0] for pair in wire.sock.getpeercert()["subject"])
        wire.send(GET)
        assert wire.answer().status == 200
        return names["commonName"]


@pytest.mark.valgrind
def test_hup_shows_the_new_certificate_at_once(https, pki):
    server = https("ec")
    with Wire(server) as old:
        assert shown(server) == "ec"
        install(server, pki, "rsa2048")
        assert shown(server) == "ec"  # a file alone changes nothing
        reload(server)
        server.wait_log("reload: done")
        assert shown(server) == "rsa2048"  # also the very next one
        assert old.send(GET).answer().status == 200  # goes on as it began
    install(server, pki, "ec")
    reload(server, 2)
    assert shown(server) == "ec"


@pytest.mark.valgrind
def test_a_bad_pair_leaves_the_old_one(https, pki):
    server = https("ec")
    server.expect("reload:")
    good = (server.directory / "server.key").read_bytes()
    shutil.copy(pki.directory / "rsa2048.key", server.directory / "server.key")
    reload(server)
    server.wait_log("reload: refused")
    server.wait_log("server.key")
    assert shown(server) == "ec"
    (server.directory / "server.key").unlink()
    reload(server, 2)
    assert shown(server) == "ec"
    (server.directory / "server.key").write_bytes(good)
    (server.directory / "server.pem").write_text("no certificate\n")
    reload(server, 3)
    assert shown(server) == "ec"
    received(server.post(SMALL))
    assert "reload: done" not in server.final_log()


@pytest.mark.parametrize("before, after", [(TLS, ""), ("", TLS)])
def test_tls_is_turned_on_and_off_by_a_restart_only(klikitd, pki, before,
                                                    after):
    http = "[http]\nlisten = 127.0.0.1:0\n"
    server = klikitd(start=False, config=http + before)
    server.expect("reload:")
    install(server, pki, "ec")
    server.tls = client(pki) if before else None
    server.start()
    server.write_config(http + after)
    reload(server)
    server.wait_log("tls.certificate cannot change without a restart")
    received(server.post(SMALL))


def test_reload_under_load_fails_no_delivery(https, pki):
    server = https("ec")
    senders = Senders(server, count=8)
    for number in range(20):
        install(server, pki, "rsa2048" if number % 2 == 0 else "ec")
        reload(server, number + 1)
        senders.wait_for(5)
        shown(server)
    senders.stop()
    assert not senders.refused and not senders.broken
    assert "reload: refused" not in server.final_log()
    (stored,), = server.query("SELECT count(*) FROM events")
    assert stored == len(senders.acknowledged)


def test_tickets_do_not_outlive_their_certificate(https, pki):
    server = https("ec")
    context = client(pki)

    def session(known=None):
        raw = socket.create_connection(("127.0.0.1", server.port))
        with context.wrap_socket(raw, server_hostname="localhost",
                                 session=known) as sock:
            sock.sendall(GET)
            assert b"200 OK" in sock.recv(65536)
            return sock.session_reused, sock.session

    _, known = session()
    assert session(known)[0]
    reload(server)
    assert not session(known)[0]


def test_limits_of_handshakes_are_reloaded(https):
    server = https()
    config = server.config.read_text()
    server.write_config(config.replace(
        "[tls]\n", "[tls]\nhandshake_timeout = 300ms\n"))
    reload(server)
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.settimeout(60)
        assert sock.recv(1) == b""
    server.wait_log("handshake timed out")


@pytest.mark.parametrize("text, word", [
    ("[tls]\ncertificate = server.pem\n", "tls.key"),
    ("[tls]\ncertificate = server.pem\nkey = none.key\n", "none.key"),
    ("[tls]\ncertificate = server.key\nkey = server.key\n", "server.key"),
    ("[http]\nplain_listen = 0.0.0.0:1\n", "other machines"),
    ("[http]\nplain_listen = *:1\n", "other machines"),
])
def test_a_wrong_configuration_does_not_start(klikitd, pki, text, word):
    server = klikitd(start=False, config=text)
    server.expect(".")
    install(server, pki, "ec")
    server.start(wait=False)
    server.wait(expect=None)
    assert word in server.log()
    assert "listening:" not in server.log()
