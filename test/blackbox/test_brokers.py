"""The brokers of the tests, and what cuts their connections."""

import contextlib
import os
import pathlib
import socket

import pytest

import unpacked
from brokers import rabbitmq, rabbitmq_program  # noqa: F401 (fixtures)
from brokers import redis_server, relay, scripted  # noqa: F401 (fixtures)
from amqp_client import Closed, Refused
from certificates import Authority
from conftest import ROOT
from redis_broker import RedisError


def owner(process):
    return pathlib.Path(f"/proc/{process.pid}").stat().st_uid


def test_redis_keeps_what_it_has_after_kill(redis_server):  # noqa: F811
    redis = redis_server(appendfsync="always")
    assert owner(redis.process) != 0
    number = redis("XADD", "orders", "*", "body", b"\0\r\n", "n", 1)
    port = redis.port
    redis.kill()
    with pytest.raises(OSError):
        redis("PING")
    redis.start()
    assert redis.port == port
    assert redis.entries("orders") == [
        (number.decode(), {"body": b"\0\r\n", "n": b"1"})]
    redis.restart()
    assert redis("XLEN", "orders") == 1


def test_redis_refuses_whom_it_does_not_know(redis_server):  # noqa: F811
    redis = redis_server(password="master", users={
        "kitchen": ("secret", "~orders* +xadd")})
    kitchen = redis.client("kitchen", "secret")
    kitchen("XADD", "orders", "*", "a", "b")
    for words in (("XADD", "other", "*", "a", "b"), ("XLEN", "orders")):
        with pytest.raises(RedisError, match="NOPERM"):
            kitchen(*words)
    kitchen.close()
    with pytest.raises(RedisError, match="WRONGPASS"):
        redis.client("kitchen", "wrong")
    assert redis("XLEN", "orders") == 1
    assert redis.url("kitchen", 2) == (
        f"redis://kitchen@127.0.0.1:{redis.port}/2")


def test_redis_speaks_tls_only_if_asked_to(redis_server,  # noqa: F811
                                           tmp_path):
    authority = Authority(tmp_path / "pki")
    redis = redis_server(tls=authority.make("redis"))
    assert redis("PING") == b"PONG"
    assert redis.url() == f"rediss://localhost:{redis.port}/0"
    with socket.create_connection(("127.0.0.1", redis.port)) as sock:
        sock.sendall(b"PING\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"PONG" not in sock.recv(100)


def test_redis_is_full_and_has_room_again(redis_server):  # noqa: F811
    redis = redis_server(maxmemory_policy="noeviction")
    redis.set("maxmemory", 1)
    with pytest.raises(RedisError, match="^OOM "):
        redis("XADD", "orders", "*", "a", "b")
    redis.set("maxmemory", 0)
    redis("XADD", "orders", "*", "a", "b")
    redis.break_saving()
    with pytest.raises(RedisError, match="^MISCONF "):
        redis("XADD", "orders", "*", "a", "b")
    redis.mend_saving()
    redis("XADD", "orders", "*", "a", "b")
    assert redis("XLEN", "orders") == 2


def test_a_broker_leaves_nothing(redis_server):  # noqa: F811
    redis = redis_server()
    home, process = redis.home.path, redis.process
    redis.pause()
    redis.close()
    assert not home.exists() and process.returncode is not None


def test_a_server_is_run_where_its_sources_are_closed_to_it(
        tmp_path, monkeypatch):
    """By a copy of what was unpacked, if root runs the tests."""
    tools = tmp_path / "tools"
    (tools / "bin").mkdir(parents=True)
    (tools / "pack/root").mkdir(parents=True)
    (tools / "pack/root/true").symlink_to("/bin/true")
    command = tools / "bin/broker"
    command.write_text("#!/bin/sh\n"
                       'root=$(readlink -f "$(dirname "$0")/..")\n'
                       'root=$root/pack/root\n"$root/true" && id -u\n')
    command.chmod(0o755)
    tmp_path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tools}/bin:{os.environ['PATH']}")
    home = unpacked.Home("test")
    try:
        process = home.start([home.program("broker")])
        assert process.wait(60) == 0, home.log()
        assert home.log() == f"{os.geteuid() or unpacked.NOBODY}\n"
    finally:
        home.remove()


def test_modules_are_found():
    assert unpacked.module("botocore").__version__ == "1.29.27"
    assert unpacked.module("pika").__version__
    assert unpacked.module("json")
    with pytest.raises(ModuleNotFoundError):
        unpacked.module("nosuchmodule")
    with pytest.raises(AssertionError, match="no nosuchprogram: "):
        unpacked.program("nosuchprogram")


def test_rabbitmq_keeps_what_is_durable(rabbitmq):  # noqa: F811
    assert owner(rabbitmq.server.process) != 0
    client = rabbitmq.client()
    client.declare_exchange("events", "topic")
    for kind in ("classic", "quorum"):
        client.declare(kind, **{"x-queue-type": kind})
        client.bind(kind, "events", "order.#")
    client.publish("events", "order.new", b"x" * 300000, message_id="m1",
                   headers={"brand": 1, "who": "me"})
    assert client.get("classic").body == b"x" * 300000
    client.publish("events", "order.new", b"")
    assert (client.count("classic"), client.count("quorum")) == (1, 2)
    rabbitmq.restart(kill=True)
    client = rabbitmq.client()
    assert [m.body for m in client.drain("classic")] == [b""]
    first, second = client.drain("quorum")
    assert len(first.body) == 300000 and second.body == b""
    assert first.properties == {"message_id": "m1", "delivery_mode": 2,
                                "headers": first.headers}
    assert first.headers["brand"] == 1 and first.headers["who"] == "me"
    assert (first.exchange, first.routing_key) == ("events", "order.new")
    client.publish("events", "order.new", b"z")
    assert client.count("classic") == 1
    client.declare("tiny", **{"x-max-length": 0,
                              "x-overflow": "reject-publish"})
    client.bind("tiny", "events", "tiny")
    with pytest.raises(Refused):
        client.publish("events", "tiny", b"")
    client.purge("classic")
    assert client.get("classic") is None
    client.delete("classic")
    with pytest.raises(Closed, match="^404 "):
        client.count("classic")


def test_rabbitmq_has_rights_and_tls(rabbitmq):  # noqa: F811
    rabbitmq.add_user("shy", "pw", write="^$")
    with pytest.raises(Closed, match="^403 "):
        rabbitmq.client_of("shy", "wrong")
    shy = rabbitmq.client_of("shy", "pw")
    with pytest.raises(Closed, match="^403 "):
        shy.publish("amq.topic", "a", b"")
    client = rabbitmq.client(tls=True)
    client.declare("q")
    assert client.drain("q") == []
    assert rabbitmq.url(tls=True).startswith(
        f"amqps://{rabbitmq.user}@localhost:{rabbitmq.tls_port}/v")


def test_rabbitmq_raises_an_alarm(rabbitmq):  # noqa: F811
    rabbitmq.alarm()
    assert "memory" in rabbitmq.evaluate("rabbit_alarm:get_alarms().")
    rabbitmq.end_alarm()
    assert rabbitmq.evaluate("rabbit_alarm:get_alarms().") == "[]"


def echo(sock):
    while data := sock.recv(1000):
        sock.sendall(data)


def test_a_relay_cuts_where_it_should(relay, scripted):  # noqa: F811
    target = scripted([echo])
    between = relay(target.port)
    with socket.create_connection(("127.0.0.1", between.port)) as sock:
        sock.sendall(b"abc")
        assert sock.recv(10) == b"abc"
        between.cut_after(4, up=False)
        sock.sendall(b"defghi")
        stream = sock.makefile("rb")
        assert stream.read() == b"defg"
    assert (between.cuts, between.accepted) == (1, 1)
    target.wait_for(lambda: not target.sockets)
    with socket.create_connection(("127.0.0.1", between.port)) as sock:
        between.stall()
        sock.sendall(b"kept")
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(60)
        between.flow()
        assert sock.recv(10) == b"kept"
        between.cut()
        assert sock.recv(1) == b""
    between.refuse()
    with socket.create_connection(("127.0.0.1", between.port)) as sock:
        assert sock.recv(1) == b""
    between.accept()
    between.cut_after(2)
    with socket.create_connection(("127.0.0.1", between.port)) as sock:
        sock.sendall(b"xyz")
        assert sock.makefile("rb").read() in (b"xy", b"")


def test_a_script_is_followed(scripted):  # noqa: F811
    server = scripted([3, b"half"], [None])
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"abc")
        assert sock.makefile("rb").read() == b"half"
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"def")
        server.wait_for(lambda: server.received == [b"abc", b"def"])
    server.wait_for(lambda: not server.sockets)
    assert server.accepted == 2


def test_ports_are_not_those_that_the_kernel_gives():
    low, _ = pathlib.Path(
        "/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert unpacked.free_port() < int(low)
    assert (ROOT / "run").exists()
