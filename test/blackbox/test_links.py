"""Connections to brokers that last: half open, reloaded, hard to reach."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

import names
from brokers import rabbitmq, rabbitmq_program  # noqa: F401 (fixtures)
from brokers import redis_server  # noqa: F401
from conftest import Klikitd, received
from load import order_body
from redis_broker import RedisServer
from relay import CHUNK, Relay
from root import needs

RETRY = "retry = 50ms, 100ms, 200ms"
GATE = ("127.0.0.10", 6379)
HANGS = ("127.0.0.9", 6379)


class Forgetful(Relay):
    """Forgets connections: what is said on them goes nowhere, and neither side
    learns of it. Those that come later are served."""

    forgotten = frozenset()

    def forget(self):
        with self.changed:
            self.forgotten = set(self.sockets)

    def _pass(self, source, sink, up):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if source not in self.forgotten:
                    sink.sendall(data)
        self._end(source)
        if source not in self.forgotten:
            self._end(sink)


def section(url, *lines):
    return "\n".join((f"[handler kitchen]\ntype = {url.split(':')[0]}",
                      "events = *", f"url = {url}", RETRY, *lines, ""))


def send(server, number):
    received(server.post(order_body(number), f"event{number}"))


def wait_done(server, count):
    server.wait_query(
        "SELECT count(*) FROM jobs WHERE state = 'done'", [(count,)])


def outcomes(server, job):
    return [row[0] for row in server.query(
        f"SELECT outcome FROM attempts WHERE job = {job} ORDER BY number")]


# -- Half open: a proxy or a NAT has forgotten the connection --


def test_redis_behind_a_forgotten_connection(klikitd,
                                             redis_server):  # noqa: F811
    """Nothing is answered, and the connection does not end: it is asked for a
    sign of life, and then made anew."""
    redis = redis_server()
    relay = Forgetful(redis.port)
    server = klikitd(config=section(f"redis://127.0.0.1:{relay.port}",
                                    "stream = orders", "timeout = 500ms"))
    server.expect("retry in", "failed in a row")
    send(server, 1)
    wait_done(server, 1)
    relay.forget()
    send(server, 2)
    wait_done(server, 2)
    assert outcomes(server, 2)[0].startswith("unknown: kitchen has not answer")
    assert outcomes(server, 2)[-1] == "done"
    assert redis("XLEN", "orders") == 2
    server.stop()
    relay.close()


def test_rabbitmq_behind_a_forgotten_connection(klikitd, tmp_path,
                                                rabbitmq):  # noqa: F811
    relay = Forgetful(rabbitmq.port)
    client = rabbitmq.client()
    client.declare("orders")
    password = tmp_path / "password"
    password.write_text(rabbitmq.password)
    password.chmod(0o600)
    url = rabbitmq.url().replace(f":{rabbitmq.port}/", f":{relay.port}/")
    server = klikitd(config=section(url, "routing_key = orders",
                                    "timeout = 3s",
                                    f"password_file = {password}"))
    server.expect("retry in", "failed in a row")
    send(server, 1)
    wait_done(server, 1)
    relay.forget()
    send(server, 2)
    wait_done(server, 2)
    assert outcomes(server, 2)[0].startswith("unknown: ")
    assert outcomes(server, 2)[-1] == "done"
    assert [m.properties["message_id"] for m in client.drain("orders")] == [
        "event1", "event2"]
    client.close()
    server.stop()
    relay.close()


# -- Reloaded --


def connections(redis):
    """Those of klikitd, which has a name for each."""
    return sum(b"name= " not in line
               for line in redis("CLIENT", "LIST").splitlines())


def test_a_reload_ends_no_call(klikitd, redis_server):  # noqa: F811
    """What is under way ends on its own connection, which is closed then."""
    redis = redis_server()
    url = f"redis://127.0.0.1:{redis.port}"
    server = klikitd(config=section(url, "stream = orders", "timeout = 60s"))
    send(server, 1)
    wait_done(server, 1)
    redis.pause()
    for number in range(2, 6):
        send(server, number)
    server.wait_query("SELECT count(*) FROM attempts", [(5,)])
    server.write_config(section(url, "stream = later", "timeout = 50s"))
    server.reload()
    assert server.query("SELECT count(*) FROM jobs WHERE state = 'done'") == [
        (1,)]
    redis.resume()
    wait_done(server, 5)
    send(server, 6)
    wait_done(server, 6)
    assert redis("XLEN", "orders") == 5 and redis("XLEN", "later") == 1
    assert server.query("SELECT count(*) FROM attempts") == [(6,)]
    server.wait_for(lambda: connections(redis) == 1, "one connection")


# -- Hard to reach --


class Gate(threading.Thread):
    """Passes connections to an address on to a port of 127.0.0.1."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.sockets = port, []
        self.listener = socket.create_server(GATE)
        self.start()

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            to = socket.create_connection(("127.0.0.1", self.port))
            self.sockets += [conn, to]
            for pair in ((conn, to), (to, conn)):
                threading.Thread(target=self.move, args=pair,
                                 daemon=True).start()

    @staticmethod
    def move(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def cut(self):
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def scene(directory):
    """Inside the namespaces; prints what came of each event."""
    kept = names.hang(*HANGS)
    servers = [names.NameServer(a, [HANGS[0], GATE[0]])
               for a in names.SERVERS]
    redis = RedisServer().start()
    gate = Gate(redis.port)
    server = Klikitd(directory, config=section(
        "redis://broker.test", "stream = orders", "timeout = 3s"))
    servers[1].turn(names.GOOD)
    try:
        server.start()
        send(server, 1)  # one name server is dead, the first address hangs
        wait_done(server, 1)
        servers[0].turn(names.SILENT)
        servers[1].turn(names.DEAD)
        gate.cut()  # nobody can be asked: what was known is used
        send(server, 2)
        wait_done(server, 2)
        server.kill()
        server.start()
        send(server, 3)  # nothing is known
        server.wait_query("SELECT count(*) > 0 FROM attempts WHERE job = 3 "
                          "AND outcome IS NOT NULL", [(1,)])
        servers[1].turn(names.GOOD)
        wait_done(server, 3)
        print(json.dumps({"outcomes": [outcomes(server, job)
                                       for job in (1, 2, 3)],
                          "entries": redis("XLEN", "orders")}))
    finally:
        server.kill()
        redis.close()
    del kept


@needs("--mount", "--net")
def test_names_that_nobody_knows_and_an_address_that_hangs(tmp_path):
    resolv_conf, hosts = tmp_path / "resolv.conf", tmp_path / "hosts"
    resolv_conf.write_text("".join(f"nameserver {s}\n"
                                   for s in names.SERVERS))
    hosts.write_text("127.0.0.1 localhost\n")
    home = tmp_path / "klikitd"
    home.mkdir()
    done = subprocess.run(
        names.SPACE + [str(resolv_conf), str(hosts), sys.executable,
                       os.path.abspath(__file__), str(home)],
        stdout=subprocess.PIPE, check=False, timeout=300)
    assert done.returncode == 0
    report = json.loads(done.stdout.splitlines()[-1])
    first, second, third = report["outcomes"]
    assert first[-1] == second[-1] == third[-1] == "done"
    assert not any("unknown" in o for o in first + second + third)
    assert "broker.test" in third[0], third
    assert report["entries"] == 3


if __name__ == "__main__":
    scene(pathlib.Path(sys.argv[1]))
